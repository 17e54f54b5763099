using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>What a program sends to make or change a data source or a data sink. Those of the other kind are ignored.</summary>
internal sealed record FlowRequest : IApiRequest<FlowRequest>
{
    public static JsonTypeInfo<FlowRequest> Json => FlowJson.Default.FlowRequest;

    public static ApiExample[] NewOnes(FlowKind kind) => kind switch
    {
        FlowKind.Source =>
        [
            new("With a credential that is there", """{ "name": "Orders", "source_type": "rest", "data_credentials_id": 5023, "vendor_endpoint_id": 1 }"""),
            new("With a new credential, made in the same step", """
                {
                  "name": "Orders",
                  "source_type": "rest",
                  "data_credentials": { "name": "Production", "credentials_type": "resci", "credentials": { "api_key": "YOUR_RESCI_API_KEY" } },
                  "source_config": { "kept": "as it is" }
                }
                """),
            new("Without a credential, which it gets later", """{ "name": "Orders", "ingest_method": "POLL", "tags": ["nightly"] }"""),
        ],
        FlowKind.Destination =>
        [
            new("With a credential that is there", """{ "name": "Users", "sink_type": "rest", "data_credentials_id": 5023, "data_set_id": 4711 }"""),
            new("With a new credential, made in the same step", """
                {
                  "name": "Users",
                  "sink_type": "rest",
                  "data_credentials": { "name": "Production", "credentials_type": "resci", "credentials": { "api_key": "YOUR_RESCI_API_KEY" } },
                  "sink_config": { "kept": "as it is" }
                }
                """),
            new("Without a credential, which it gets later", """{ "name": "Users", "tags": ["nightly"] }"""),
        ],
    };

    public static ApiExample[] Changes(FlowKind kind) =>
    [
        new("Another name", """{ "name": "Every night" }"""),
        new("Another credential; the first one also activates it", """{ "data_credentials_id": 5023 }"""),
        new("Other tags, in the place of all that there are", """{ "tags": ["nightly", "warehouse"] }"""),
        new("Another configuration, which replaces the whole one", kind switch
        {
            FlowKind.Source => """{ "source_config": { "kept": "as it is" } }""",
            FlowKind.Destination => """{ "sink_config": { "kept": "as it is" } }""",
        }),
    ];

    public string? Name { get; init; }

    /// <summary>A null that is sent clears it.</summary>
    public SentText Description { get; init; }

    /// <summary><c>rest</c> or <c>resci</c>.</summary>
    public string? SourceType { get; init; }

    /// <inheritdoc cref="SourceType"/>
    public string? SinkType { get; init; }

    /// <summary>Without one it waits for its credential, with status INIT.</summary>
    public int? DataCredentialsId { get; init; }

    /// <summary>The id of a credential, or a new one, which is made in the same step.</summary>
    public SentCredential? DataCredentials { get; init; }

    /// <summary>An object that is kept and given back; in a change it replaces the whole one.</summary>
    public FreeJson? SourceConfig { get; init; }

    /// <inheritdoc cref="SourceConfig"/>
    public FreeJson? SinkConfig { get; init; }

    /// <summary>Left out: the first endpoint of its kind.</summary>
    public int? VendorEndpointId { get; init; }

    /// <summary>Kept and given back. There are no data sets here.</summary>
    public int? DataSetId { get; init; }

    /// <summary>Of a source: kept and given back.</summary>
    public string? IngestMethod { get; init; }

    /// <summary>In a change they replace all that there are.</summary>
    public string?[]? Tags { get; init; }

    public string? TypeFor(FlowKind kind) => (kind is FlowKind.Source ? SourceType : SinkType)?.Trim();

    public string? ConfigFor(FlowKind kind) => (kind is FlowKind.Source ? SourceConfig : SinkConfig)?.Text;

    // Somebody will print this one day: it may hold a key.
    public override string ToString() => nameof(FlowRequest);
}

