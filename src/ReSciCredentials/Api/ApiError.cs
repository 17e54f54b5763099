using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;

namespace ReSciCredentials.Api;

/// <summary>
/// What a program gets in place of what it asked for. Nexla's SDK shows <c>message</c>, programs go by <c>error</c>, and everybody else finds
/// problem details (RFC 9457) in the same body. Its SDK repeats a call by itself on 429, 502, 503 and 504, so none of these is used for trouble at ReSci;
/// and it takes 401 for a service key that does not work, so a key that ReSci refused is never that.
/// </summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Error">The machine-readable code, e.g. <c>not_found</c>. Never changes.</param>
/// <param name="Message">What happened and what to do, for people; never a value that was sent.</param>
internal sealed record ApiError(int Status, string Error, string Message) : IResult, IStatusCodeHttpResult
{
    private const string ProblemType = "application/problem+json";

    /// <summary>The kind of thing it is about: <c>credential</c>, <c>source</c>, <c>destination</c>, …</summary>
    public string? ResourceType { get; init; }

    /// <summary>Its id, as text: the SDK builds the text of a 404 from both.</summary>
    public string? ResourceId { get; init; }

    /// <summary>What to do, by the field of the request as it was sent, e.g. <c>credentials.api_key</c>.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>In seconds: when a repeat may help.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The ids of what uses the thing, by collection, e.g. <c>data_sources</c>.</summary>
    public IReadOnlyDictionary<string, int[]>? ReferencedResourceIds { get; init; }

    /// <summary>Of the problem type <c>about:blank</c>, which is meant when none is named.</summary>
    public string Title => ReasonPhrases.GetReasonPhrase(Status);

    public string Detail => Message;

    int? IStatusCodeHttpResult.StatusCode => Status;

    /// <summary>There is none that the caller may see.</summary>
    public static ApiError NotFound(string resourceType, int id) => NotFound(resourceType, id.ToString(CultureInfo.InvariantCulture));

    /// <inheritdoc cref="NotFound(string, int)"/>
    public static ApiError NotFound(string resourceType, string id) =>
        new(StatusCodes.Status404NotFound, "not_found", $"There is no {resourceType} {id} that you may see.") { ResourceType = resourceType, ResourceId = id };

    /// <summary>The caller sees it and may not do this with it.</summary>
    public static ApiError Forbidden(string resourceType, int id) =>
        new(StatusCodes.Status403Forbidden, "forbidden", $"Your role with this {resourceType} does not allow it. Ask an admin or the owner.")
        {
            ResourceType = resourceType,
            ResourceId = id.ToString(CultureInfo.InvariantCulture),
        };

    /// <summary>Somebody else changed it since the caller looked.</summary>
    public static ApiError Stale(string resourceType, int id) =>
        new(StatusCodes.Status409Conflict, "stale", $"Somebody else changed this {resourceType} meanwhile; nothing was changed now. Read it again, then decide.")
        {
            ResourceType = resourceType,
            ResourceId = id.ToString(CultureInfo.InvariantCulture),
        };

    /// <summary>What was sent cannot be accepted; nothing was changed.</summary>
    /// <param name="errors">At least one, by field.</param>
    public static ApiError Invalid(IEnumerable<KeyValuePair<string, string>> errors)
    {
        var byField = errors.GroupBy(error => error.Key, error => error.Value, StringComparer.Ordinal)
            .ToDictionary(field => field.Key, field => field.ToArray(), StringComparer.Ordinal);
        return new ApiError(
            StatusCodes.Status400BadRequest,
            "validation_failed",
            string.Join(' ', byField.Select(field => $"{field.Key}: {string.Join(' ', field.Value)}")))
        {
            Errors = byField,
        };
    }

    /// <inheritdoc cref="Invalid(IEnumerable{KeyValuePair{string, string}})"/>
    public static ApiError Invalid(string field, string message) => Invalid([KeyValuePair.Create(field, message)]);

    public Task ExecuteAsync(HttpContext httpContext) => WriteAsync(httpContext);

    public Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = Status;
        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var wantsProblem = context.Request.Headers.Accept.ToString().Contains(ProblemType, StringComparison.OrdinalIgnoreCase);
        return response.WriteAsJsonAsync(this, ApiErrorJson.Default.ApiError, wantsProblem ? ProblemType : ApiAnswer.ContentType, context.RequestAborted);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ApiError))]
internal sealed partial class ApiErrorJson : JsonSerializerContext;
