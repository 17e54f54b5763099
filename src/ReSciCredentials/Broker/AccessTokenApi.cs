using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>The access tokens of a data source or data sink, for programs: routes of our own beside Nexla's.</summary>
internal static class AccessTokenApi
{
    public static void MapAccessTokenApi(this IEndpointRouteBuilder routes)
    {
        Map(routes.MapApi("/data_sources/{id:int}/access_tokens", "Access tokens"), FlowKind.Source, "data_source");
        Map(routes.MapApi("/data_sinks/{id:int}/access_tokens", "Access tokens"), FlowKind.Destination, "data_sink");
    }

    private static void Map(RouteGroupBuilder tokens, FlowKind kind, string name)
    {
        tokens.MapGet("/", (int id, Person person, AccessTokens service, CancellationToken cancellationToken) =>
                ListAsync(kind, id, person, service, cancellationToken))
            .WithName($"list_access_tokens_of_{name}").WithSummary("List its access tokens").Refuses(401, 404);
        tokens.MapPost(
                "/",
                (int id, ApiBody<AccessTokenRequest> body, Person person, HttpRequest request, Repeats repeats, AccessTokens service, CancellationToken cancellationToken) =>
                    CreateAsync(kind, id, body, person, request, repeats, service, cancellationToken))
            .WithName($"create_access_token_of_{name}").WithSummary("Make an access token, which is shown once")
            .Reads(ApiParameter.IdempotencyKey).Takes(AccessTokenRequest.ExamplesFor(kind)).Refuses(400, 401, 403, 404, 507);
        tokens.MapDelete("/{token:int}", (int id, int token, Person person, AccessTokens service, CancellationToken cancellationToken) =>
                RevokeAsync(kind, id, token, person, service, cancellationToken))
            .WithName($"revoke_access_token_of_{name}").WithSummary("Revoke an access token").Refuses(401, 403, 404, 507);
        tokens.MapPost(
                "/{token:int}/rotate",
                (int id, int token, ApiBody<RotationRequest> body, Person person, HttpRequest request, Repeats repeats, AccessTokens service, CancellationToken cancellationToken) =>
                    RotateAsync(kind, id, token, body, person, request, repeats, service, cancellationToken))
            .WithName($"rotate_access_token_of_{name}").WithSummary("Replace an access token, with overlap")
            .Reads(ApiParameter.IdempotencyKey).Takes(ApiExample.Nothing, RotationRequest.AtOnce).Refuses(400, 401, 403, 404, 507);
    }

    private static async Task<Results<ApiAnswer<AccessTokenAnswer[]>, ApiError>> ListAsync(
        FlowKind kind, int id, Person person, AccessTokens service, CancellationToken cancellationToken) =>
        await service.FindRoleAsync(person, kind, id, cancellationToken) is null
            ? ApiError.NotFound(Noun(kind), id)
            : ApiAnswer.Of<AccessTokenAnswer[]>(
                [.. (await service.ListAsync(person, id, cancellationToken)).Select(token => AccessTokenAnswer.Of(token, null))],
                AccessTokenJson.Default.AccessTokenAnswerArray);

