using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Net.Http.Headers;

namespace ReSciCredentials.Access;

/// <summary>A feature of a request whose answer is no page of ours: the policy that it gets instead.</summary>
internal sealed record OwnContentPolicy(string Value);

/// <summary>The headers with which browsers protect us, on every answer.</summary>
internal sealed class SecurityHeaders(RequestDelegate next)
{
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; manifest-src 'self'";

    private const string PermissionsPolicy =
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), "
        + "midi=(), payment=(), serial=(), usb=()";

    public Task InvokeAsync(HttpContext context)
    {
        // At the last moment: the error handler clears headers, and Blazor sets a weaker policy of its own.
        context.Response.OnStarting(
            static state =>
            {
                Write((HttpContext)state);
                return Task.CompletedTask;
            },
            context);
        return next(context);
    }

    private static void Write(HttpContext context)
    {
        var headers = context.Response.Headers;
        var own = context.Features.Get<OwnContentPolicy>();
        headers.ContentSecurityPolicy = own?.Value ?? ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers[HeaderNames.StrictTransportSecurity] =
            context.Request.IsHttps && !Loopback.IsName(context.Request.Host.Host) ? "max-age=31536000" : default(string);
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (own is null)
        {
            headers["Referrer-Policy"] = "same-origin";
            headers["Cross-Origin-Opener-Policy"] = "same-origin";
            headers["Permissions-Policy"] = PermissionsPolicy;
        }

        if (context.GetEndpoint()?.Metadata.GetMetadata<StaticAssetDescriptor>() is null)
        {
            headers.CacheControl = "no-store";
            headers.Remove(HeaderNames.Pragma);
        }
    }
}
