using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>What was done, for programs: with one thing, by one person, and on the whole server. The newest first.</summary>
internal static class AuditApi
{
    public static void MapAuditApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapApi("", "Audit log");

        MapItem(api, "data_credentials", SharedItem.Credential);
        MapItem(api, "data_sources", id => SharedItem.Of(FlowKind.Source, id));
        MapItem(api, "data_sinks", id => SharedItem.Of(FlowKind.Destination, id));
        api.MapGet("/users/{id:int}/audit_log", ListOfUserAsync).WithName("list_audit_log_of_user").WithSummary("List what somebody did").Refuses(400, 401, 404);
        api.MapGet("/orgs/{id:int}/audit_log", ListAllAsync).WithName("list_audit_log_of_org").WithSummary("List what was done on this server").Refuses(400, 401, 403, 404);
    }

    private static void MapItem(RouteGroupBuilder api, string collection, Func<int, SharedItem> itemOf) =>
        api.MapGet(
                $"/{collection}/{{id:int}}/audit_log",
                (int id, AuditQuery query, ApiPage page, Person person, HttpResponse response, Sharing sharing, ActivityLog log, CancellationToken cancellationToken) =>
                    ListOfItemAsync(itemOf(id), query, page, person, response, sharing, log, cancellationToken))
            .WithName($"list_audit_log_of_{collection}").WithSummary("List what was done with it").Refuses(400, 401, 403, 404);

    private static async Task<Results<ApiAnswer<AuditAnswer[]>, ApiError>> ListOfItemAsync(
        SharedItem item,
        AuditQuery query,
        ApiPage page,
        Person person,
        HttpResponse response,
        Sharing sharing,
        ActivityLog log,
        CancellationToken cancellationToken)
    {
        if (await sharing.ListAsync(person, item, cancellationToken) is not { Role: { } role })
        {
            return ApiError.NotFound(item.Noun, item.Id);
        }

        return role.MayChange()
            ? Answer(page, response, await log.PageOfItemAsync(item.Noun, item.Id, query.Filter, page.Number, page.Size, cancellationToken))
            : ApiError.Forbidden(item.Noun, item.Id);
    }

    private static async Task<Results<ApiAnswer<AuditAnswer[]>, ApiError>> ListOfUserAsync(
        int id, AuditQuery query, ApiPage page, Person person, HttpResponse response, ActivityLog log, CancellationToken cancellationToken) =>
        id == person.Id || (person.Role is AccountRole.Owner && (await log.ListPeopleAsync(person, cancellationToken)).Any(known => known.Id == id))
            ? Answer(page, response, await log.PageAsync(person, query.Filter with { Who = id }, page.Number, page.Size, cancellationToken))
            : ApiError.NotFound("user", id);

    private static async Task<Results<ApiAnswer<AuditAnswer[]>, ApiError>> ListAllAsync(
        int id, AuditQuery query, ApiPage page, Person person, HttpResponse response, ActivityLog log, CancellationToken cancellationToken) =>
        id != Organization.Own.Id ? ApiError.NotFound("org", id)
        : person.Role is not AccountRole.Owner ? ApiError.Forbidden("org", id)
        : Answer(page, response, await log.PageAsync(person, query.Filter, page.Number, page.Size, cancellationToken));

    private static ApiAnswer<AuditAnswer[]> Answer(ApiPage page, HttpResponse response, ActivityPageOf entries)
    {
        page.Describe(response, entries.Total);
        return ApiAnswer.Of<AuditAnswer[]>([.. entries.Records.Select(AuditAnswer.Of)], AuditJson.Default.AuditAnswerArray);
    }
}

/// <summary>Which entries a program wants. What it may not see it does not get, whatever it asks for.</summary>
internal sealed class AuditQuery : IApiInput, IBindableFromHttpContext<AuditQuery>, IEndpointParameterMetadataProvider
{
    public ApiError? Fault { get; private init; }

    public ActivityFilter Filter { get; private init; } = new();

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new ApiParameters("from", "to", "event_filter", "change_filter"));

    public static ValueTask<AuditQuery?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var request = context.Request;
        var (from, to) = (request.Text("from"), request.Text("to"));
        var fault = from is not null && ActivityFilter.Day(from) is null ? ApiError.Invalid("from", "Send a day, such as 2026-01-31.")
            : to is not null && ActivityFilter.Day(to) is null ? ApiError.Invalid("to", "Send a day, such as 2026-01-31.")
            : null;
        var (verb, kind) = AuditNames.Find(request.Text("event_filter"));
        return ValueTask.FromResult<AuditQuery?>(new AuditQuery
        {
            Fault = fault,
            Filter = new ActivityFilter
            {
                From = ActivityFilter.Day(from),
                To = ActivityFilter.Day(to),
                Event = verb,
                Kind = kind,
                Field = AuditNames.FieldFrom(request.Text("change_filter")),
            },
        });
    }
}

/// <summary>What events, things and fields are called in Nexla's audit log.</summary>
internal static class AuditNames
{
    // The verb here, the kind of thing where that matters, and the name there.
    private static readonly (string Verb, string? Kind, string Name)[] Events =
    [
        (AuditEvents.Create, AuditItems.AccessToken, "token_created"),
        (AuditEvents.Revoke, AuditItems.AccessToken, "token_revoked"),
        (AuditEvents.Restore, null, "restored"),
        (AuditEvents.ReplaceKey, null, "key_entered"),
        (AuditEvents.PromoteKey, null, "key_changed"),
        (AuditEvents.RollBackKey, null, "key_rolled_back"),
        (AuditEvents.DropKey, null, "key_dropped"),
        (AuditEvents.WipeKey, null, "key_wiped"),
        (AuditEvents.BeginUse, null, "association_added"),
        (AuditEvents.EndUse, null, "association_removed"),
        (AuditEvents.TokenRefused, null, "broker_refused"),
    ];

