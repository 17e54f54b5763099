using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using ReSciCredentials.Api;

namespace ReSciCredentials.Access;

/// <summary>
/// Limits what the programs with one service key may ask of this server, so that a busy one does not slow the others. Counts as the broker
/// does, and by the same clock: the framework's limiters know no other than the machine's, and round what they tell to wait.
/// </summary>
internal sealed class ServiceKeyLimits(RequestDelegate next, TimeProvider time, IOptions<ServiceKeysOptions> options)
{
    private readonly ServiceKeysOptions _options = options.Value;

    public Task InvokeAsync(HttpContext context)
    {
        if (!ApiPaths.IsApi(context.Request))
        {
            return next(context);
        }

        if (context.Request.ContentLength > _options.LongestBody)
        {
            return new ApiError(
                StatusCodes.Status413PayloadTooLarge, "too_large", $"The body of a request may have {_options.LongestBody} bytes at most.").WriteAsync(context);
        }

        // For a body that does not say how long it is.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = _options.LongestBody;
        }

        return context.Features.Get<ApiCaller>() is { } caller ? CountAsync(context, caller.Token.State) : next(context);
    }

    private async Task CountAsync(HttpContext context, TokenState state)
    {
        if (!state.Rate.TryTake(_options.RequestsPerMinute, time.GetUtcNow().UtcTicks, out var wait))
        {
            await RefuseAsync(context, $"This service key may make {_options.RequestsPerMinute} calls a minute.", wait);
            return;
        }

        if (!state.TryEnter(_options.RequestsAtOnce))
        {
            await RefuseAsync(context, $"This service key may make {_options.RequestsAtOnce} calls at the same time.", TimeSpan.FromSeconds(1));
            return;
        }

        try
        {
            await next(context);
        }
        finally
        {
            state.Leave();
        }
    }

    /// <param name="wait">A repeat before this time is over would be refused too.</param>
    public static ApiError TooMany(string message, TimeSpan wait) =>
        new(StatusCodes.Status429TooManyRequests, "rate_limited", message) { RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) };

    private static Task RefuseAsync(HttpContext context, string message, TimeSpan wait) =>
        TooMany(message, wait).WriteAsync(context);
}
