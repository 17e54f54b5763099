using System.Diagnostics;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Api;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// Who else may use something, for programs: GET lists, PUT adds, POST replaces all, DELETE removes those named, or all but the owner. Nexla's Python SDK up to 1.0.8 fails
/// on any answer that is not empty, after the server did the work: to it changes answer 204.
/// </summary>
internal static class AccessorEndpoints
{
    private const string Here = "/{id:int}/accessors";

    /// <param name="resources">The group of a collection.</param>
    /// <param name="itemOf">What an id of that collection names.</param>
    public static void MapAccessors(this RouteGroupBuilder resources, string collection, Func<int, SharedItem> itemOf)
    {
        resources.MapGet(Here, (int id, Person person, Sharing sharing, CancellationToken cancellationToken) =>
                ListAsync(itemOf(id), person, sharing, cancellationToken))
            .WithName($"list_accessors_of_{collection}").WithSummary("List who may use it").Refuses(401, 404);
        resources.MapPut(Here, (int id, ApiBody<AccessorsRequest> body, Person person, HttpRequest request, Sharing sharing, CancellationToken cancellationToken) =>
                AddAsync(itemOf(id), body.Value, person, request, sharing, cancellationToken))
            .RequireAuthorization(Policies.ApiAdmin).WithName($"add_accessors_of_{collection}").WithSummary("Share it with more people")
            .Reads(ApiParameter.Prefer).Takes(AccessorsRequest.Examples).Refuses(400, 401, 403, 404);
        resources.MapPost(Here, (int id, ApiBody<AccessorsRequest> body, Person person, HttpRequest request, Sharing sharing, CancellationToken cancellationToken) =>
                ReplaceAsync(itemOf(id), body.Value, person, request, sharing, cancellationToken))
            .RequireAuthorization(Policies.ApiAdmin).WithName($"replace_accessors_of_{collection}").WithSummary("Share it with these people and nobody else")
            .Reads(ApiParameter.Prefer).Takes(AccessorsRequest.Examples).Refuses(400, 401, 403, 404);
        resources.MapDelete(Here, (int id, ApiBody<AccessorsRequest> body, Person person, HttpRequest request, Sharing sharing, CancellationToken cancellationToken) =>
                RemoveAsync(itemOf(id), body.Value, person, request, sharing, cancellationToken))
            .RequireAuthorization(Policies.ApiAdmin).WithName($"delete_accessors_of_{collection}").WithSummary("Share it no longer")
            .Reads(ApiParameter.Prefer).Takes(AccessorsRequest.Removals).Refuses(400, 401, 403, 404);
    }

    private static async Task<Results<ApiAnswer<AccessorAnswer[]>, ApiError>> ListAsync(
        SharedItem item, Person person, Sharing sharing, CancellationToken cancellationToken) =>
        await sharing.ListAsync(person, item, cancellationToken) is { } list ? Answer(list) : ApiError.NotFound(item.Noun, item.Id);

    private static async Task<Results<ApiAnswer<AccessorAnswer[]>, NoContent, ApiError>> AddAsync(
        SharedItem item, AccessorsRequest body, Person person, HttpRequest request, Sharing sharing, CancellationToken cancellationToken) =>
        body.Read(rolesNeeded: true, out var grants) is { } fault
            ? fault
            : Answer(item, request, await sharing.AddAsync(person, item, grants, cancellationToken));

    private static async Task<Results<ApiAnswer<AccessorAnswer[]>, NoContent, ApiError>> ReplaceAsync(
        SharedItem item, AccessorsRequest body, Person person, HttpRequest request, Sharing sharing, CancellationToken cancellationToken)
    {
        if (body.Accessors is null)
        {
            // Nothing sent is a slip, and would take it from everybody.
            return ApiError.Invalid("accessors", "Send the list of accessors; an empty one leaves it to the owner alone.");
        }

        return body.Read(rolesNeeded: true, out var grants) is { } fault
            ? fault
            : Answer(item, request, await sharing.ReplaceAsync(person, item, grants, cancellationToken));
    }

    private static async Task<Results<ApiAnswer<AccessorAnswer[]>, NoContent, ApiError>> RemoveAsync(
        SharedItem item, AccessorsRequest body, Person person, HttpRequest request, Sharing sharing, CancellationToken cancellationToken) =>
        body.Read(rolesNeeded: false, out var grants) is { } fault
            ? fault
            : Answer(
                item,
                request,
                await sharing.RemoveAsync(person, item, body.Accessors is null ? null : [.. grants.Select(grant => grant.Who)], cancellationToken));

