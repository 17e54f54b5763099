using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>The sign-in cookie. It holds the id of a <see cref="SignInSession"/>, and is worth nothing once that has ended.</summary>
internal static class SessionCookie
{
    public const string Scheme = "session";

    public static Task WriteAsync(HttpContext context, SignInSession session) =>
        context.SignInAsync(Scheme, SessionClaims.ForCookie(session.Id));

    public static void Configure(CookieAuthenticationOptions options)
    {
        options.CookieManager = new CookieByScheme();
        options.Cookie.Name = Scheme;
        options.Cookie.Path = "/";
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Lax;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.ExpireTimeSpan = Sessions.AbsoluteLimit;
        options.SlidingExpiration = false;
        options.Events.OnValidatePrincipal = ValidateAsync;
        options.Events.OnRedirectToLogin = AnswerAnonymous;
        options.Events.OnRedirectToAccessDenied = static context =>
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return Task.CompletedTask;
        };
    }

    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var sessions = context.HttpContext.RequestServices.GetRequiredService<Sessions>();
        var person = SessionClaims.SessionOf(context.Principal) is { } session
            ? await sessions.FindAsync(session, Client.Of(context.HttpContext), context.HttpContext.RequestAborted)
            : null;

        if (person is null)
        {
            // The cookie itself stays: a late answer that deleted it could delete the one of a newer sign-in in another tab.
            context.RejectPrincipal();
        }
        else
        {
            context.ReplacePrincipal(SessionClaims.For(person));
        }
    }

    private static Task AnswerAnonymous(RedirectContext<CookieAuthenticationOptions> context)
    {
        var request = context.Request;
        if (Navigation.IsDocument(request))
        {
            var address = request.PathBase + request.Path + request.QueryString;
            context.Response.Redirect(request.Path == "/" ? "/sign-in" : $"/sign-in?returnUrl={Uri.EscapeDataString(address)}");
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        }

        return Task.CompletedTask;
    }

    private sealed class CookieByScheme : ICookieManager
    {
        private readonly ChunkingCookieManager _cookies = new();

        public string? GetRequestCookie(HttpContext context, string key) => _cookies.GetRequestCookie(context, Name(context, key));

        public void AppendResponseCookie(HttpContext context, string key, string? value, CookieOptions options) =>
            _cookies.AppendResponseCookie(context, Name(context, key), value, options);

        public void DeleteCookie(HttpContext context, string key, CookieOptions options) =>
            _cookies.DeleteCookie(context, Name(context, key), options);

        private static string Name(HttpContext context, string key) => CookieNames.For(context.Request.IsHttps, key);
    }
}
