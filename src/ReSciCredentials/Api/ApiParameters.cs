using System.Text.Json.Nodes;

namespace ReSciCredentials.Api;

/// <summary>Names of query parameters and headers that a route reads by itself. Each is one of <see cref="ApiParameter.All"/>.</summary>
internal sealed record ApiParameters(params string[] Names);

/// <summary>A parameter as the description of the API tells of it.</summary>
/// <param name="In">As OpenAPI says it: path, query or header.</param>
/// <param name="Type">Of its value, in JSON Schema.</param>
internal sealed record ApiParameter(string Name, string In, string Type, string Description)
{
    public const string IfMatch = "If-Match";
    public const string IdempotencyKey = "Idempotency-Key";
    public const string Prefer = "Prefer";

    /// <summary>The only values there are; empty when it takes others.</summary>
    public string[] Values { get; init; } = [];

    public string? Example { get; init; }

    /// <summary>Each means the same wherever it is read, so it is described once.</summary>
    public static IReadOnlyDictionary<string, ApiParameter> All { get; } = new ApiParameter[]
    {
        new("id", "path", "integer", "Its id, as lists tell it.") { Example = "5023" },
        new("token", "path", "integer", "The id of the access token.") { Example = "12" },
        new("page", "query", "integer", "Which page, from 1. Without page and per_page everything comes, as far as one answer goes.") { Example = "1" },
        new("per_page", "query", "integer", $"How many a page, 1 to {ApiPage.Most}; 20 when only the page is given.") { Example = "20" },
        new("access_role", "query", "string", "The least role in which the caller wants to see what is listed. Left out: what they own.")
        {
            Values = ["owner", "admin", "operator", "collaborator"],
        },
        new("sort", "query", "string", $"One of {ApiSort.Fields}, with a minus in front for the other way round. Left out: by id.") { Example = "-updated_at" },
        new("name", "query", "string", "A part of the name, whatever its case.") { Example = "warehouse" },
        new("q", "query", "string", "Words, as in the search on screen.") { Example = "warehouse" },
        new("credentials_type", "query", "string", "The connection type or the vendor: both mean ReSci here. Any other finds nothing.") { Example = "resci" },
        new("credentials_id", "query", "integer", "Only what uses this credential.") { Example = "5023" },
        new("verified_status", "query", "string", "What the last definite check found.") { Values = ["VERIFIED", "UNVERIFIED", "FAILED"] },
        new("tag", "query", "string", "Only what has this tag, as it is written.") { Example = "nightly" },
        new("save_unverified", "query", "boolean", "Saves the key without asking ReSci whether it works. 1 and true say yes.") { Example = "true" },
        new("expand", "query", "boolean", "Adds the data sources and data sinks that use it. 1 and true say yes.") { Example = "true" },
        new("async", "query", "boolean", "Answers with a finished request, whatever came of the test. 1 and true say yes.") { Example = "true" },
        new("request_id", "query", "string", "Of a request that was made with async: gives its result once more, for a while.") { Example = "5f0c3f1f6f0d4a55b2b5a7e2d2c6f9e1" },
        new("from", "query", "string", "The first day, by UTC.") { Example = "2026-01-01" },
        new("to", "query", "string", "The last day, by UTC, the whole of it.") { Example = "2026-01-31" },
        new("event_filter", "query", "string", "Only this event.") { Example = "key_changed" },
        new("change_filter", "query", "string", "Only what changed this field.") { Example = "name" },
        new(IfMatch, "header", "string", "The revision that the caller saw. When somebody else changed it since, nothing is changed: 409.") { Example = "\"3\"" },
        new(IdempotencyKey, "header", "string", "Names the call: sent again under the same name it does nothing twice. Without one, the same body counts as the same call for two minutes.")
        {
            Example = "nightly-2026-01-31",
        },
        new(Prefer, "header", "string", "With return=minimal the answer is 204, without a body.") { Values = ["return=minimal"] },
    }.ToDictionary(parameter => parameter.Name, StringComparer.Ordinal);

    public JsonObject ToJson()
    {
        var schema = new JsonObject { ["type"] = Type };
        if (Values.Length > 0)
        {
            schema["enum"] = new JsonArray([.. Values.Select(value => JsonValue.Create(value))]);
        }

        var parameter = new JsonObject { ["name"] = Name, ["in"] = In, ["description"] = Description, ["schema"] = schema };
        if (In == "path")
        {
            parameter["required"] = true;
        }

        if (Example is not null)
        {
            parameter["example"] = Type is "string" ? Example : JsonNode.Parse(Example);
        }

        return parameter;
    }
}

internal static class ApiDescriptions
{
    /// <summary>Says in the description of a route which query parameters and headers its handler reads.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder route, params string[] parameters) => route.WithMetadata(new ApiParameters(parameters));

    /// <summary>Says in the description of a route what can be sent to it, by examples that work.</summary>
    public static RouteHandlerBuilder Takes(this RouteHandlerBuilder route, params ApiExample[] bodies) => route.WithMetadata(new ApiBodies(bodies));
}
