namespace ReSciCredentials.ReSci;

/// <summary>ReSci looks down.</summary>
/// <param name="Since">When the first of the calls without an answer was made.</param>
internal sealed record Outage(DateTimeOffset Since);

/// <summary>
/// Tells an outage from bad luck: several different keys in a row got no definite answer. The next definite answer, to whichever key, ends it.
/// Kept in memory alone: after a restart it is found out anew within a few calls.
/// </summary>
internal sealed partial class OutageWatch(TimeProvider time, ILogger<OutageWatch> logger)
{
    /// <summary>So many different keys in a row without an answer are an outage.</summary>
    public const int KeysUntilDown = 3;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _unanswered = new(StringComparer.Ordinal);
    private DateTimeOffset _since;
    private volatile Outage? _current;

    /// <summary>An outage began or ended. Raised on the thread that noted it: a listener must return at once.</summary>
    public event Action? Changed;

    /// <summary>Null while ReSci answers, as far as is known.</summary>
    public Outage? Current => _current;

    /// <summary>Takes note of what came of a call.</summary>
    /// <param name="fingerprint">Tells keys apart: two credentials with the same key are one.</param>
    public void Note(string fingerprint, VerdictOutcome outcome)
    {
        lock (_lock)
        {
            var before = _current;
            if (outcome is not VerdictOutcome.CannotTell)
            {
                _unanswered.Clear();
                _current = null;
            }
            else if (_current is null)
            {
                if (_unanswered.Count == 0)
                {
                    _since = time.GetUtcNow();
                }

                _unanswered.Add(fingerprint);
                if (_unanswered.Count >= KeysUntilDown)
                {
                    _current = new Outage(_since);
                }
            }

            if (before == _current)
            {
                return;
            }
        }

        if (_current is { } outage)
        {
            LogDown(outage.Since);
        }
        else
        {
            LogUp();
        }

        Changed?.Invoke();
    }

    [LoggerMessage(LogLevel.Warning, "ReSci looks down since {Since:u}: several keys in a row got no answer. Scheduled checks wait; no key changes its status")]
    private partial void LogDown(DateTimeOffset since);

    [LoggerMessage(LogLevel.Information, "ReSci answers again; scheduled checks go on")]
    private partial void LogUp();
}
