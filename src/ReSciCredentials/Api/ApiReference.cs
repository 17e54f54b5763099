using System.Net.Mime;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ReSciCredentials.Api;

/// <summary>The description of the API as people read it: the same document, operation by operation, and then shape by shape.</summary>
internal sealed class ApiReference(ApiDocument document)
{
    private readonly Lazy<Content> _content = new(() => Read(document));

    /// <summary>The operations by what they are about, in the order of the document.</summary>
    public IReadOnlyList<IGrouping<string, ApiOperation>> Groups => _content.Value.Groups;

    /// <summary>What requests and answers are made of, by name.</summary>
    public IReadOnlyList<ApiShape> Shapes => _content.Value.Shapes;

    private static Content Read(ApiDocument document)
    {
        var root = JsonNode.Parse(document.Text)!;
        return new Content(
            [
                .. root["paths"]!.AsObject()
                    .SelectMany(path => path.Value!.AsObject().Select(operation => new ApiOperation(operation.Key.ToUpperInvariant(), path.Key, operation.Value!)))
                    .GroupBy(operation => operation.Tag),
            ],
            [
                .. root["components"]!["schemas"]!.AsObject()
                    .Select(shape => new ApiShape(shape.Key, [.. (shape.Value!["properties"]?.AsObject() ?? []).Select(field => ApiField.Of(field.Key, field.Value!))]))
                    .OrderBy(shape => shape.Name, StringComparer.Ordinal),
            ]);
    }

    private sealed record Content(IReadOnlyList<IGrouping<string, ApiOperation>> Groups, IReadOnlyList<ApiShape> Shapes);
}

/// <summary>Something that is sent or answered, and has fields.</summary>
internal sealed record ApiShape(string Name, IReadOnlyList<ApiField> Fields)
{
    /// <summary>The shape that a schema is, or is a list of; null when it is a plain value.</summary>
    public static string? NameIn(JsonNode? schema) =>
        schema?["$ref"]?.GetValue<string>().Split('/')[^1]
        ?? (schema?["items"] is { } items ? NameIn(items) : null)
        ?? (schema?["additionalProperties"] is JsonObject each ? NameIn(each) : null)
        ?? schema?["oneOf"]?.AsArray().Select(NameIn).FirstOrDefault(name => name is not null);
}

/// <param name="Type">In a few words, such as <c>string or null</c>.</param>
/// <param name="Shape">The name of what it is made of; null for a plain value.</param>
internal sealed record ApiField(string Name, string Type, string? Shape, string Description)
{
    public static ApiField Of(string name, JsonNode schema) => new(name, TypeOf(schema), ApiShape.NameIn(schema), schema["description"]!.GetValue<string>());

    private static string TypeOf(JsonNode schema) => schema switch
    {
        _ when schema["$ref"] is not null => ApiShape.NameIn(schema)!,
        _ when schema["oneOf"] is { } choices => string.Join(" or ", choices.AsArray().Select(choice => TypeOf(choice!))),
        _ when schema["items"] is { } items && schema["type"] is { } list => Words(list).Replace("array", $"list of {TypeOf(items)}", StringComparison.Ordinal),
        _ when schema["type"] is { } type => Words(type),
        _ => "anything",
    };

    private static string Words(JsonNode type) => string.Join(" or ", type is JsonArray several ? several.Select(one => one!.GetValue<string>()) : [type.GetValue<string>()]);
}

/// <param name="Path">Behind <see cref="ApiPaths.Base"/>.</param>
internal sealed record ApiOperation(string Method, string Path, JsonNode Json)
{
    // To be read, not to be part of a page: Blazor escapes what it writes.
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public string Id { get; } = Text(Json["operationId"]);

    public string Summary { get; } = Text(Json["summary"]);

    public string Tag { get; } = Text(Json["tags"]![0]);

    public IReadOnlyList<ApiParameter> Parameters { get; } =
        [.. Json["parameters"]!.AsArray().Select(parameter => ApiParameter.All[Text(parameter!["name"])])];

    /// <summary>What can be sent, by what it is good for.</summary>
    public IReadOnlyList<ApiExample> Bodies { get; } =
        [.. (Part(Json["requestBody"], "examples")?.AsObject() ?? []).Select(body => new ApiExample(Text(body.Value!["summary"]), Pretty(body.Value["value"])))];

    /// <summary>The name of what is sent; null for an operation that takes no body.</summary>
    public string? BodyShape { get; } = ApiShape.NameIn(Part(Json["requestBody"], "schema"));

    /// <summary>The name of what is answered when all is well; null when it has no fields.</summary>
    public string? AnswerShape { get; } = ApiShape.NameIn(Part(Json["responses"]!["200"], "schema"));

    public IReadOnlyList<(string Status, string Reason)> Answers { get; } =
        [.. Json["responses"]!.AsObject().Select(answer => (answer.Key, Text(answer.Value!["description"])))];

    /// <summary>The body of the answer when all is well; null when there is none.</summary>
    public string? Answer { get; } = Part(Json["responses"]!["200"], "example") is { } example ? Pretty(example) : null;

    private static JsonNode? Part(JsonNode? content, string name) => content?["content"]?[MediaTypeNames.Application.Json]?[name];

    private static string Text(JsonNode? node) => node?.GetValue<string>() ?? "";

    private static string Pretty(JsonNode? node) => node?.ToJsonString(Indented) ?? "null";
}
