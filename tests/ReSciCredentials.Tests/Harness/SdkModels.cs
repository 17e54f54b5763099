using System.Globalization;
using System.Text.Json;

namespace ReSciCredentials.Tests.Harness;

/// <summary>The models of Nexla's SDK, as strict as they are there: a missing field, a null where none is allowed or a wrong type is an exception in somebody's program.</summary>
internal static class SdkModels
{
    private static readonly string[] Roles = ["owner", "admin", "operator", "collaborator"];
    private static readonly string[] Verdicts = ["VERIFIED", "UNVERIFIED", "FAILED"];
    private static readonly string[] Statuses = ["INIT", "ACTIVE", "PAUSED", "DRAFT", "ERROR", "DELETED"];

    public static int IdOf(JsonElement model) => model.GetProperty("id").GetInt32();

    public static string? TextOf(JsonElement model, string field) => model.GetProperty(field).GetString();

    /// <returns>The credential itself, for a chain of calls.</returns>
    public static JsonElement Credential(JsonElement model)
    {
        Number(model, "id");
        Text(model, "name");
        Text(model, "credentials_type");
        TextOrNull(model, "description");
        Owner(model);
        Org(model);
        Assert.All(Texts(model, "access_roles"), role => Assert.Contains(role, Roles));
        NeverNull(model, "managed", JsonValueKind.False, JsonValueKind.True);
        Text(model, "credentials_version");
        Assert.Contains(Text(model, "verified_status"), Verdicts);
        TimeOrNull(model, "verified_at");
        if (Present(model, "connector") is { } connector)
        {
            Number(connector, "id");
            Assert.All(["type", "connection_type", "name", "description"], field => Text(connector, field));
            NeverNull(connector, "nexset_api_compatible", JsonValueKind.False, JsonValueKind.True);
        }

        ObjectOrNull(model, "vendor");
        ObjectOrNull(model, "auth_template");
        ObjectOrNull(model, "template_config");
        ObjectOrNull(model, "credentials_non_secure_data");
        Objects(model, "api_keys");
        NumberOrNull(model, "copied_from_id");
        Assert.All(model.GetProperty("referenced_resource_ids").EnumerateObject(), ids => Assert.All(ids.Value.EnumerateArray(), id => id.GetInt32()));
        Texts(model, "tags");
        TimeOrNull(model, "created_at");
        TimeOrNull(model, "updated_at");
        return model;
    }

    public static JsonElement Source(JsonElement model)
    {
        Flow(model);
        Text(model, "source_type");
        Assert.All(Objects(model, "data_sets"), set => Assert.All(["id", "owner_id", "org_id"], field => Number(set, field)));
        NeverNull(model, "api_keys", JsonValueKind.Array);
        NeverNull(model, "run_ids", JsonValueKind.Array);
        Texts(model, "tags");
        ObjectOrNull(model, "source_config");
        Assert.All(["ingest_method", "source_format", "poll_schedule", "flow_type"], field => TextOrNull(model, field));
        Assert.All(["auto_generated", "has_template"], field => NeverNull(model, field, JsonValueKind.False, JsonValueKind.True));
        return model;
    }

    public static JsonElement Sink(JsonElement model)
    {
        Flow(model);
        Text(model, "sink_type");
        NeverNull(model, "in_memory", JsonValueKind.False, JsonValueKind.True);
        NeverNull(model, "tags", JsonValueKind.Array);
        ObjectOrNull(model, "sink_config");
        Assert.True(Present(model, "sink_format") is null || Text(model, "sink_format") is "json" or "csv" or "parquet" or "avro" or "xml" or "delimited" or "fixed_width");
        Assert.True(Present(model, "data_map") is null);
        Assert.All(["data_set_id", "data_map_id", "data_source_id"], field => NumberOrNull(model, field));
        return model;
    }

    public static JsonElement Accessor(JsonElement model)
    {
        Assert.Equal("USER", Text(model, "type"));
        Number(model, "id");
        Text(model, "email");
        Assert.NotEmpty(Texts(model, "access_roles"));
        Assert.All(Texts(model, "access_roles"), role => Assert.Contains(role, Roles));
        TimeOrNull(model, "created_at");
        TimeOrNull(model, "updated_at");
        return model;
    }

