using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Metadata;

namespace ReSciCredentials.Api;

/// <summary>A request body that knows how it is read.</summary>
internal interface IApiRequest<T>
{
    static abstract JsonTypeInfo<T> Json { get; }
}

/// <summary>A parameter of a handler that was read from the request, and what is wrong with it.</summary>
internal interface IApiInput
{
    ApiError? Fault { get; }
}

/// <summary>
/// The body of a request: JSON whatever its content type says, and none when it is empty; a program's GET, DELETE and PUT say they send JSON and send nothing.
/// Unknown fields are ignored, a wrong type is told with its field. What was received is wiped after the handler, because it may hold a key.
/// </summary>
/// <param name="content">As received.</param>
internal sealed class ApiBody<T>(T value, byte[] content, ApiError? fault) : IApiInput, IBindableFromHttpContext<ApiBody<T>>, IEndpointParameterMetadataProvider
    where T : class, IApiRequest<T>, new()
{
    /// <summary>What was sent; as if nothing had been sent when the body was empty.</summary>
    public T Value => value;

    public ReadOnlyMemory<byte> Content => content;

    public ApiError? Fault => fault;

    public static async ValueTask<ApiBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var content = await ReadAsync(context);
        context.Response.OnCompleted(
            static state =>
            {
                CryptographicOperations.ZeroMemory((byte[])state);
                return Task.CompletedTask;
            },
            content);
        if (content.AsSpan().Trim(" \t\r\n"u8).IsEmpty)
        {
            return new ApiBody<T>(new T(), content, null);
        }

        try
        {
            return JsonSerializer.Deserialize(content, T.Json) is { } value
                ? new ApiBody<T>(value, content, null)
                : new ApiBody<T>(new T(), content, ApiError.Invalid(ApiFields.Body, "Send a JSON object."));
        }
        catch (JsonException exception)
        {
            // Of the exception only where it happened: its text may carry a value.
            var field = ApiFields.Of(T.Json, exception.Path);
            return new ApiBody<T>(
                new T(),
                content,
                field == ApiFields.Body
                    ? ApiError.Invalid(field, "This is not a JSON object.")
                    : ApiError.Invalid(field, "This has the wrong type, or is malformed."));
        }
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) => builder.Metadata.Add(new ApiRequestType(typeof(T)));

    // How much may be sent is bounded at the door.
    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.IsCompleted)
            {
                var content = System.Buffers.BuffersExtensions.ToArray(read.Buffer);
                reader.AdvanceTo(read.Buffer.End);
                return content;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}

/// <summary>The type of a route's request body, for its description. Not <c>Accepts</c>: that would answer 415 to other content types.</summary>
internal sealed record ApiRequestType(Type Type);

/// <summary>The filter that answers for inputs that cannot be used.</summary>
internal static class ApiInputs
{
    public static ValueTask<object?> RefuseFaulty(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        foreach (var argument in invocation.Arguments)
        {
            if (argument is IApiInput { Fault: { } fault })
            {
                return ValueTask.FromResult<object?>(fault);
            }
        }

        return next(invocation);
    }
}
