using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace ReSciCredentials.Api;

/// <summary>What a program asked for, with status 200, whatever it says it accepts: there is no other form.</summary>
/// <param name="type">How it is written: from a source-generated context of the feature.</param>
internal sealed class ApiAnswer<T>(T value, JsonTypeInfo<T> type) : IResult, IStatusCodeHttpResult, IValueHttpResult<T>, IEndpointMetadataProvider
{
    public T? Value => value;

    public int? StatusCode => StatusCodes.Status200OK;

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), [ApiAnswer.MediaType]));

    public Task ExecuteAsync(HttpContext httpContext) =>
        httpContext.Response.WriteAsJsonAsync(value, type, ApiAnswer.ContentType, httpContext.RequestAborted);
}

internal static class ApiAnswer
{
    public const string MediaType = "application/json";

    /// <summary>Said with the character set: so the contract has it.</summary>
    public const string ContentType = MediaType + "; charset=utf-8";

    public static ApiAnswer<T> Of<T>(T value, JsonTypeInfo<T> type) => new(value, type);

    /// <summary>Says in the description of a route with which statuses it can refuse.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params IEnumerable<int> statuses)
    {
        foreach (var status in statuses)
        {
            route.WithMetadata(new ProducesResponseTypeMetadata(status, typeof(ApiError), [MediaType]));
        }

        return route;
    }
}

/// <summary>The answer to a deletion: a body, because a program that gets none is told nothing.</summary>
/// <param name="Code">The status once more, as text.</param>
internal sealed record ApiDone(string Code, string Message)
{
    public static ApiDone Ok { get; } = new("200", "ok");
}
