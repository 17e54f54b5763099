using System.Security.Claims;

namespace ReSciCredentials.Access;

/// <summary>What a signed-in request carries into pages and circuits: the person, the session, and where the request came from.</summary>
internal static class SessionClaims
{
    private const string Session = "session";
    private const string Address = "address";
    private const string UserAgent = "user_agent";

    /// <summary>All that lies in the cookie. The rest is read from the database with every request.</summary>
    public static ClaimsPrincipal ForCookie(Guid session) =>
        new(new ClaimsIdentity([new Claim(Session, session.ToString())], SessionCookie.Scheme));

    public static ClaimsPrincipal For(Person person) =>
        new(new ClaimsIdentity(
            [
                new Claim(ClaimTypes.NameIdentifier, person.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                new Claim(ClaimTypes.Name, person.Name),
                new Claim(ClaimTypes.Email, person.Email),
                new Claim(Session, person.Session.ToString()),
                new Claim(Address, person.Address),
                new Claim(UserAgent, person.UserAgent),
            ],
            SessionCookie.Scheme));

    public static Guid? SessionOf(ClaimsPrincipal? principal) =>
        Guid.TryParse(principal?.FindFirst(Session)?.Value, out var session) ? session : null;

    public static Client ClientOf(ClaimsPrincipal principal) =>
        new(principal.FindFirst(Address)?.Value ?? "", principal.FindFirst(UserAgent)?.Value ?? "");
}
