using Microsoft.Extensions.Options;

namespace ReSciCredentials.Credentials;

/// <summary>
/// All imports together ask ReSci no more often than <see cref="ChecksOptions.PerMinute"/> allows, and scheduled checks wait meanwhile: a person is waiting too.
/// </summary>
internal sealed class ImportPace(IOptions<ChecksOptions> options, TimeProvider time)
{
    private readonly TimeSpan _apart = TimeSpan.FromMinutes(1) / options.Value.PerMinute;
    private readonly Lock _lock = new();
    private DateTimeOffset _next;

    /// <summary>Whether an import asks now, or is about to.</summary>
    public bool HasTheTurn
    {
        get
        {
            lock (_lock)
            {
                return time.GetUtcNow() < _next;
            }
        }
    }

    /// <summary>Waits until ReSci may be asked once.</summary>
    public Task TakeTurnAsync(CancellationToken cancellationToken)
    {
        TimeSpan wait;
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var turn = _next > now ? _next : now;
            (wait, _next) = (turn - now, turn + _apart);
        }

        return wait == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(wait, time, cancellationToken);
    }

    /// <summary>ReSci asked to be left alone for so long.</summary>
    public void Rest(TimeSpan pause)
    {
        lock (_lock)
        {
            var until = time.GetUtcNow() + pause;
            _next = until > _next ? until : _next;
        }
    }
}
