using System.Collections.Concurrent;

namespace ReSciCredentials.Access;

/// <summary>The connections of running circuits, by sign-in session, so that they end with it.</summary>
internal sealed class LiveConnections
{
    private readonly ConcurrentDictionary<HttpContext, Guid> _connections = new();

    /// <summary>The sessions that have at least one connection now.</summary>
    public IReadOnlyCollection<Guid> Sessions => [.. _connections.Values.Distinct()];

    /// <summary>Cuts the connections of these sessions. The circuits cannot come back: the cookie is not accepted any more.</summary>
    public void End(IReadOnlyCollection<Guid> sessions)
    {
        foreach (var (connection, session) in _connections)
        {
            if (sessions.Contains(session))
            {
                connection.Abort();
            }
        }
    }

    /// <summary>Cuts every connection: the server is sealed, and what circuits show or offer would fail.</summary>
    public void EndAll()
    {
        foreach (var connection in _connections.Keys)
        {
            connection.Abort();
        }
    }

    /// <summary>Knows of each circuit connection while it is open.</summary>
    internal sealed class Registration(RequestDelegate next, LiveConnections live)
    {
        public async Task InvokeAsync(HttpContext context)
        {
            if (!context.Request.Path.StartsWithSegments("/_blazor", StringComparison.OrdinalIgnoreCase)
                || SessionClaims.SessionOf(context.User) is not { } session)
            {
                await next(context);
                return;
            }

            live._connections[context] = session;
            try
            {
                await next(context);
            }
            finally
            {
                live._connections.TryRemove(context, out _);
            }
        }
    }
}
