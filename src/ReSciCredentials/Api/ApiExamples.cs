using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace ReSciCredentials.Api;

/// <summary>Something that can be sent.</summary>
/// <param name="Title">What it is good for, in a few words.</param>
/// <param name="Body">JSON.</param>
internal sealed record ApiExample(string Title, string Body)
{
    /// <summary>For routes that need nothing to be said.</summary>
    public static ApiExample Nothing { get; } = new("Nothing needs to be said", "{}");
}

/// <summary>Of a route: examples of its body.</summary>
internal sealed record ApiBodies(params ApiExample[] Examples);

/// <summary>
/// Examples of answers, made of their types: the same field has the same example wherever it is answered, and one that is new without an example
/// is an error of the first test that reads the description.
/// </summary>
internal static class ApiExamples
{
    private const string Time = "2026-01-15T20:24:25.209Z";

    // By the name of the field; with the name of the type in front where it holds something else there.
    private static readonly JsonObject Values = JsonNode.Parse(
        """
        {
          "id": 5023, "name": "Production", "description": "Customer data for the warehouse", "status": "ACTIVE", "access_roles": ["owner"],
          "full_name": "Ada Example", "email": "ada@example.com", "org_id": 1, "owner_id": 2, "owner_email": "ada@example.com",
          "credentials_type": "resci", "credentials_version": "1", "verified_status": "VERIFIED", "template_config": null, "tags": ["nightly"], "api_keys": [],
          "credentials_non_secure_data": { "auth.type": "API_KEY", "api.key.include.mode": "HEADER", "api.key.auth.key": "Authorization" },
          "copied_from_id": null, "referenced_resource_ids": { "data_sources": [5101], "data_sinks": [5102] }, "data_sources": null, "data_sinks": null,
          "key_fingerprint": "9a41c2d7", "fingerprint": "9a41c2d7", "key_hint": "7f3a", "hint": "7f3a", "key_expires_at": null,
          "check_result": "ReSci accepted the key.", "revision": 3,
          "data_credentials_id": 5023, "connector_type": "resci", "source_type": "rest", "sink_type": "rest", "source_config": null, "sink_config": null,
          "source_format": null, "sink_format": null, "ingest_method": null, "poll_schedule": null, "flow_type": null, "data_sets": [], "run_ids": [],
          "data_set_id": 4711, "data_map_id": null, "data_source_id": null, "data_set": null, "data_map": null, "owner_may_use_credential": true,
          "SourceAnswer.id": 5101, "SourceAnswer.name": "Orders", "SinkAnswer.id": 5102, "SinkAnswer.name": "Users",
          "EndpointAnswer.id": 1, "EndpointAnswer.name": "list_import_jobs", "display_name": "Import jobs", "ApiOwner.id": 2, "UserAnswer.id": 2,
          "message": "ReSci accepted the key", "connection_type": "rest", "ProbeAnswer.status": "success", "ProbeAnswer.request_id": null, "ProbeAnswer.progress": null,
          "ProbeAnswer.result": null, "ProbeResult.status": "success", "ProbeResult.error": null, "statusCode": 200, "latency_ms": 85,
          "SampleAnswer.status": "success", "SampleAnswer.message": "Ok", "contentType": "application/json", "response": "{\"import_jobs\":[]}",
          "credential_id": 5023, "uid": "0b8f9d5e-5c1a-4b4e-9d8a-2a4a4a4a4a4a", "entered_by": "Ada Example",
          "AccessTokenAnswer.id": 12, "AccessTokenAnswer.name": "Warehouse loader", "access_token": "rcat_EXAMPLE", "beginning": "rcat_EXA", "AccessTokenAnswer.expires_at": null,
          "AccessTokenAnswer.message": "Keep the access token now: it is not shown again.", "revoked_at": null, "AccessTokenAnswer.last_used_at": null, "replaced_by_id": null,
          "import_types": ["order"], "streams": null, "addresses": null, "requests_per_minute": 600, "calls_today": 0,
          "SessionAnswer.access_token": "rca_EXAMPLE", "token_type": "Bearer", "expires_in": 86400, "is_admin?": true, "impersonated": false,
          "AccessorAnswer.id": 3, "type": "USER", "AccessorAnswer.access_roles": ["operator"], "AccessorAnswer.email": "cora@example.com", "AccessorAnswer.full_name": "Cora Example",
          "AuditAnswer.id": 912, "item_type": "DataCredentials", "item_id": 5023, "event": "update", "action": "update", "details": "ada@example.com changed the name",
          "change_summary": ["name"], "object_changes": { "name": ["Staging", "Production"] }, "request_ip": "192.0.2.7", "request_user_agent": "nexla-sdk/1.0.8",
          "request_url": "/nexla-api/data_credentials/5023", "association_resource": null, "impersonator_id": null, "AuditUser.id": 2
        }
        """)!.AsObject();

