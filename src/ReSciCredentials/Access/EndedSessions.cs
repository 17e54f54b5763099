using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Access;

/// <summary>
/// Cuts the circuits of sessions that ended elsewhere: by the command line, or by a limit. Those that end in this process are cut at once.
/// Cuts all of them when the server is sealed. Removes the rows of sessions that ended long ago.
/// </summary>
internal sealed partial class EndedSessions(Sessions sessions, LiveConnections live, ServerSeal seal, TimeProvider time, ILogger<EndedSessions> logger)
    : BackgroundService
{
    /// <summary>Half of the 10 s within which a circuit must end.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RemovalInterval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        seal.Sealed += live.EndAll;
        DateTimeOffset? removedAt = null;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (live.Sessions is { Count: > 0 } connected)
                {
                    live.End(await sessions.EndedAmongAsync(connected, stoppingToken));
                }

                if (seal.Reason is null && (removedAt is null || time.GetUtcNow() - removedAt >= RemovalInterval))
                {
                    removedAt = time.GetUtcNow();
                    await sessions.RemoveEndedAsync(stoppingToken);
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // The next round tries again; the other checks of a session go to the database themselves.
                LogCheckFailed(exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "Could not look for ended sessions")]
    private partial void LogCheckFailed(Exception exception);
}

/// <summary>Tells the components of a running circuit that its session has ended, whatever becomes of the connection.</summary>
internal sealed class SessionRevalidation(ILoggerFactory loggers, Sessions sessions)
    : RevalidatingServerAuthenticationStateProvider(loggers)
{
    protected override TimeSpan RevalidationInterval { get; } = TimeSpan.FromSeconds(10);

    protected override async Task<bool> ValidateAuthenticationStateAsync(
        AuthenticationState authenticationState, CancellationToken cancellationToken) =>
        SessionClaims.SessionOf(authenticationState.User) is { } session
        && (await sessions.EndedAmongAsync([session], cancellationToken)).Count == 0;
}