/// <summary>A credential inside another request.</summary>
/// <param name="Id">Of one that is there.</param>
/// <param name="Request">To make one.</param>
[ApiShapes(typeof(int), typeof(CredentialRequest))]
[JsonConverter(typeof(Converter))]
internal sealed record SentCredential(int? Id, CredentialRequest? Request)
{
    // Somebody will print this one day.
    public override string ToString() => nameof(SentCredential);

    internal sealed class Converter : JsonConverter<SentCredential>
    {
        public override SentCredential Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType is JsonTokenType.StartObject
                ? new SentCredential(null, JsonSerializer.Deserialize(ref reader, CredentialJson.Default.CredentialRequest))
                : new SentCredential(JsonSerializer.Deserialize(ref reader, CredentialJson.Default.Int32), null);

        public override void Write(Utf8JsonWriter writer, SentCredential value, JsonSerializerOptions options) =>
            throw new JsonException("A credential that was sent is not written.");
    }
}

/// <summary>Sources and destinations as programs get them.</summary>
internal sealed class FlowAnswers(FlowService flows, CredentialAnswers credentials)
{
    /// <summary>The answer of a route that made, changed or shows one.</summary>
    public async Task<IResult> ShowAsync(Person person, FlowKind kind, int id, HttpResponse response, CancellationToken cancellationToken)
    {
        if (await flows.FindAsync(person, kind, id, cancellationToken) is not { } view)
        {
            return ApiError.NotFound(FlowService.ItemType(kind), id);
        }

        response.Headers.ETag = $"\"{view.Revision}\"";
        var credential = view.CredentialId is { } used ? await credentials.FindAsync(person, used, expand: false, cancellationToken) : null;
        return kind switch
        {
            FlowKind.Source => ApiAnswer.Of(SourceAnswer.Of(view, credential), FlowJson.Default.SourceAnswer),
            FlowKind.Destination => ApiAnswer.Of(SinkAnswer.Of(view, credential), FlowJson.Default.SinkAnswer),
        };
    }

    public static IResult List(FlowKind kind, IReadOnlyList<FlowView> views) => kind switch
    {
        FlowKind.Source => ApiAnswer.Of<SourceAnswer[]>([.. views.Select(view => SourceAnswer.Of(view, null))], FlowJson.Default.SourceAnswerArray),
        FlowKind.Destination => ApiAnswer.Of<SinkAnswer[]>([.. views.Select(view => SinkAnswer.Of(view, null))], FlowJson.Default.SinkAnswerArray),
    };
}

/// <summary>What a source and a destination have in common, as Nexla's SDK expects it.</summary>
internal abstract record FlowAnswer
{
    public required int Id { get; init; }

    public required string Name { get; init; }

    public required string? Description { get; init; }

    /// <summary>ACTIVE, PAUSED, or INIT as long as it has no credential.</summary>
    public required string Status { get; init; }

    public required ApiOwner Owner { get; init; }

    public Organization Org { get; } = Organization.Own;

    public required string[] AccessRoles { get; init; }

    public bool Managed { get; }

    /// <summary>Null when the credential is not shared with the caller, or there is none yet.</summary>
    public required int? DataCredentialsId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CredentialAnswer? DataCredentials { get; init; }

    public string ConnectorType { get; } = ApiVendor.ReSci.Name;

    public ApiConnector Connector { get; } = ApiConnector.ReSci;

    public ApiVendor Vendor { get; } = ApiVendor.ReSci;

    public required EndpointAnswer? VendorEndpoint { get; init; }

    public required int? CopiedFromId { get; init; }

    public required IReadOnlyList<string> Tags { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>False when the credential is no longer shared with the owner, or there is none yet: then it stands still.</summary>
    public required bool OwnerMayUseCredential { get; init; }

    /// <summary>Sent back as <c>If-Match</c>, a change made meanwhile is noticed.</summary>
    public required int Revision { get; init; }
}

/// <summary>A data source.</summary>
internal sealed record SourceAnswer : FlowAnswer
{
    public required string SourceType { get; init; }

