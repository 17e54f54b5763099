using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;

namespace ReSciCredentials.Api;

/// <summary>
/// The OpenAPI description of the REST API, made from its routes. It is written here because the routes are written in JSON of their own, whose names the
/// framework's generator takes from the options of the whole host.
/// </summary>
internal sealed class ApiDocument(EndpointDataSource endpoints)
{
    private const string Errors = "#/components/schemas/ApiError";

    // As every source-generated context of the API writes.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new ApiTime() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    private static readonly JsonSchemaExporterOptions Shapes = new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Shape };

    private readonly Lazy<JsonObject> _document = new(() => Build(endpoints));

    public string Text => _document.Value.ToJsonString();

    private static JsonObject Build(EndpointDataSource source)
    {
        var schemas = new JsonObject { [nameof(ApiError)] = Json.GetJsonSchemaAsNode(typeof(ApiError), Shapes) };
        var paths = new JsonObject();
        foreach (var route in source.Endpoints.OfType<RouteEndpoint>().Where(IsDescribed))
        {
            var path = PathOf(route);
            var item = paths[path]?.AsObject();
            if (item is null)
            {
                paths[path] = item = [];
            }

            foreach (var method in route.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods)
            {
                item[method.ToLowerInvariant()] = Operation(route, method, path, schemas);
            }
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.1",
            ["info"] = new JsonObject { ["title"] = "ReSci Credentials", ["version"] = "1", ["description"] = "No answer ever contains a key." },
            ["servers"] = new JsonArray(new JsonObject { ["url"] = ApiPaths.Base }),
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = schemas,
                ["securitySchemes"] = new JsonObject
                {
                    ["service_key"] = new JsonObject
                    {
                        ["type"] = "apiKey",
                        ["in"] = "header",
                        ["name"] = "Authorization",
                        ["description"] = "The word Basic and the service key as it is, without a user and without base64.",
                    },
                    ["access_token"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" },
                },
            },
        };
    }

    private static JsonObject Operation(RouteEndpoint route, string method, string path, JsonObject schemas)
    {
        var metadata = route.Metadata;
        var parameters = Parameters(route);
        var body = metadata.GetMetadata<ApiRequestType>()?.Type;
        var isOpen = metadata.GetMetadata<IAllowAnonymous>() is not null;
        var answers = new JsonObject();
        var types = metadata.OfType<IProducesResponseTypeMetadata>().Where(answer => answer.StatusCode < 400).ToDictionary(answer => answer.StatusCode, answer => answer.Type);
        foreach (var (status, type) in types.OrderBy(answer => answer.Key))
        {
            answers[$"{status}"] = Answer(status, type, parameters, schemas);
        }

        foreach (var status in Refusals(metadata, method, isOpen, body is not null).Distinct().Order())
        {
            answers[$"{status}"] = Answer(status, typeof(ApiError), parameters, schemas);
        }

        var operation = new JsonObject
        {
            ["operationId"] = metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName,
            ["summary"] = metadata.GetMetadata<IEndpointSummaryMetadata>()?.Summary,
            ["tags"] = new JsonArray([.. metadata.GetOrderedMetadata<ITagsMetadata>().SelectMany(tags => tags.Tags).Select(tag => JsonValue.Create(tag))]),
            ["security"] = new JsonArray(new JsonObject { [path == "/token" ? "service_key" : "access_token"] = new JsonArray() }),
            ["parameters"] = new JsonArray([.. parameters.Select(parameter => parameter.ToJson())]),
        };
        if (body is not null)
        {
            operation["requestBody"] = new JsonObject { ["content"] = Content(body, schemas, Sent(metadata)) };
        }

        operation["responses"] = answers;
        return operation;
    }

    /// <summary>What the route itself can refuse with, and what is refused before it is reached, or for all routes alike.</summary>
    private static IEnumerable<int> Refusals(EndpointMetadataCollection metadata, string method, bool isOpen, bool hasBody) =>
    [
        .. metadata.OfType<IProducesResponseTypeMetadata>().Select(answer => answer.StatusCode).Where(status => status >= 400),
        .. isOpen ? Array.Empty<int>() : [StatusCodes.Status401Unauthorized],
        // A service key that may only look.
        .. isOpen || HttpMethods.IsGet(method) ? Array.Empty<int>() : [StatusCodes.Status403Forbidden],
        .. hasBody ? [StatusCodes.Status400BadRequest, StatusCodes.Status413PayloadTooLarge] : Array.Empty<int>(),
        // The limits of a service key, a fault of this server, and a server that is sealed or whose disk is full.
        StatusCodes.Status429TooManyRequests,
        StatusCodes.Status500InternalServerError,
        StatusCodes.Status507InsufficientStorage,
    ];

