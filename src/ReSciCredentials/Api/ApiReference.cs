using System.Net.Mime;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ReSciCredentials.Api;

/// <summary>The description of the API as people read it: the same document, operation by operation.</summary>
internal sealed class ApiReference(ApiDocument document)
{
    private readonly Lazy<IReadOnlyList<IGrouping<string, ApiOperation>>> _groups = new(() => Read(document));

    /// <summary>The operations by what they are about, in the order of the document.</summary>
    public IReadOnlyList<IGrouping<string, ApiOperation>> Groups => _groups.Value;

    private static IReadOnlyList<IGrouping<string, ApiOperation>> Read(ApiDocument document) =>
    [
        .. JsonNode.Parse(document.Text)!["paths"]!.AsObject()
            .SelectMany(path => path.Value!.AsObject().Select(operation => new ApiOperation(operation.Key.ToUpperInvariant(), path.Key, operation.Value!)))
            .GroupBy(operation => operation.Tag),
    ];
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
        [.. (Example(Json["requestBody"], "examples")?.AsObject() ?? []).Select(body => new ApiExample(Text(body.Value!["summary"]), Pretty(body.Value["value"])))];

    public IReadOnlyList<(string Status, string Reason)> Answers { get; } =
        [.. Json["responses"]!.AsObject().Select(answer => (answer.Key, Text(answer.Value!["description"])))];

    /// <summary>The body of the answer when all is well; null when there is none.</summary>
    public string? Answer { get; } = Example(Json["responses"]!["200"], "example") is { } example ? Pretty(example) : null;

    private static JsonNode? Example(JsonNode? content, string name) => content?["content"]?[MediaTypeNames.Application.Json]?[name];

    private static string Text(JsonNode? node) => node?.GetValue<string>() ?? "";

    private static string Pretty(JsonNode? node) => node?.ToJsonString(Indented) ?? "null";
}
