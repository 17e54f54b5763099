using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>Data sources and data sinks for programs, as Nexla's SDK calls them. Both have the same routes.</summary>
internal static class FlowApi
{
    public static void MapFlowApi(this IEndpointRouteBuilder routes)
    {
        Map<SourceAnswer>(routes.MapApi("/data_sources", "Data sources"), FlowKind.Source, "data_source", "data source");
        Map<SinkAnswer>(routes.MapApi("/data_sinks", "Data sinks"), FlowKind.Destination, "data_sink", "data sink");
    }

    /// <param name="name">In names of operations.</param>
    /// <param name="noun">For people.</param>
    private static void Map<TAnswer>(RouteGroupBuilder flows, FlowKind kind, string name, string noun)
    {
        flows.MapGet("/", (FlowQuery query, ApiPage page, Person person, HttpResponse response, FlowService service, CancellationToken cancellationToken) =>
                ListAsync(kind, query, page, person, response, service, cancellationToken))
            .WithName($"list_{name}s").WithSummary($"List {noun}s").Produces<TAnswer[]>().Refuses(400, 401);
        flows.MapPost("/", (ApiBody<FlowRequest> body, [AsParameters] Call call, IOptions<ReSciOptions> resci, CancellationToken cancellationToken) =>
                CreateAsync(kind, body, call, resci.Value, cancellationToken))
            .WithName($"create_{name}").WithSummary($"Add a {noun}").Produces<TAnswer>()
            .Reads(ApiParameter.IdempotencyKey).Takes(FlowRequest.NewOnes(kind)).Refuses(400, 401, 403, 507);
        flows.MapGet("/{id:int}", (int id, Person person, HttpResponse response, FlowAnswers answers, CancellationToken cancellationToken) =>
                answers.ShowAsync(person, kind, id, response, cancellationToken))
            .WithName($"get_{name}").WithSummary($"Show a {noun}").Produces<TAnswer>().Refuses(401, 404);
        flows.MapPut("/{id:int}", (int id, ApiBody<FlowRequest> body, [AsParameters] Call call, CancellationToken cancellationToken) =>
                UpdateAsync(kind, id, body.Value, call, cancellationToken))
            .WithName($"update_{name}").WithSummary($"Change a {noun}").Produces<TAnswer>()
            .Reads(ApiParameter.IfMatch).Takes(FlowRequest.Changes(kind)).Refuses(400, 401, 403, 404, 409, 507);
        flows.MapPatch("/{id:int}", (int id, ApiBody<FlowRequest> body, [AsParameters] Call call, CancellationToken cancellationToken) =>
                UpdateAsync(kind, id, body.Value, call, cancellationToken))
            .WithName($"patch_{name}").WithSummary($"Change a {noun}").Produces<TAnswer>()
            .Reads(ApiParameter.IfMatch).Takes(FlowRequest.Changes(kind)).Refuses(400, 401, 403, 404, 409, 507);
        flows.MapDelete("/{id:int}", (int id, Person person, FlowService service, CancellationToken cancellationToken) =>
                DeleteAsync(kind, id, person, service, cancellationToken))
            .WithName($"delete_{name}").WithSummary($"Delete a {noun}").Produces<ApiDone>().Refuses(401, 403, 404, 507);
        flows.MapPost("/{id:int}/copy", (int id, ApiBody<CopyRequest> body, [AsParameters] Call call, Sharing sharing, CancellationToken cancellationToken) =>
                CopyAsync(kind, id, body, call, sharing, cancellationToken))
            .WithName($"copy_{name}").WithSummary($"Copy a {noun}").Produces<TAnswer>()
            .Reads(ApiParameter.IdempotencyKey).Takes(ApiExample.Nothing, CopyRequest.WithSameCredential, CopyRequest.Shared).Refuses(400, 401, 403, 404, 409, 507);
        flows.MapPut("/{id:int}/activate", (int id, [AsParameters] Call call, CancellationToken cancellationToken) =>
                SetStatusAsync(kind, id, FlowStatus.Active, call, cancellationToken))
            .WithName($"activate_{name}").WithSummary($"Activate a {noun}").Produces<TAnswer>().Refuses(400, 401, 403, 404, 507);
        flows.MapPut("/{id:int}/pause", (int id, [AsParameters] Call call, CancellationToken cancellationToken) =>
                SetStatusAsync(kind, id, FlowStatus.Paused, call, cancellationToken))
            .WithName($"pause_{name}").WithSummary($"Pause a {noun}").Produces<TAnswer>().Refuses(401, 403, 404, 507);
        flows.MapAccessors($"{name}s", id => SharedItem.Of(kind, id));
    }