    private static ApiParameter[] Parameters(RouteEndpoint route) =>
    [
        .. route.RoutePattern.Parameters.Select(parameter => parameter.Name)
            .Concat(route.Metadata.OfType<ApiParameters>().SelectMany(read => read.Names))
            .Select(name => ApiParameter.All[name]),
    ];

    private static JsonObject Answer(int status, Type? type, ApiParameter[] parameters, JsonObject schemas)
    {
        var answer = new JsonObject { ["description"] = ReasonPhrases.GetReasonPhrase(status) };
        if (type is null || type == typeof(void))
        {
            return answer;
        }

        var headers = status switch
        {
            StatusCodes.Status424FailedDependency or StatusCodes.Status429TooManyRequests => Header("Retry-After", "integer", "In seconds: when a repeat may help."),
            StatusCodes.Status200OK when type.GetProperty("Revision") is not null => Header("ETag", "string", $"The revision, for {ApiParameter.IfMatch}."),
            StatusCodes.Status200OK when parameters.Any(parameter => parameter.Name == "page") => Header("X-Total-Count", "integer", "How many there are on all pages.")
                .Concat(Header("X-Page", "integer", "Which page this is.")).Concat(Header("X-Per-Page", "integer", "How many a page."))
                .Concat(Header("Link", "string", "The first, last, previous and next page.")),
            _ => [],
        };
        if (headers.Any())
        {
            answer["headers"] = new JsonObject(headers);
        }

        answer["content"] = Content(type, schemas, type == typeof(ApiError)
            ? ("example", JsonSerializer.SerializeToNode(ApiExamples.OfStatus(status), ApiErrorJson.Default.ApiError))
            : ("example", type == typeof(object) ? new JsonObject() : ApiExamples.Of(type, Json)));
        return answer;
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Header(string name, string type, string description) =>
        [KeyValuePair.Create<string, JsonNode?>(name, new JsonObject { ["description"] = description, ["schema"] = new JsonObject { ["type"] = type } })];

    private static (string, JsonNode?) Sent(EndpointMetadataCollection metadata) =>
        ("examples", new JsonObject((metadata.GetMetadata<ApiBodies>()?.Examples ?? []).Select((example, index) => KeyValuePair.Create<string, JsonNode?>(
            $"example_{index + 1}", new JsonObject { ["summary"] = example.Title, ["value"] = JsonNode.Parse(example.Body) }))));

    private static JsonObject Content(Type type, JsonObject schemas, (string Name, JsonNode? Value) example) =>
        new() { [MediaTypeNames.Application.Json] = new JsonObject { ["schema"] = Reference(type, schemas), [example.Name] = example.Value } };

    private static JsonObject Reference(Type type, JsonObject schemas)
    {
        if (type == typeof(ApiError))
        {
            return new JsonObject { ["$ref"] = Errors };
        }

        if (type.IsArray)
        {
            return new JsonObject { ["type"] = "array", ["items"] = Reference(type.GetElementType()!, schemas) };
        }

        if (!schemas.ContainsKey(type.Name))
        {
            schemas[type.Name] = InComponents(Json.GetJsonSchemaAsNode(type, Shapes), type.Name);
        }

        return new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
    }

    // What a shape says of a place in itself is seen from the document now.
    private static JsonNode InComponents(JsonNode shape, string name)
    {
        foreach (var part in shape is JsonObject described ? described.Select(pair => pair.Value) : shape is JsonArray list ? list : Enumerable.Empty<JsonNode?>())
        {
            if (part is JsonObject { } inner && inner["$ref"]?.GetValue<string>() is { } place)
            {
                inner["$ref"] = $"#/components/schemas/{name}{place[1..]}";
            }
            else if (part is not null)
            {
                InComponents(part, name);
            }
        }

        return shape;
    }

    // What has a converter of its own tells nothing of its form.
    private static JsonNode Shape(JsonSchemaExporterContext context, JsonNode schema)
    {
        var type = Nullable.GetUnderlyingType(context.TypeInfo.Type) ?? context.TypeInfo.Type;
        return type == typeof(DateTimeOffset) ? new JsonObject { ["type"] = new JsonArray("string", "null"), ["format"] = "date-time" }
            : type == typeof(SentText) ? new JsonObject { ["type"] = new JsonArray("string", "null") }
            : type == typeof(FreeJson) ? new JsonObject { ["type"] = new JsonArray("object", "null") }
            : schema;
    }

    private static bool IsDescribed(RouteEndpoint route) =>
        route.RoutePattern.RawText?.StartsWith($"{ApiPaths.Base}/", StringComparison.Ordinal) is true
        && route.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null;

    /// <summary>As <c>/data_sources/{id}</c>: behind the base, without what the route wants of an id.</summary>
    private static string PathOf(RouteEndpoint route) =>
        route.RoutePattern.RawText![ApiPaths.Base.Length..].Replace(":int", "", StringComparison.Ordinal).TrimEnd('/');
}