    private static async Task<Results<ApiAnswer<AccessTokenAnswer>, ApiError>> CreateAsync(
        FlowKind kind,
        int id,
        ApiBody<AccessTokenRequest> body,
        Person person,
        HttpRequest request,
        Repeats repeats,
        AccessTokens service,
        CancellationToken cancellationToken)
    {
        using var turn = await repeats.BeginAsync(person, request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (await turn.FindAsync(operations => service.FindOperationsAsync(person, operations, cancellationToken)) is { } before)
        {
            return await ShowAsync(kind, id, person, service, before, null, cancellationToken);
        }

        var input = body.Value.ToNew(kind, id, turn.Operation);
        return await AnswerAsync(kind, id, person, service, await service.CreateAsync(person, input, cancellationToken), cancellationToken);
    }

    private static async Task<Results<ApiAnswer<AccessTokenAnswer>, ApiError>> RotateAsync(
        FlowKind kind,
        int id,
        int token,
        ApiBody<RotationRequest> body,
        Person person,
        HttpRequest request,
        Repeats repeats,
        AccessTokens service,
        CancellationToken cancellationToken)
    {
        using var turn = await repeats.BeginAsync(person, request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (await service.FindAsync(person, kind, id, token, cancellationToken) is null)
        {
            return ApiError.NotFound(AccessTokens.ItemType, token);
        }

        if (await turn.FindAsync(operations => service.FindOperationsAsync(person, operations, cancellationToken)) is { } before)
        {
            return await ShowAsync(kind, id, person, service, before, null, cancellationToken);
        }

        var overlap = TimeSpan.FromHours(body.Value.OverlapHours ?? RotationRequest.UsualOverlap);
        return await AnswerAsync(kind, id, person, service, await service.RotateAsync(person, token, overlap, turn.Operation, cancellationToken), cancellationToken);
    }

    private static async Task<Results<ApiAnswer<ApiDone>, ApiError>> RevokeAsync(
        FlowKind kind, int id, int token, Person person, AccessTokens service, CancellationToken cancellationToken)
    {
        if (await service.FindAsync(person, kind, id, token, cancellationToken) is null)
        {
            return ApiError.NotFound(AccessTokens.ItemType, token);
        }

        return await service.RevokeAsync(person, token, cancellationToken) switch
        {
            TokenOutcome.Revoked => ApiAnswer.Of(ApiDone.Ok, AccessTokenJson.Default.ApiDone),
            TokenOutcome.Forbidden => ApiError.Forbidden(Noun(kind), id),
            TokenOutcome.NotFound => ApiError.NotFound(AccessTokens.ItemType, token),
            _ => throw new UnreachableException(),
        };
    }

    private static async Task<Results<ApiAnswer<AccessTokenAnswer>, ApiError>> AnswerAsync(
        FlowKind kind, int id, Person person, AccessTokens service, TokenOutcome outcome, CancellationToken cancellationToken) => outcome switch
        {
            TokenOutcome.Made made => await ShowAsync(kind, id, person, service, made.Id, made.Token, cancellationToken),
            TokenOutcome.MadeBefore before => await ShowAsync(kind, id, person, service, before.Id, null, cancellationToken),
            TokenOutcome.Invalid invalid => ApiError.Invalid(invalid.Errors.Select(error => KeyValuePair.Create(FieldOf(error.Key), error.Value))),
            TokenOutcome.Forbidden => ApiError.Forbidden(Noun(kind), id),
            TokenOutcome.NotFound => ApiError.NotFound(Noun(kind), id),
            _ => throw new UnreachableException(),
        };

    /// <param name="text">The token itself, the one time that it is there.</param>
    private static async Task<Results<ApiAnswer<AccessTokenAnswer>, ApiError>> ShowAsync(
        FlowKind kind, int id, Person person, AccessTokens service, int token, string? text, CancellationToken cancellationToken) =>
        await service.FindAsync(person, kind, id, token, cancellationToken) is { } view
            ? ApiAnswer.Of(
                AccessTokenAnswer.Of(view, text) with { Message = text is null ? AccessTokenAnswer.NotShownAgain : AccessTokenAnswer.ShownOnce },
                AccessTokenJson.Default.AccessTokenAnswer)
            : ApiError.NotFound(AccessTokens.ItemType, token);

    private static string Noun(FlowKind kind) => kind switch
    {
        FlowKind.Source => "source",
        FlowKind.Destination => "destination",
    };

    /// <summary>The field of the request for a field of the service's.</summary>
    private static string FieldOf(string field) => field switch
    {
        "expires" => "expires_on",
        "importTypes" => "import_types",
        "rate" => "requests_per_minute",
        "noWelcomeMails" => "no_welcome_mails",
        "" => ApiFields.Body,
        _ => field,
    };
}

/// <summary>What a program sends to make an access token. Only the name is needed; the rest narrows the token.</summary>
internal sealed record AccessTokenRequest : IApiRequest<AccessTokenRequest>
{
    public static JsonTypeInfo<AccessTokenRequest> Json => AccessTokenJson.Default.AccessTokenRequest;

    public static ApiExample[] ExamplesFor(FlowKind kind) =>
    [
        new("A token that may do all that can be done here", """{ "name": "Warehouse loader" }"""),
        new("A narrow one", kind switch
        {
            FlowKind.Source => """{ "name": "Warehouse loader", "expires_on": "2099-12-31", "addresses": ["192.0.2.0/24"], "requests_per_minute": 600 }""",
            FlowKind.Destination => """{ "name": "Warehouse loader", "expires_on": "2099-12-31", "import_types": ["order"], "requests_per_minute": 600 }""",
        }),
    ];

    public string? Name { get; init; }

    /// <summary>The last day on which it works, by UTC, as <c>2027-01-31</c>.</summary>
    public string? ExpiresOn { get; init; }

    public string[]? ImportTypes { get; init; }

    public string[]? Streams { get; init; }

    /// <summary>Network addresses or networks from which it may be used.</summary>
    public string[]? Addresses { get; init; }

    public int? RequestsPerMinute { get; init; }

    /// <summary>Refuses every write of a user that does not forbid ReSci's welcome mail. Such writes are possible where the server switches them on.</summary>
    public bool? NoWelcomeMails { get; init; }

    public NewAccessToken ToNew(FlowKind kind, int flow, Guid operation) => new(
        kind,
        flow,
        Name,
        ExpiresOn,
        Lines(ImportTypes),
        Lines(Streams),
        Lines(Addresses),
        RequestsPerMinute?.ToString(CultureInfo.InvariantCulture),
        operation,
        NoWelcomeMails ?? false);

    private static string? Lines(string[]? entries) => entries is null ? null : string.Join('\n', entries);
}

/// <summary>What a program sends to replace an access token.</summary>
internal sealed record RotationRequest : IApiRequest<RotationRequest>
{
    public const int UsualOverlap = 24;

    public static JsonTypeInfo<RotationRequest> Json => AccessTokenJson.Default.RotationRequest;

    public static ApiExample AtOnce { get; } = new("The old one ends at once", """{ "overlap_hours": 0 }""");

    /// <summary>For how long the old one goes on working, in hours, 0 to 720; left out it is <see cref="UsualOverlap"/>.</summary>
    public int? OverlapHours { get; init; }
}

/// <summary>An access token as programs get it.</summary>
internal sealed record AccessTokenAnswer
{
    public const string ShownOnce = "Keep the access token now: it is not shown again.";
    public const string NotShownAgain = "This call was made before. The access token is not shown again: rotate it to get a new one.";

    public required int Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The token itself in the answer that made it; null ever after.</summary>
    public required string? AccessToken { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }

    /// <summary>How it begins, to tell several apart.</summary>
    public required string Beginning { get; init; }

    /// <summary>ACTIVE, EXPIRED or REVOKED.</summary>
    public required string Status { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset? ExpiresAt { get; init; }

    public required DateTimeOffset? RevokedAt { get; init; }

    public required DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>The token that took its place.</summary>
    public required int? ReplacedById { get; init; }

    /// <summary>Null allows any, as for the three that follow.</summary>
    public required string[]? ImportTypes { get; init; }

    public required string[]? Streams { get; init; }

    public required string[]? Addresses { get; init; }

    public required int? RequestsPerMinute { get; init; }

    /// <summary>Whether writes of users are refused that would let ReSci send a welcome mail.</summary>
    public required bool NoWelcomeMails { get; init; }

    /// <summary>Calls of the last 24 hours.</summary>
    public required long CallsToday { get; init; }

    public static AccessTokenAnswer Of(AccessTokenView view, string? token) => new()
    {
        Id = view.Id,
        Name = view.Name,
        AccessToken = token,
        Beginning = view.Beginning,
        Status = view.State.ToString().ToUpperInvariant(),
        CreatedAt = view.CreatedAt,
        ExpiresAt = view.ExpiresAt,
        RevokedAt = view.RevokedAt,
        LastUsedAt = view.LastUsedAt,
        ReplacedById = view.ReplacedById,
        ImportTypes = view.ImportTypes?.Split('\n'),
        Streams = view.Streams?.Split('\n'),
        Addresses = view.Addresses?.Split('\n'),
        RequestsPerMinute = view.RequestsPerMinute,
        NoWelcomeMails = view.NoWelcomeMails,
        CallsToday = view.CallsToday,
    };

    // Somebody will print this one day.
    public override string ToString() => nameof(AccessTokenAnswer);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(ApiTime)])]
[JsonSerializable(typeof(AccessTokenRequest))]
[JsonSerializable(typeof(RotationRequest))]
[JsonSerializable(typeof(AccessTokenAnswer[]))]
[JsonSerializable(typeof(ApiDone))]
internal sealed partial class AccessTokenJson : JsonSerializerContext;
