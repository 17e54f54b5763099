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

    /// <summary>
    /// Knows of each circuit connection while it is open. Takes none once the server stops: browsers come back at once, to a server that still listens,
    /// and what is connected then would hold up its end until the time limit.
    /// </summary>
    internal sealed class Registration
    {
        private readonly RequestDelegate _next;
        private readonly LiveConnections _live;
        private readonly CancellationToken _stopping;

        public Registration(RequestDelegate next, LiveConnections live, IHostApplicationLifetime lifetime)
        {
            (_next, _live, _stopping) = (next, live, lifetime.ApplicationStopping);
            _stopping.Register(live.EndAll);
        }

        public async Task InvokeAsync(HttpContext context)
        {
            if (!context.Request.Path.StartsWithSegments("/_blazor", StringComparison.OrdinalIgnoreCase)
                || SessionClaims.SessionOf(context.User) is not { } session)
            {
                await _next(context);
                return;
            }

            _live._connections[context] = session;
            try
            {
                // After it is known: whichever comes second, this or EndAll, meets it.
                if (_stopping.IsCancellationRequested)
                {
                    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                    return;
                }

                await _next(context);
            }
            finally
            {
                _live._connections.TryRemove(context, out _);
            }
        }
    }
}