    /// <summary>What a route answers, as its type writes it.</summary>
    public static JsonNode? Of(Type type, JsonSerializerOptions json) => Of(type, json, "", inList: false);

    /// <summary>The error of a status, as this server words it.</summary>
    public static ApiError OfStatus(int status) => status switch
    {
        StatusCodes.Status400BadRequest => ApiError.Invalid("name", "Give it a name."),
        StatusCodes.Status401Unauthorized => new(status, "unauthorized", $"This call needs a valid access token. Get one with POST {ApiPaths.Base}/token and a service key."),
        StatusCodes.Status403Forbidden => ApiError.Forbidden("credential", 5023),
        StatusCodes.Status404NotFound => ApiError.NotFound("credential", 5023),
        StatusCodes.Status409Conflict => ApiError.Stale("credential", 5023),
        StatusCodes.Status413PayloadTooLarge => new(status, "too_large", "The body of the request is too large."),
        StatusCodes.Status424FailedDependency => new(status, "resci_unreachable", "ReSci could not be reached. Try again in a while.") { RetryAfter = 30 },
        StatusCodes.Status429TooManyRequests => new(status, "rate_limited", "This service key may make 6000 calls a minute.") { RetryAfter = 2 },
        StatusCodes.Status507InsufficientStorage => new(status, "sealed", "The server is sealed: its recovery key is missing. Repeating does not help."),
        _ => new(status, "internal_error", "Something went wrong on this server; its log says what. Look whether the change was made before you repeat it."),
    };

    private static JsonNode? Of(Type type, JsonSerializerOptions json, string field, bool inList)
    {
        var known = json.GetTypeInfo(Nullable.GetUnderlyingType(type) ?? type);
        return known.Kind switch
        {
            // There is one of its kind, which says itself what it is.
            JsonTypeInfoKind.Object when OnlyOne(type) is { } one => JsonSerializer.SerializeToNode(one, known),
            JsonTypeInfoKind.Object => ObjectOf(known, json, inList),
            JsonTypeInfoKind.Enumerable => new JsonArray(Of(known.ElementType!, json, field, inList: true)),
            _ when known.Type == typeof(DateTimeOffset) => Time,
            _ when known.Type == typeof(bool) => false,
            _ => throw new InvalidOperationException($"There is no example for the field {field}."),
        };
    }

    private static JsonObject ObjectOf(JsonTypeInfo type, JsonSerializerOptions json, bool inList)
    {
        var example = new JsonObject();
        foreach (var property in type.Properties.Where(property => property.Get is not null))
        {
            var isKnown = Values.TryGetPropertyValue($"{type.Type.Name}.{property.Name}", out var value) || Values.TryGetPropertyValue(property.Name, out value);
            var mayBeLeftOut = property.AttributeProvider?.IsDefined(typeof(JsonIgnoreAttribute), inherit: true) is true;
            // What is told only of one thing at a time is not in lists.
            if (mayBeLeftOut && ((isKnown && value is null) || inList))
            {
                continue;
            }

            example[property.Name] = isKnown ? value?.DeepClone() : Of(property.PropertyType, json, $"{type.Type.Name}.{property.Name}", inList);
        }

        return example;
    }

    private static object? OnlyOne(Type type) =>
        type.GetProperties(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static).FirstOrDefault(property => property.PropertyType == type)?.GetValue(null);
}
