using System.Net.Mime;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;

namespace ReSciCredentials.Api;

/// <summary>Names of query parameters that a route reads by itself.</summary>
internal sealed record ApiParameters(params string[] Names);

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
                item[method.ToLowerInvariant()] = Operation(route, path, schemas);
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

    private static JsonObject Operation(RouteEndpoint route, string path, JsonObject schemas)
    {
        var metadata = route.Metadata;
        var answers = new JsonObject();
        foreach (var answer in metadata.OfType<IProducesResponseTypeMetadata>().OrderBy(answer => answer.StatusCode))
        {
            answers[$"{answer.StatusCode}"] = Answer(answer.StatusCode, answer.StatusCode < 400 ? answer.Type : typeof(ApiError), schemas);
        }

        // Whatever the route: the limits of a service key, and a fault of this server.
        foreach (var status in (int[])[StatusCodes.Status429TooManyRequests, StatusCodes.Status500InternalServerError])
        {
            answers[$"{status}"] = Answer(status, typeof(ApiError), schemas);
        }

        var operation = new JsonObject
        {
            ["operationId"] = metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName,
            ["summary"] = metadata.GetMetadata<IEndpointSummaryMetadata>()?.Summary,
            ["tags"] = new JsonArray([.. metadata.GetOrderedMetadata<ITagsMetadata>().SelectMany(tags => tags.Tags).Select(tag => JsonValue.Create(tag))]),
            ["security"] = new JsonArray(new JsonObject { [path == "/token" ? "service_key" : "access_token"] = new JsonArray() }),
            ["parameters"] = Parameters(route),
            ["responses"] = answers,
        };
        if (metadata.GetMetadata<ApiRequestType>() is { Type: var body })
        {
            answers["413"] = Answer(StatusCodes.Status413PayloadTooLarge, typeof(ApiError), schemas);
            operation["requestBody"] = new JsonObject { ["content"] = Content(body, schemas) };
        }

        return operation;
    }

    private static JsonArray Parameters(RouteEndpoint route) =>
    [
        .. route.RoutePattern.Parameters.Select(parameter => new JsonObject
        {
            ["name"] = parameter.Name, ["in"] = "path", ["required"] = true, ["schema"] = new JsonObject { ["type"] = "integer" },
        }),
        .. route.Metadata.OfType<ApiParameters>().SelectMany(query => query.Names).Select(name => new JsonObject
        {
            ["name"] = name, ["in"] = "query", ["schema"] = new JsonObject { ["type"] = name is "page" or "per_page" or "credentials_id" ? "integer" : "string" },
        }),
    ];

    private static JsonObject Answer(int status, Type? type, JsonObject schemas)
    {
        var answer = new JsonObject { ["description"] = ReasonPhrases.GetReasonPhrase(status) };
        if (type is not null && type != typeof(void))
        {
            answer["content"] = Content(type, schemas);
        }

        return answer;
    }

    private static JsonObject Content(Type type, JsonObject schemas) =>
        new() { [MediaTypeNames.Application.Json] = new JsonObject { ["schema"] = Reference(type, schemas) } };

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
            schemas[type.Name] = Json.GetJsonSchemaAsNode(type, Shapes);
        }

        return new JsonObject { ["$ref"] = $"#/components/schemas/{type.Name}" };
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
