using System.Net.Http.Headers;
using System.Text.Json;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>The OpenAPI document as a program reads it.</summary>
internal sealed class OpenApiFile(JsonElement root)
{
    public JsonElement Root => root;

    public IReadOnlyList<OpenApiOperation> Operations { get; } =
    [
        .. from path in root.GetProperty("paths").EnumerateObject()
           from operation in path.Value.EnumerateObject()
           select new OpenApiOperation(operation.Name.ToUpperInvariant(), path.Name, operation.Value),
    ];

    public static async Task<OpenApiFile> FetchAsync(NexlaServer nexla)
    {
        await nexla.Program.ObtainTokenAsync();
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", nexla.Program.AccessToken);
        var text = await http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), TestContext.Current.CancellationToken);
        return new OpenApiFile(JsonDocument.Parse(text).RootElement);
    }

    /// <summary>What a place in the document stands for, as <c>#/components/schemas/ApiError</c>.</summary>
    public JsonElement Resolve(string place) => place.Split('/').Skip(1)
        .Aggregate(root, (here, name) => here.ValueKind is JsonValueKind.Array ? here[int.Parse(name, System.Globalization.CultureInfo.InvariantCulture)] : here.GetProperty(name));

    /// <summary>Where a value is not as the schema says; a field of which the schema does not know counts too.</summary>
    public IEnumerable<string> Faults(JsonElement value, JsonElement schema, string place = "$")
    {
        if (schema.ValueKind is JsonValueKind.True)
        {
            return [];
        }

        if (schema.TryGetProperty("$ref", out var other))
        {
            return Faults(value, Resolve(other.GetString()!), place);
        }

        if (schema.TryGetProperty("oneOf", out var choices))
        {
            return choices.EnumerateArray().Any(choice => !Faults(value, choice, place).Any()) ? [] : [$"{place} is none of {choices}"];
        }

        if (schema.TryGetProperty("type", out var type) && !TypesOf(type).Any(name => IsA(value, name)))
        {
            return [$"{place} is {value.ValueKind}, not {type}"];
        }

        if (schema.TryGetProperty("enum", out var allowed) && !allowed.EnumerateArray().Any(one => one.ToString() == value.ToString()))
        {
            return [$"{place} is {value}, not one of {allowed}"];
        }

        return value.ValueKind switch
        {
            JsonValueKind.Array when schema.TryGetProperty("items", out var items) =>
                value.EnumerateArray().SelectMany((item, index) => Faults(item, items, $"{place}[{index}]")),
            JsonValueKind.Object when schema.TryGetProperty("properties", out var fields) => FaultsInFields(value, schema, fields, place),
            JsonValueKind.Object when schema.TryGetProperty("additionalProperties", out var each) =>
                value.EnumerateObject().SelectMany(field => Faults(field.Value, each, $"{place}.{field.Name}")),
            _ => [],
        };
    }

    private IEnumerable<string> FaultsInFields(JsonElement value, JsonElement schema, JsonElement fields, string place)
    {
        foreach (var name in schema.TryGetProperty("required", out var required) ? required.EnumerateArray().Select(name => name.GetString()!) : [])
        {
            if (!value.TryGetProperty(name, out _))
            {
                yield return $"{place}.{name} is missing";
            }
        }

        foreach (var field in value.EnumerateObject())
        {
            if (!fields.TryGetProperty(field.Name, out var described))
            {
                yield return $"{place}.{field.Name} is not described";
                continue;
            }

            foreach (var fault in Faults(field.Value, described, $"{place}.{field.Name}"))
            {
                yield return fault;
            }
        }
    }

    private static IEnumerable<string> TypesOf(JsonElement type) =>
        type.ValueKind is JsonValueKind.Array ? type.EnumerateArray().Select(name => name.GetString()!) : [type.GetString()!];

    private static bool IsA(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Null => type == "null",
        JsonValueKind.String => type == "string",
        JsonValueKind.True or JsonValueKind.False => type == "boolean",
        JsonValueKind.Number => type == "number" || (type == "integer" && value.TryGetInt64(out _)),
        JsonValueKind.Array => type == "array",
        _ => type == "object",
    };
}

/// <param name="Path">As <c>/data_sources/{id}</c>.</param>
internal sealed record OpenApiOperation(string Method, string Path, JsonElement Value)
{
    public string Name => $"{Method} {Path}";

    /// <summary>As <c>data_sources</c>.</summary>
    public string Collection => Path.Split('/')[1];

    public IEnumerable<JsonElement> Parameters => Value.GetProperty("parameters").EnumerateArray();

    /// <summary>Examples of the body; one null for an operation that takes none.</summary>
    public IEnumerable<JsonElement?> Bodies => Value.TryGetProperty("requestBody", out var body)
        ? Json(body).GetProperty("examples").EnumerateObject().Select(example => (JsonElement?)example.Value.GetProperty("value"))
        : [null];

    /// <summary>Null for an operation that takes no body.</summary>
    public JsonElement? BodySchema => Value.TryGetProperty("requestBody", out var body) ? Json(body).GetProperty("schema") : null;

    /// <summary>What is said of an answer; null when the status is not one of those described.</summary>
    public JsonElement? Answer(int status) => Value.GetProperty("responses").TryGetProperty($"{status}", out var answer) ? answer : null;

    public static JsonElement Json(JsonElement content) => content.GetProperty("content").GetProperty("application/json");
}