    // Likewise: the field here, the kind of thing where that matters, and the name in the object itself.
    private static readonly (AuditField Field, string? Kind, string Name)[] Fields =
    [
        (AuditField.Credential, null, "data_credentials_id"),
        (AuditField.Endpoint, null, "vendor_endpoint"),
        (AuditField.Config, AuditItems.Source, "source_config"),
        (AuditField.Config, AuditItems.Destination, "sink_config"),
    ];

    public static string NameOf(AuditEntry entry) =>
        Events.FirstOrDefault(known => known.Verb == entry.Event && (known.Kind is null || known.Kind == entry.ItemType)).Name ?? entry.Event;

    /// <summary>The verb of a name, and the kind of thing when it tells that too; both null for none.</summary>
    public static (string? Verb, string? Kind) Find(string? name) => name switch
    {
        null => (null, null),
        // The two steps of a key change are one event to whoever knows only that.
        "key_promoted" => (AuditEvents.PromoteKey, null),
        _ when Events.FirstOrDefault(known => known.Name == name) is { Verb: { } verb, Kind: var kind } => (verb, kind),
        _ => (name, null),
    };

    public static string ItemTypeOf(string kind) => kind switch
    {
        AuditItems.Credential => "DataCredentials",
        AuditItems.Source => "DataSource",
        AuditItems.Destination => "DataSink",
        AuditItems.Account => "User",
        _ => string.Concat(kind.Split('_').Select(word => CultureInfo.InvariantCulture.TextInfo.ToTitleCase(word))),
    };

    public static string FieldOf(string kind, string field) =>
        Fields.FirstOrDefault(known => AuditChange.NameOf(known.Field) == field && (known.Kind is null || known.Kind == kind)).Name ?? field;

    public static string? FieldFrom(string? name) =>
        Fields.FirstOrDefault(known => known.Name == name) is { Name: not null } known ? AuditChange.NameOf(known.Field) : name;
}

/// <summary>One entry as Nexla's SDK expects it: on some routes it is an error for it when one of these is missing or null.</summary>
internal sealed record AuditAnswer
{
    public required int Id { get; init; }

    public required string ItemType { get; init; }

    public required int ItemId { get; init; }

    public required string Event { get; init; }

    /// <summary>The same as <see cref="Event"/>: some programs look for it here.</summary>
    public string Action => Event;

    /// <summary>What was done, in words.</summary>
    public required string Details { get; init; }

    public required string[] ChangeSummary { get; init; }

    /// <summary>Each changed field with what was there before and after. Of a key its fingerprint alone.</summary>
    public required IReadOnlyDictionary<string, JsonElement> ObjectChanges { get; init; }

    public required string RequestIp { get; init; }

    public required string RequestUserAgent { get; init; }

    /// <summary>The path alone.</summary>
    public required string RequestUrl { get; init; }

    public required AuditUser User { get; init; }

    public int OrgId { get; } = Organization.Own.Id;

    /// <summary>Whose the thing was then; 0 for what belongs to nobody.</summary>
    public required int OwnerId { get; init; }

    public required string OwnerEmail { get; init; }

    public required AuditResource? AssociationResource { get; init; }

    public int? ImpersonatorId { get; }

    public required DateTimeOffset CreatedAt { get; init; }

    public static AuditAnswer Of(ActivityRecord record)
    {
        var entry = record.Entry;
        var changes = record.ObjectChanges.EnumerateObject()
            .ToDictionary(change => AuditNames.FieldOf(entry.ItemType, change.Name), change => change.Value, StringComparer.Ordinal);
        return new AuditAnswer
        {
            Id = entry.Id,
            ItemType = AuditNames.ItemTypeOf(entry.ItemType),
            ItemId = entry.ItemId,
            Event = AuditNames.NameOf(entry),
            Details = $"{entry.ActorName} {ActivityWords.Of(entry)}",
            ChangeSummary = [.. changes.Keys],
            ObjectChanges = changes,
            RequestIp = entry.Address,
            RequestUserAgent = entry.UserAgent,
            RequestUrl = entry.Path,
            User = AuditUser.Of(entry),
            OwnerId = entry.OwnerId ?? 0,
            OwnerEmail = record.OwnerEmail,
            AssociationResource = AuditResource.Of(entry),
            CreatedAt = entry.At,
        };
    }
}

/// <param name="Id">0 for the server, its command line and strangers.</param>
internal sealed record AuditUser(int Id, string Email)
{
    // A program is called by its person's address and its key's name.
    public static AuditUser Of(AuditEntry entry) => new(entry.ActorId ?? 0, entry.ActorName.Split(' ', 2)[0]);
}

/// <summary>What began or ended to use the thing.</summary>
internal sealed record AuditResource(string Type, int Id)
{
    public static AuditResource? Of(AuditEntry entry) =>
        entry.Event is AuditEvents.BeginUse or AuditEvents.EndUse
        && entry.Fields.Split(' ') is [var kind, var number]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? new AuditResource(AuditNames.ItemTypeOf(kind), id)
            : null;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, Converters = [typeof(ApiTime)])]
[JsonSerializable(typeof(AuditAnswer[]))]
internal sealed partial class AuditJson : JsonSerializerContext;