    private static Results<ApiAnswer<AccessorAnswer[]>, NoContent, ApiError> Answer(SharedItem item, HttpRequest request, ShareOutcome outcome) => outcome switch
    {
        ShareOutcome.Done when WantsNothing(request) => TypedResults.NoContent(),
        ShareOutcome.Done done => Answer(done.List),
        ShareOutcome.Invalid invalid => ApiError.Invalid("accessors", invalid.Fault),
        ShareOutcome.Forbidden => ApiError.Forbidden(item.Noun, item.Id),
        ShareOutcome.NotFound => ApiError.NotFound(item.Noun, item.Id),
        _ => throw new UnreachableException(),
    };

    private static ApiAnswer<AccessorAnswer[]> Answer(AccessList list) =>
        ApiAnswer.Of<AccessorAnswer[]>([.. list.People.Select(AccessorAnswer.Of)], AccessorJson.Default.AccessorAnswerArray);

    private static bool WantsNothing(HttpRequest request)
    {
        var program = request.Headers.UserAgent.ToString();
        return program.StartsWith("nexla-sdk/1.0.", StringComparison.OrdinalIgnoreCase)
            || program.StartsWith("nexla-sdk/unknown", StringComparison.OrdinalIgnoreCase)
            || request.Headers[ApiParameter.Prefer].ToString().Contains("return=minimal", StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>Roles as programs spell them.</summary>
internal static class AccessRoleNames
{
    public static string ToName(this AccessRole role) => role switch
    {
        AccessRole.Collaborator => "collaborator",
        AccessRole.Operator => "operator",
        AccessRole.Admin => "admin",
        AccessRole.Owner => "owner",
    };

    /// <summary>Null when there is no such role.</summary>
    public static AccessRole? Parse(string? name) => name?.Trim().ToUpperInvariant() switch
    {
        "COLLABORATOR" => AccessRole.Collaborator,
        "OPERATOR" => AccessRole.Operator,
        "ADMIN" or "ADMINISTRATOR" => AccessRole.Admin,
        "OWNER" => AccessRole.Owner,
        _ => null,
    };
}

/// <summary>A body of the accessors' routes, in each spelling that has been seen.</summary>
internal sealed record AccessorsRequest : IApiRequest<AccessorsRequest>
{
    public static JsonTypeInfo<AccessorsRequest> Json => AccessorJson.Default.AccessorsRequest;

    public static ApiExample[] Examples { get; } =
        [new("Somebody by e-mail", """{ "accessors": [{ "type": "USER", "email": "cora@example.com", "access_roles": ["operator"] }] }""")];

    public static ApiExample[] Removals { get; } =
        [new("Somebody by e-mail", """{ "accessors": [{ "type": "USER", "email": "cora@example.com" }] }"""), new("Everybody but the owner", "{}")];

    public AccessorRequest[]? Accessors { get; init; }

    /// <summary>What is meant, or what is wrong.</summary>
    public ApiError? Read(bool rolesNeeded, out IReadOnlyList<Grant> grants)
    {
        var read = new List<Grant>();
        grants = read;
        foreach (var (index, accessor) in (Accessors ?? []).Index())
        {
            var field = $"accessors[{index}]";
            if (accessor is null)
            {
                return ApiError.Invalid(field, "Send an object.");
            }

            if (accessor.Type is { } type && !type.Equals("USER", StringComparison.OrdinalIgnoreCase))
            {
                return new ApiError(
                    StatusCodes.Status400BadRequest, "not_supported", "Only people can be given access here: send accessors of the type USER.");
            }

            if (accessor is { Id: null } && string.IsNullOrWhiteSpace(accessor.Email))
            {
                return ApiError.Invalid(field, "Name a person by id or email.");
            }

            string?[] names = [.. accessor.AccessRoles ?? [], .. accessor.AccessRole is { } one ? [one] : Array.Empty<string>()];
            AccessRole?[] roles = [.. names.Select(AccessRoleNames.Parse)];
            if (roles.Contains(null) || (rolesNeeded && roles.Length == 0))
            {
                return ApiError.Invalid($"{field}.access_roles", "Send one of owner, admin, operator, collaborator.");
            }

            read.Add(new Grant(new PersonRef(accessor.Id, accessor.Email), roles.Max() ?? AccessRole.Collaborator));
        }

        return null;
    }
}

internal sealed record AccessorRequest(string? Type = null, int? Id = null, string? Email = null, string[]? AccessRoles = null, string? AccessRole = null);

internal sealed record AccessorAnswer(
    string Type, int Id, string Email, int OrgId, string[] AccessRoles, string FullName, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt)
{
    public static AccessorAnswer Of(AccessorView view) => new(
        "USER", view.AccountId, view.Email, Organization.Own.Id, [view.Role.ToName()], view.Name, view.CreatedAt, view.UpdatedAt);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(ApiTime)])]
[JsonSerializable(typeof(AccessorsRequest))]
[JsonSerializable(typeof(AccessorAnswer[]))]
internal sealed partial class AccessorJson : JsonSerializerContext;
