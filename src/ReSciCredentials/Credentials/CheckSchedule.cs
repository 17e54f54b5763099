using Microsoft.Extensions.Options;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Asks ReSci about stored keys by itself: one at a time by a steady beat, so that a hundred thousand of them due at once are no burst.
/// While ReSci looks down only a canary is sent now and then; what is due waits.
/// </summary>
internal sealed partial class CheckSchedule(
    IServiceProvider services, OutageWatch outage, ImportPace imports, ServerSeal seal, IOptions<ChecksOptions> options, TimeProvider time, ILogger<CheckSchedule> logger)
    : BackgroundService
{
    private const int Batch = 50;

    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstCanaryAfter = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestCanaryPause = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromMinutes(1);

    private readonly List<(int Id, Task Check)> _running = [];
    private readonly Queue<int> _due = [];

    // Checks that end move what follows, on threads of their own.
    private readonly Lock _lock = new();
    private DateTimeOffset _restingUntil;
    private DateTimeOffset _canaryAt;
    private TimeSpan _canaryPause;
    private Outage? _outage;

    // A transient, because of its HttpClient.
    private CredentialChecks Checks => services.GetRequiredService<CredentialChecks>();

    /// <summary>Takes the credential that is to be checked now, if there is one and ReSci may be asked. Called once a beat, by one caller.</summary>
    public async Task<int?> TakeNextAsync(CancellationToken cancellationToken)
    {
        if (seal.Reason is not null || !MayAsk(out var asCanary))
        {
            return null;
        }

        if (asCanary)
        {
            // What was taken before may be due no more, and what is due is not asked about now.
            _due.Clear();
            return await Checks.TakeCanaryAsync(cancellationToken);
        }

        if (_due.Count == 0)
        {
            foreach (var id in await Checks.ListDueAsync(Batch, cancellationToken))
            {
                if (!_running.Exists(running => running.Id == id))
                {
                    _due.Enqueue(id);
                }
            }
        }

        if (_due.TryDequeue(out var next))
        {
            return next;
        }

        Rest(IdleTime);
        return null;
    }

    /// <summary>Checks one credential. Whatever goes wrong ends here; what is still due then comes again after a pause.</summary>
    public async Task CheckAsync(int id, CancellationToken cancellationToken)
    {
        try
        {
            if (await Checks.CheckDueAsync(id, cancellationToken) is { RetryAfter: { } wait })
            {
                DelayCanary(wait);
            }
        }
        catch (Exception exception) when (exception is ServerSealedException or WritesRefusedException)
        {
            // Sealed amid the check: it comes again when the server is open.
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogCheckFailed(exception, id);
            // Its verdict is not kept, so it is still due: without a pause ReSci would be asked again and again.
            Rest(PauseAfterFailure);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Enabled)
        {
            return;
        }

        using var beat = new PeriodicTimer(TimeSpan.FromMinutes(1) / options.Value.PerMinute, time);
        try
        {
            while (await beat.WaitForNextTickAsync(stoppingToken))
            {
                await BeginNextAsync(stoppingToken);
            }
        }
        finally
        {
            // They end at once: what they wait for was cancelled.
            await Task.WhenAll(_running.Select(running => running.Check)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task BeginNextAsync(CancellationToken stoppingToken)
    {
        _running.RemoveAll(running => running.Check.IsCompleted);
        if (_running.Count >= options.Value.AtOnce || imports.HasTheTurn)
        {
            return;
        }

        try
        {
            if (await TakeNextAsync(stoppingToken) is { } id)
            {
                _running.Add((id, CheckAsync(id, stoppingToken)));
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogRoundFailed(exception);
            Rest(PauseAfterFailure);
        }
    }

    /// <param name="asCanary">ReSci looks down: one call to find out whether it still is.</param>
    private bool MayAsk(out bool asCanary)
    {
        var now = time.GetUtcNow();
        var current = outage.Current;
        lock (_lock)
        {
            if (current != _outage)
            {
                (_outage, _canaryPause, _canaryAt) = (current, FirstCanaryAfter, now + FirstCanaryAfter);
            }

            asCanary = current is not null;
            if (now < _restingUntil || (asCanary && now < _canaryAt))
            {
                return false;
            }

            if (asCanary)
            {
                _canaryPause = _canaryPause * 2 < LongestCanaryPause ? _canaryPause * 2 : LongestCanaryPause;
                _canaryAt = now + _canaryPause;
            }

            return true;
        }
    }

    // Without effect unless ReSci looks down: an outage that begins sets the time of its first canary.
    private void DelayCanary(TimeSpan wait)
    {
        var asked = time.GetUtcNow() + wait;
        lock (_lock)
        {
            _canaryAt = asked > _canaryAt ? asked : _canaryAt;
        }
    }

    private void Rest(TimeSpan pause)
    {
        lock (_lock)
        {
            _restingUntil = time.GetUtcNow() + pause;
        }
    }

    [LoggerMessage(LogLevel.Error, "Checking credential {Id} failed; it is checked again later")]
    private partial void LogCheckFailed(Exception exception, int id);

    [LoggerMessage(LogLevel.Error, "Looking for credentials to check failed; it is tried again")]
    private partial void LogRoundFailed(Exception exception);
}