    public required FreeJson? SourceConfig { get; init; }

    public string? SourceFormat { get; }

    public required string? IngestMethod { get; init; }

    public string? PollSchedule { get; }

    public string? FlowType { get; }

    public bool AutoGenerated { get; }

    public bool HasTemplate { get; }

    public string[] DataSets { get; } = [];

    public string[] ApiKeys { get; } = [];

    public string[] RunIds { get; } = [];

    /// <param name="credential">Null in lists.</param>
    public static SourceAnswer Of(FlowView view, CredentialAnswer? credential) => new()
    {
        Id = view.Id,
        Name = view.Name,
        Description = view.Description,
        Status = FlowService.Spell(view.Status),
        Owner = new ApiOwner(view.OwnerId, view.OwnerName, view.OwnerEmail),
        AccessRoles = [view.Role.ToName()],
        DataCredentialsId = view.CredentialId,
        DataCredentials = credential,
        VendorEndpoint = EndpointAnswer.Of(view.Endpoint),
        CopiedFromId = view.CopiedFromId,
        Tags = view.Tags,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
        OwnerMayUseCredential = view.OwnerMayUseCredential,
        Revision = view.Revision,
        SourceType = view.Type,
        SourceConfig = FreeJson.OrNull(view.Config),
        IngestMethod = view.IngestMethod,
    };
}

/// <summary>A data sink: a destination.</summary>
internal sealed record SinkAnswer : FlowAnswer
{
    public required string SinkType { get; init; }

    public required FreeJson? SinkConfig { get; init; }

    public string? SinkFormat { get; }

    public bool InMemory { get; }

    public required int? DataSetId { get; init; }

    public int? DataMapId { get; }

    public int? DataSourceId { get; }

    public FreeJson? DataSet { get; }

    public FreeJson? DataMap { get; }

    /// <param name="credential">Null in lists.</param>
    public static SinkAnswer Of(FlowView view, CredentialAnswer? credential) => new()
    {
        Id = view.Id,
        Name = view.Name,
        Description = view.Description,
        Status = FlowService.Spell(view.Status),
        Owner = new ApiOwner(view.OwnerId, view.OwnerName, view.OwnerEmail),
        AccessRoles = [view.Role.ToName()],
        DataCredentialsId = view.CredentialId,
        DataCredentials = credential,
        VendorEndpoint = EndpointAnswer.Of(view.Endpoint),
        CopiedFromId = view.CopiedFromId,
        Tags = view.Tags,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
        OwnerMayUseCredential = view.OwnerMayUseCredential,
        Revision = view.Revision,
        SinkType = view.Type,
        SinkConfig = FreeJson.OrNull(view.Config),
        DataSetId = view.DataSetId,
    };
}

/// <summary>An endpoint of ReSci. Its id is its place in the catalogue, from 1.</summary>
internal sealed record EndpointAnswer(int Id, string Name, string DisplayName)
{
    public static EndpointAnswer? Of(string name) => ReSciEndpoints.All.Index()
        .Where(entry => entry.Item.Name == name)
        .Select(entry => new EndpointAnswer(entry.Index + 1, entry.Item.Name, entry.Item.Title))
        .FirstOrDefault();

    /// <summary>The endpoint of an id, or the first of its kind; null when there is no such one.</summary>
    public static ReSciEndpoint? Find(int? id, FlowKind kind) => id is null
        ? ReSciEndpoints.For(kind)[0]
        : ReSciEndpoints.All.ElementAtOrDefault(id.Value - 1) is { } endpoint && endpoint.Kind == kind ? endpoint : null;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(ApiTime)])]
[JsonSerializable(typeof(FlowRequest))]
[JsonSerializable(typeof(SourceAnswer[]))]
[JsonSerializable(typeof(SinkAnswer[]))]
[JsonSerializable(typeof(ApiDone))]
internal sealed partial class FlowJson : JsonSerializerContext;
