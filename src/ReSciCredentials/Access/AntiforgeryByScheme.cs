using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.DataProtection;

namespace ReSciCredentials.Access;

/// <summary>
/// The framework's antiforgery with a cookie name that depends on the scheme of the request, see <see cref="CookieNames"/>.
/// Its options are fixed when it is built, so it is built twice, over the same Data Protection.
/// </summary>
internal sealed class AntiforgeryByScheme(IDataProtectionProvider dataProtection, ILoggerFactory loggers) : IAntiforgery, IDisposable
{
    private readonly ServiceProvider _http = Build(https: false, dataProtection, loggers);
    private readonly ServiceProvider _https = Build(https: true, dataProtection, loggers);

    public AntiforgeryTokenSet GetAndStoreTokens(HttpContext httpContext) => For(httpContext).GetAndStoreTokens(httpContext);

    public AntiforgeryTokenSet GetTokens(HttpContext httpContext) => For(httpContext).GetTokens(httpContext);

    public Task<bool> IsRequestValidAsync(HttpContext httpContext) => For(httpContext).IsRequestValidAsync(httpContext);

    public Task ValidateRequestAsync(HttpContext httpContext) => For(httpContext).ValidateRequestAsync(httpContext);

    public void SetCookieTokenAndHeader(HttpContext httpContext) => For(httpContext).SetCookieTokenAndHeader(httpContext);

    public void Dispose()
    {
        _http.Dispose();
        _https.Dispose();
    }

    private static ServiceProvider Build(bool https, IDataProtectionProvider dataProtection, ILoggerFactory loggers) =>
        new ServiceCollection()
            .AddSingleton(dataProtection)
            .AddSingleton(loggers)
            .AddAntiforgery(options =>
            {
                options.Cookie.Name = CookieNames.For(https, "antiforgery");
                options.Cookie.Path = "/";
                options.Cookie.HttpOnly = true;
                options.Cookie.SameSite = SameSiteMode.Lax;
                options.Cookie.SecurePolicy = https ? CookieSecurePolicy.Always : CookieSecurePolicy.None;
                // The content security policy forbids framing.
                options.SuppressXFrameOptionsHeader = true;
            })
            .BuildServiceProvider();

    private IAntiforgery For(HttpContext context) =>
        (context.Request.IsHttps ? _https : _http).GetRequiredService<IAntiforgery>();
}
