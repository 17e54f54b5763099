using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ReSciCredentials.Access;

internal sealed record FormToken(string Token);

internal static class AccessEndpoints
{
    public static void MapAccess(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/session", Session).AllowAnonymous();
        routes.MapGet("/antiforgery-token", AntiforgeryToken);

        var forms = routes.MapGroup("").WithMetadata(new RequireAntiforgeryTokenAttribute());
        forms.MapPost("/sign-out", SignOutAsync);
        forms.MapPost("/account/sessions/{id:guid}/end", EndSessionAsync);
        forms.MapPost("/account/sign-out-everywhere", SignOutEverywhereAsync).AddEndpointFilter(RecentSignIn.Required);
    }

    /// <summary>Whether the browser is still signed in, for scripts that hold something typed.</summary>
    private static Results<NoContent, UnauthorizedHttpResult> Session(HttpContext context) =>
        context.User.Identity is { IsAuthenticated: true } ? TypedResults.NoContent() : TypedResults.Unauthorized();

    /// <summary>A token for a form whose page was loaded before the sign-in that is current now.</summary>
    private static Ok<FormToken> AntiforgeryToken(HttpContext context, IAntiforgery antiforgery) =>
        TypedResults.Ok(new FormToken(antiforgery.GetAndStoreTokens(context).RequestToken!));

    private static async Task<RedirectHttpResult> SignOutAsync(
        HttpContext context, CurrentPerson current, Sessions sessions, CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        await sessions.EndAsync(person, person.Session, cancellationToken);
        return await SignedOutAsync(context);
    }

    private static async Task<Results<RedirectHttpResult, NotFound>> EndSessionAsync(
        Guid id, HttpContext context, CurrentPerson current, Sessions sessions, CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        return !await sessions.EndAsync(person, id, cancellationToken) ? TypedResults.NotFound()
            : id == person.Session ? await SignedOutAsync(context)
            : TypedResults.LocalRedirect("/account");
    }

    private static async Task<RedirectHttpResult> SignOutEverywhereAsync(
        HttpContext context, CurrentPerson current, Sessions sessions, CancellationToken cancellationToken)
    {
        await sessions.EndAllAsync(await current.GetAsync(cancellationToken), cancellationToken);
        return await SignedOutAsync(context);
    }

    private static async Task<RedirectHttpResult> SignedOutAsync(HttpContext context)
    {
        await context.SignOutAsync(SessionCookie.Scheme);
        return TypedResults.LocalRedirect("/sign-in");
    }
}
