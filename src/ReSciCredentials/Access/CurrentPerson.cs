using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;

namespace ReSciCredentials.Access;

/// <summary>The session of the request or circuit has ended.</summary>
public sealed class SignedOutException : Exception
{
    public SignedOutException()
        : base("You are signed out.")
    {
    }

    public SignedOutException(string message)
        : base(message)
    {
    }

    public SignedOutException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>Who asks, in a request as in a circuit.</summary>
internal sealed class CurrentPerson(AuthenticationStateProvider circuit, NavigationManager navigation, Sessions sessions)
{
    private HttpContext? _request;
    private Person? _program;

    /// <summary>Looks the session up anew, since a circuit lives longer than a session may.</summary>
    /// <exception cref="SignedOutException">Nobody is signed in, or the session has ended.</exception>
    public async ValueTask<Person> GetAsync(CancellationToken cancellationToken)
    {
        if (_program is not null)
        {
            return _program;
        }

        var user = _request?.User ?? (await circuit.GetAuthenticationStateAsync()).User;
        return SessionClaims.SessionOf(user) is { } session
            && await sessions.FindAsync(session, SessionClaims.ClientOf(user), cancellationToken) is { } person
                ? person with { Path = _request?.Request.Path.Value ?? new Uri(navigation.Uri).AbsolutePath }
                : throw new SignedOutException();
    }

    /// <summary>Hands the user of a request in: components learn of it by themselves, endpoints do not. Circuits have a scope of their own.</summary>
    internal sealed class OfRequest(RequestDelegate next)
    {
        public async Task InvokeAsync(HttpContext context, CurrentPerson current)
        {
            current._request = context;
            // Looked up a moment ago, and a request of a program does not outlive a session.
            current._program = context.Features.Get<ApiCaller>() is { Person: var person } ? person with { Path = context.Request.Path.Value ?? "" } : null;
            try
            {
                await next(context);
            }
            catch (SignedOutException) when (!context.Response.HasStarted)
            {
                // The session ended between the check at the door and the action.
                context.Response.Clear();
                context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            }
        }
    }
}
