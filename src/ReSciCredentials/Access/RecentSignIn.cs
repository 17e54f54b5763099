using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// Sensitive actions want a sign-in, or a password given anew at <c>/confirm</c>, not older than five minutes: whoever finds an open browser
/// must not get far. An endpoint says so by <see cref="Required"/>, a page by leading to <see cref="ConfirmPath"/>.
/// </summary>
internal sealed class RecentSignIn(IDbContextFactory<StorageContext> storages, TimeProvider time)
{
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    // Not stored: after a restart the person is asked once more.
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _confirmed = new();

    /// <summary>Always so for the demo's owner, who has no password to be asked for.</summary>
    public async Task<bool> IsAsync(Person person, CancellationToken cancellationToken)
    {
        var after = time.GetUtcNow() - Limit;
        if (_confirmed.TryGetValue(person.Session, out var at) && at > after)
        {
            return true;
        }

        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        return await storage.Sessions.AnyAsync(session => session.Id == person.Session && session.CreatedAt > after, cancellationToken)
            || await storage.Users.AnyAsync(account => account.Id == person.Id && account.PasswordHash == null, cancellationToken);
    }

    /// <summary>Notes that the person has just given the right password.</summary>
    public void Confirm(Person person)
    {
        var now = time.GetUtcNow();
        _confirmed[person.Session] = now;
        foreach (var (session, at) in _confirmed)
        {
            if (at <= now - Limit)
            {
                _confirmed.TryRemove(new(session, at));
            }
        }
    }

    /// <summary>Where a person is asked for the password.</summary>
    /// <param name="returnTo">Where they come back to: a path on this server.</param>
    public static string ConfirmPath(string returnTo) => $"/confirm?returnUrl={Uri.EscapeDataString(returnTo)}";

    /// <summary>
    /// The filter of an endpoint that does something sensitive. A form leads to the confirmation and from there back to its page;
    /// whoever asks otherwise gets 403 with the code <c>sign_in_not_recent</c>. Nothing is done in either case.
    /// </summary>
    public static async ValueTask<object?> Required(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var http = invocation.HttpContext;
        var person = await http.RequestServices.GetRequiredService<CurrentPerson>().GetAsync(http.RequestAborted);
        if (await http.RequestServices.GetRequiredService<RecentSignIn>().IsAsync(person, http.RequestAborted))
        {
            return await next(invocation);
        }

        return http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            ? TypedResults.LocalRedirect(ConfirmPath(PageOf(http.Request)))
            : TypedResults.Json(
                new NotRecent("sign_in_not_recent", "This needs your password again. Confirm at /confirm, then repeat it."),
                statusCode: StatusCodes.Status403Forbidden);
    }

    /// <summary>The page that the form stood on. Our pages send it (Referrer-Policy: same-origin); what is not ours leads to the start.</summary>
    private static string PageOf(HttpRequest request) =>
        Uri.TryCreate(request.Headers.Referer.ToString(), UriKind.Absolute, out var page)
        && page.Authority.Equals(request.Host.ToUriComponent(), StringComparison.OrdinalIgnoreCase)
            ? Navigation.LocalOrStart(page.PathAndQuery)
            : "/";

    private sealed record NotRecent(string Code, string Message);
}
