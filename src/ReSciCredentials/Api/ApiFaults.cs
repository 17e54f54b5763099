using ReSciCredentials.Storage;

namespace ReSciCredentials.Api;

/// <summary>
/// Whatever goes wrong below the API's path is told in the API's own form: what a handler threw, and a bare status of the framework's.
/// Never with a status that Nexla's SDK repeats by itself.
/// </summary>
internal sealed partial class ApiFaults(RequestDelegate next, StorageTrouble trouble, ILogger<ApiFaults> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (!ApiPaths.IsApi(context.Request))
        {
            await next(context);
            return;
        }

        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The program went away; it will ask again if it still wants to know.
            return;
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await ErrorOf(exception).WriteAsync(context);
            return;
        }

        if (!context.Response.HasStarted && context.Response is { StatusCode: >= 400, ContentType: null, ContentLength: null })
        {
            await ErrorOf(context.Response.StatusCode).WriteAsync(context);
        }
    }

    private ApiError ErrorOf(Exception exception)
    {
        if (exception is BadHttpRequestException { StatusCode: var status })
        {
            return ErrorOf(status);
        }

        if (trouble.Meet(exception) is not null)
        {
            return new ApiError(
                StatusCodes.Status507InsufficientStorage,
                "storage_full",
                "The server’s disk is full or cannot be written. Nothing was changed. Whoever runs the server must make room; repeating does not help.");
        }

        LogFault(exception);
        return ErrorOf(StatusCodes.Status500InternalServerError);
    }

    private static ApiError ErrorOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => new(status, "unauthorized", "This call needs a valid access token."),
        StatusCodes.Status403Forbidden => new(status, "forbidden", "You may not do this."),
        StatusCodes.Status404NotFound => new(status, "not_found", "There is nothing at this address."),
        StatusCodes.Status413PayloadTooLarge => new(status, "too_large", "The body of the request is too large."),
        >= 500 => new(
            StatusCodes.Status500InternalServerError,
            "internal_error",
            "Something went wrong on this server; its log says what. Look whether the change was made before you repeat it."),
        // Also what the framework would call 408, 411 or 415: an input error is 400 to the SDK.
        _ => new(StatusCodes.Status400BadRequest, "bad_request", "The request is malformed."),
    };

    [LoggerMessage(LogLevel.Error, "A call of the REST API failed")]
    private partial void LogFault(Exception exception);
}