    private static async Task<IResult> ListAsync(
        FlowKind kind, FlowQuery query, ApiPage page, Person person, HttpResponse response, FlowService service, CancellationToken cancellationToken)
    {
        var listing = await service.ListNumberedAsync(person, kind, query.Filter, query.Role, query.Sort, page, cancellationToken);
        page.Describe(response, listing.Total);
        return FlowAnswers.List(kind, listing.Rows);
    }

    private static async Task<IResult> CreateAsync(
        FlowKind kind, ApiBody<FlowRequest> body, Call call, ReSciOptions resci, CancellationToken cancellationToken)
    {
        using var turn = await call.Repeats.BeginAsync(call.Person, call.Request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (await turn.FindAsync(operations => call.Flows.FindOperationsAsync(call.Person, operations, cancellationToken)) is { } before)
        {
            return await call.ShowAsync(kind, before, cancellationToken);
        }

        var request = body.Value;
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        var type = request.TypeFor(kind);
        if (type is { Length: > 0 } && !ApiVendor.IsOurs(type))
        {
            errors[TypeField(kind)] = "This server exchanges data with ReSci alone: say rest or resci.";
        }

        var endpoint = EndpointAnswer.Find(request.VendorEndpointId, kind);
        if (endpoint is null)
        {
            errors["vendor_endpoint_id"] = $"There is no such endpoint for this. Say one of {string.Join(", ", ReSciEndpoints.For(kind).Select(known => EndpointAnswer.Of(known.Name)!.Id))}.";
        }

        var existing = request.DataCredentialsId ?? request.DataCredentials?.Id;
        var (inline, key) = ReadCredential(request, existing, resci, errors);
        var input = new NewFlow(kind, request.Name, request.Description.Text, endpoint?.Name, existing, turn.Operation)
        {
            Credential = inline,
            Type = string.IsNullOrEmpty(type) ? Flow.UsualType : type,
            Config = request.ConfigFor(kind),
            DataSetId = request.DataSetId,
            IngestMethod = kind is FlowKind.Source ? request.IngestMethod : null,
            Tags = request.Tags ?? [],
        };
        if (errors.Count > 0)
        {
            // What is at fault is told in one go, as far as it can be seen before the credential is looked at.
            foreach (var (field, message) in input.Check())
            {
                errors.TryAdd(FieldOf(kind, field), message);
            }

            return ApiError.Invalid(errors);
        }

        return await AnswerAsync(kind, 0, await call.Flows.CreateAsync(call.Person, input, cancellationToken), call, cancellationToken, key);
    }

    private static async Task<IResult> UpdateAsync(FlowKind kind, int id, FlowRequest request, Call call, CancellationToken cancellationToken)
    {
        if (!CredentialApi.TryReadRevision(call.Request, out var revision))
        {
            return ApiError.Stale(FlowService.ItemType(kind), id);
        }

        if (request.DataCredentials?.Request is not null)
        {
            return ApiError.Invalid("data_credentials", "Send the id of a credential that is there. A new one is made with POST /data_credentials.");
        }

        var change = new FlowChange
        {
            Name = request.Name,
            Description = request.Description,
            Config = request.ConfigFor(kind),
            DataSetId = request.DataSetId,
            Tags = request.Tags,
            CredentialId = request.DataCredentialsId ?? request.DataCredentials?.Id,
        };
        return await AnswerAsync(
            kind, id, await call.Flows.UpdateAsync(call.Person, kind, id, revision, change, cancellationToken), call, cancellationToken);
    }

    private static async Task<IResult> DeleteAsync(FlowKind kind, int id, Person person, FlowService service, CancellationToken cancellationToken) =>
        await service.DeleteAsync(person, kind, id, cancellationToken) switch
        {
            FlowOutcome.Done => ApiAnswer.Of(ApiDone.Ok, FlowJson.Default.ApiDone),
            FlowOutcome.Forbidden => ApiError.Forbidden(FlowService.ItemType(kind), id),
            FlowOutcome.NotFound => ApiError.NotFound(FlowService.ItemType(kind), id),
            _ => throw new UnreachableException(),
        };

    private static async Task<IResult> CopyAsync(
        FlowKind kind, int id, ApiBody<CopyRequest> body, Call call, Sharing sharing, CancellationToken cancellationToken)
    {
        if (body.Value.Check(call.Person) is { } error)
        {
            return error;
        }

        using var turn = await call.Repeats.BeginAsync(call.Person, call.Request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (await turn.FindAsync(operations => call.Flows.FindOperationsAsync(call.Person, operations, cancellationToken)) is { } before)
        {
            return await call.ShowAsync(kind, before, cancellationToken);
        }

        var outcome = await call.Flows.CopyAsync(call.Person, kind, id, body.Value.ReuseDataCredentials is true, turn.Operation, cancellationToken);
        if (outcome is FlowOutcome.Done { Id: var copy } && body.Value.CopyAccessControls is true)
        {
            await sharing.CopyAsync(call.Person, SharedItem.Of(kind, id), SharedItem.Of(kind, copy), cancellationToken);
        }

        return await AnswerAsync(kind, id, outcome, call, cancellationToken);
    }

    private static async Task<IResult> SetStatusAsync(FlowKind kind, int id, FlowStatus status, Call call, CancellationToken cancellationToken) =>
        await AnswerAsync(kind, id, await call.Flows.SetStatusAsync(call.Person, kind, id, status, cancellationToken), call, cancellationToken);

    private static async Task<IResult> AnswerAsync(
        FlowKind kind, int id, FlowOutcome outcome, Call call, CancellationToken cancellationToken, SentKey? key = null) => outcome switch
        {
            FlowOutcome.Done done => await call.ShowAsync(kind, done.Id, cancellationToken),
            FlowOutcome.Invalid invalid => ApiError.Invalid(invalid.Errors.Select(error => KeyValuePair.Create(FieldOf(kind, error.Key), error.Value))),
            FlowOutcome.CredentialRefused refused => CredentialApi.Refusal(refused.Outcome, key!, "data_credentials."),
            FlowOutcome.Undecryptable undecryptable => ProbeErrors.Undecryptable(undecryptable.CredentialId),
            FlowOutcome.CredentialForbidden forbidden => ApiError.Forbidden(CredentialVault.ItemType, forbidden.CredentialId),
            FlowOutcome.ChangedMeanwhile => ApiError.Stale(FlowService.ItemType(kind), id),
            FlowOutcome.Forbidden => ApiError.Forbidden(FlowService.ItemType(kind), id),
            FlowOutcome.NotFound => ApiError.NotFound(FlowService.ItemType(kind), id),
            _ => throw new UnreachableException(),
        };

    private static (NewCredential? Input, SentKey? Key) ReadCredential(
        FlowRequest request, int? existing, ReSciOptions resci, Dictionary<string, string> errors)
    {
        if (request.DataCredentials?.Request is not { } sent)
        {
            return (null, null);
        }

        if (existing is not null)
        {
            errors["data_credentials"] = "Send the id of a credential, or a new one, not both.";
            return (null, null);
        }

        var (input, key, faults) = sent.ReadNew(resci, saveUnverified: false, Guid.NewGuid(), "data_credentials.");
        foreach (var (field, message) in faults)
        {
            errors[field] = message;
        }

        return (input, key);
    }

    /// <summary>The field of the request for a field of the service's.</summary>
    private static string FieldOf(FlowKind kind, string field) => field switch
    {
        "credential" => "data_credentials_id",
        "endpoint" => "vendor_endpoint_id",
        "config" => kind switch
        {
            FlowKind.Source => "source_config",
            FlowKind.Destination => "sink_config",
        },
        _ => field,
    };

    private static string TypeField(FlowKind kind) => kind switch
    {
        FlowKind.Source => "source_type",
        FlowKind.Destination => "sink_type",
    };

    /// <summary>
    /// What most of the handlers need of a call. Services are named as such: the compiler, which cannot know what is registered, would take them for a possible
    /// body, and such a route does not match a call without a JSON content type.
    /// </summary>
    internal sealed record Call(
        Person Person, HttpContext Context, [FromServices] Repeats Repeats, [FromServices] FlowService Flows, [FromServices] FlowAnswers Answers)
    {
        public HttpRequest Request => Context.Request;

        public Task<IResult> ShowAsync(FlowKind kind, int id, CancellationToken cancellationToken) =>
            Answers.ShowAsync(Person, kind, id, Context.Response, cancellationToken);
    }
}

/// <summary>Which sources or sinks a program wants listed.</summary>
internal sealed class FlowQuery : IApiInput, IBindableFromHttpContext<FlowQuery>, IEndpointParameterMetadataProvider
{
    public ApiError? Fault { get; private init; }

    public FlowFilter Filter { get; private init; } = new();

    public AccessRole Role { get; private init; }

    public ApiSort Sort { get; private init; }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new ApiParameters("name", "q", "credentials_id", "tag", "access_role", "sort"));

    public static ValueTask<FlowQuery?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var request = context.Request;
        var role = RoleQuery.Read(request, out var fault);
        var sort = ApiSort.Parse(request.Text("sort"));
        int? credential = null;
        if (request.Text("credentials_id") is { } text)
        {
            credential = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : -1;
        }

        return ValueTask.FromResult<FlowQuery?>(new FlowQuery
        {
            Fault = fault ?? (sort is null ? ApiError.Invalid("sort", $"Say one of {ApiSort.Fields}, with a minus in front for the other way round.") : null),
            Filter = new FlowFilter(request.Text("name") ?? request.Text("q"), credential, TextRules.OrNull(request.Text("tag"))),
            Role = role,
            Sort = sort ?? default,
        });
    }
}
