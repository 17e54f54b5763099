using System.Net.Mime;
using System.Reflection;
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
    // As every source-generated context of the API writes.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new ApiTime() },
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
    };

    private readonly Lazy<JsonObject> _document = new(() => Build(endpoints));

    public string Text => _document.Value.ToJsonString();

    private static JsonObject Build(EndpointDataSource source)
    {
        var schemas = new JsonObject();
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
        if (type.IsArray)
        {
            return new JsonObject { ["type"] = "array", ["items"] = Reference(type.GetElementType()!, schemas) };
        }

        if (type == typeof(object))
        {
            // An empty one.
            return new JsonObject { ["type"] = "object" };
        }

        // In its place before it is known: it may speak of itself.
        if (schemas.TryAdd(type.Name, null))
        {
            schemas[type.Name] = Json.GetJsonSchemaAsNode(
                type,
                new JsonSchemaExporterOptions
                {
                    TreatNullObliviousAsNonNullable = true,
                    TransformSchemaNode = (context, schema) => context.Path.IsEmpty ? schema : Part(context, schema, schemas),
                });
        }

        return new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
    }

    /// <summary>A field, or what a list or an object has many of.</summary>
    private static JsonNode Part(JsonSchemaExporterContext context, JsonNode schema, JsonObject schemas)
    {
        var part = Shape(context.TypeInfo, schema, schemas);
        if (context.PropertyInfo is not { } field)
        {
            return part;
        }

        var described = WithNull(part, field.IsGetNullable || field.PropertyType == typeof(SentText));
        described["description"] = ApiFieldTexts.Of(field.DeclaringType.Name, field.Name);
        return described;
    }

    // What has a converter of its own tells nothing of its form, and whatever has fields is described once.
    private static JsonNode Shape(JsonTypeInfo known, JsonNode schema, JsonObject schemas)
    {
        var type = Nullable.GetUnderlyingType(known.Type) ?? known.Type;
        return type == typeof(DateTimeOffset) ? new JsonObject { ["type"] = "string", ["format"] = "date-time" }
            : type == typeof(SentText) ? new JsonObject { ["type"] = "string" }
            : type == typeof(FreeJson) ? new JsonObject { ["type"] = "object" }
            : type.GetCustomAttribute<ApiShapesAttribute>() is { } shapes ? new JsonObject { ["oneOf"] = new JsonArray([.. shapes.Types.Select(one => ShapeOf(one, schemas))]) }
            : known.Kind is JsonTypeInfoKind.Object ? Reference(type, schemas)
            : schema;
    }

    private static JsonNode ShapeOf(Type type, JsonObject schemas) => Shape(Json.GetTypeInfo(type), Json.GetJsonSchemaAsNode(type), schemas);

    // The exporter takes a field that is only read for one that may be null.
    private static JsonObject WithNull(JsonNode schema, bool nullable)
    {
        if (schema is not JsonObject { Count: > 0 } shape)
        {
            // Anything.
            return [];
        }

        if (shape["type"] is { } type)
        {
            string[] types = [.. type is JsonArray several ? several.Select(one => one!.GetValue<string>()).Where(one => one != "null") : [type.GetValue<string>()]];
            shape["type"] = types is [var one] && !nullable ? one : new JsonArray([.. types.Concat(nullable ? ["null"] : []).Select(name => JsonValue.Create(name))]);
            return shape;
        }

        return !nullable || shape.ContainsKey("oneOf")
            ? shape
            : new JsonObject { ["oneOf"] = new JsonArray(shape, new JsonObject { ["type"] = "null" }) };
    }

    private static bool IsDescribed(RouteEndpoint route) =>
        route.RoutePattern.RawText?.StartsWith($"{ApiPaths.Base}/", StringComparison.Ordinal) is true
        && route.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null;

    /// <summary>As <c>/data_sources/{id}</c>: behind the base, without what the route wants of an id.</summary>
    private static string PathOf(RouteEndpoint route) =>
        route.RoutePattern.RawText![ApiPaths.Base.Length..].Replace(":int", "", StringComparison.Ordinal).TrimEnd('/');
}
