using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.StaticAssets;
using Microsoft.Extensions.Options;
using ReSciCredentials.Api;

namespace ReSciCredentials.Access;

/// <summary>
/// Answers only to the loopback names and the public address. A page of a stranger that points its own name at this server
/// (DNS rebinding) would otherwise be of our origin.
/// </summary>
internal sealed class HostCheck(RequestDelegate next, IOptions<ServerOptions> options)
{
    private readonly string? _publicHost = options.Value.Origin is { } origin ? HostString.FromUriComponent(origin).Host : null;

    public Task InvokeAsync(HttpContext context)
    {
        var host = context.Request.Host.Host;
        if (Loopback.IsName(host) || (_publicHost is not null && host.Equals(_publicHost, StringComparison.OrdinalIgnoreCase)))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return context.Response.WriteAsync(
            "This server does not answer to that name. If people should reach it so, set Server:PublicAddress to its address, "
            + "for example https://keys.example.com, and start it again.",
            context.RequestAborted);
    }
}

/// <summary>Lets only our own pages open circuits: browsers send a WebSocket, cookies included, from any page.</summary>
internal sealed class OriginCheck(RequestDelegate next, IOptions<ServerOptions> options)
{
    private readonly string? _publicOrigin = options.Value.Origin?.GetLeftPart(UriPartial.Authority);

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        if (!request.Path.StartsWithSegments("/_blazor", StringComparison.OrdinalIgnoreCase, out var rest)
            // The one GET among these requests; browsers send no Origin with it, and its answer is the same for everybody.
            || (HttpMethods.IsGet(request.Method) && rest == "/initializers"))
        {
            return next(context);
        }

        var origin = request.Headers.Origin.ToString();
        if (origin.Equals($"{request.Scheme}://{request.Host.ToUriComponent()}", StringComparison.OrdinalIgnoreCase)
            || origin.Equals(_publicOrigin, StringComparison.OrdinalIgnoreCase))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync("This connection was not opened by a page of this server.", context.RequestAborted);
    }
}

/// <summary>Until there is an account only the set-up answers, so that nothing can be tried before somebody owns the server.</summary>
internal sealed class OwnerGate(RequestDelegate next)
{
    public async Task InvokeAsync(HttpContext context, Owners owners)
    {
        if (context.User.Identity is { IsAuthenticated: true } || IsOpen(context) || await owners.ExistsAsync(context.RequestAborted))
        {
            await next(context);
        }
        else if (Navigation.IsDocument(context.Request))
        {
            context.Response.Redirect("/setup");
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        }
    }

    private static bool IsOpen(HttpContext context) =>
        context.Request.Path.StartsWithSegments("/setup", StringComparison.OrdinalIgnoreCase)
        || context.Request.Path.StartsWithSegments("/health", StringComparison.OrdinalIgnoreCase)
        // Without an account there is no service key, so all of them are refused there, in the way that programs understand.
        || ApiPaths.IsApi(context.Request)
        || context.GetEndpoint()?.Metadata.GetMetadata<StaticAssetDescriptor>() is not null
        // The error page must be able to show what went wrong in the set-up.
        || context.Features.Get<IExceptionHandlerFeature>() is not null
        || context.Features.Get<IStatusCodeReExecuteFeature>() is not null;
}

/// <summary>
/// Refuses a form whose antiforgery token is missing or belongs to another sign-in. The framework leaves that to whoever reads
/// the form, and nobody would for an endpoint without fields.
/// </summary>
internal sealed class StaleForms(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false })
        {
            return next(context);
        }

        // A page that was open while somebody signed in or out in another tab: show it anew, as it is now.
        if (context.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null)
        {
            context.Response.StatusCode = StatusCodes.Status303SeeOther;
            context.Response.Headers.Location = context.Request.PathBase + context.Request.Path + context.Request.QueryString;
            return Task.CompletedTask;
        }

        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        return context.Response.WriteAsync(
            "This form is out of date; nothing was changed. Go back, reload the page and try again.", context.RequestAborted);
    }
}