    /// <summary>An entry as the strict routes have it.</summary>
    public static JsonElement AuditEntry(JsonElement model)
    {
        Assert.All(["id", "item_id", "org_id", "owner_id"], field => Number(model, field));
        Assert.All(["item_type", "event", "request_ip", "request_user_agent", "request_url", "owner_email"], field => Text(model, field));
        Texts(model, "change_summary");
        NeverNull(model, "object_changes", JsonValueKind.Object);
        Assert.All(model.GetProperty("object_changes").EnumerateObject(), change => Assert.Equal(2, change.Value.GetArrayLength()));
        Number(model.GetProperty("user"), "id");
        Text(model.GetProperty("user"), "email");
        Time(model.GetProperty("created_at"));
        NumberOrNull(model, "impersonator_id");
        if (Present(model, "association_resource") is { } resource)
        {
            Text(resource, "type");
            Number(resource, "id");
        }

        return model;
    }

    /// <param name="content">The name of the object that holds what was found.</param>
    public static JsonElement Probe(JsonElement model, string content)
    {
        Assert.All(["status", "message", "connection_type"], field => Text(model, field));
        NeverNull(model, content, JsonValueKind.Object);
        return model;
    }

    private static void Flow(JsonElement model)
    {
        Number(model, "id");
        Text(model, "name");
        Assert.Contains(Text(model, "status"), Statuses);
        TextOrNull(model, "description");
        TextOrNull(model, "connector_type");
        NumberOrNull(model, "data_credentials_id");
        if (Present(model, "data_credentials") is { } credential)
        {
            Credential(credential);
        }

        ObjectOrNull(model, "vendor_endpoint");
        ObjectOrNull(model, "vendor");
        NeverNull(model, "managed", JsonValueKind.False, JsonValueKind.True);
        Owner(model);
        Org(model);
        Assert.All(Texts(model, "access_roles"), role => Assert.Contains(role, Roles));
        NumberOrNull(model, "copied_from_id");
        TimeOrNull(model, "created_at");
        TimeOrNull(model, "updated_at");
    }

    private static void Owner(JsonElement model)
    {
        if (Present(model, "owner") is { } owner)
        {
            Number(owner, "id");
            Text(owner, "full_name");
            Text(owner, "email");
        }
    }

    private static void Org(JsonElement model)
    {
        if (Present(model, "org") is { } org)
        {
            Number(org, "id");
            Text(org, "name");
        }
    }

    /// <summary>Null when it is absent or null.</summary>
    private static JsonElement? Present(JsonElement model, string field) =>
        model.TryGetProperty(field, out var value) && value.ValueKind is not JsonValueKind.Null ? value : null;

    private static void Number(JsonElement model, string field) => model.GetProperty(field).GetInt32();

    private static void NumberOrNull(JsonElement model, string field) => Present(model, field)?.GetInt32();

    private static string Text(JsonElement model, string field) => model.GetProperty(field).GetString() ?? throw new InvalidDataException($"{field} is null.");

    private static void TextOrNull(JsonElement model, string field) => Present(model, field)?.GetString();

    private static string[] Texts(JsonElement model, string field) => [.. model.GetProperty(field).EnumerateArray().Select(text => text.GetString()!)];

    private static JsonElement[] Objects(JsonElement model, string field)
    {
        JsonElement[] found = [.. model.GetProperty(field).EnumerateArray()];
        Assert.All(found, item => Assert.Equal(JsonValueKind.Object, item.ValueKind));
        return found;
    }

    private static void ObjectOrNull(JsonElement model, string field) => Assert.True(Present(model, field) is null or { ValueKind: JsonValueKind.Object }, field);

    private static void NeverNull(JsonElement model, string field, params JsonValueKind[] kinds) =>
        Assert.True(!model.TryGetProperty(field, out var value) || kinds.Contains(value.ValueKind), $"{field} is {(model.TryGetProperty(field, out var seen) ? seen.ValueKind : default)}.");

    private static void TimeOrNull(JsonElement model, string field)
    {
        if (Present(model, field) is { } time)
        {
            Time(time);
        }
    }

    private static void Time(JsonElement time) =>
        Assert.Equal(TimeSpan.Zero, DateTimeOffset.ParseExact(time.GetString()!, "yyyy-MM-dd'T'HH:mm:ss.fffK", CultureInfo.InvariantCulture).Offset);
}
