using System.Net.Mime;
using Microsoft.Extensions.Options;
using ReSciCredentials.Components.Layout;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciSandbox;

namespace ReSciCredentials.Components;

internal static class PagesSetup
{
    public static IServiceCollection AddPages(this IServiceCollection services)
    {
        // Static files are compressed when published; this is for the pages alone. What is secret in them, antiforgery tokens and component
        // descriptors, is encrypted anew with each answer, so its length tells nothing (BREACH): decisions/0003.
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = [MediaTypeNames.Text.Html];
        });
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddCascadingValue(provider => provider.GetRequiredService<IOptions<ReSciOptions>>().Value.Sandbox
            ? new DemoMode([.. SandboxKeys.Shown.Select(key => new SampleKey(key.Prefix, key.Meaning))])
            : null);
        return services;
    }

    public static void UseErrorPages(this IApplicationBuilder app)
    {
        var trouble = app.ApplicationServices.GetRequiredService<StorageTrouble>();
        app.UseResponseCompression();
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandlingPath = "/error",
            CreateScopeForErrors = true,
            StatusCodeSelector = exception =>
                trouble.Meet(exception) is null ? StatusCodes.Status500InternalServerError : StatusCodes.Status507InsufficientStorage,
        });
        // For people who open an address. Scripts go by the status, and what was posted cannot be posted again to a page.
        app.UseWhen(
            static context => HttpMethods.IsGet(context.Request.Method)
                && context.Request.Headers.Accept.ToString().Contains(MediaTypeNames.Text.Html, StringComparison.OrdinalIgnoreCase),
            static documents => documents.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true));
    }

    public static void MapPages(this IEndpointRouteBuilder routes)
    {
        routes.MapStaticAssets().AllowAnonymous().WithMetadata(new OpenWhenSealed());
        routes.MapRazorComponents<App>()
            // SecurityHeaders sets one policy for everything; Blazor would add a second one.
            .AddInteractiveServerRenderMode(options => options.ContentSecurityFrameAncestorsPolicy = null);
    }
}
