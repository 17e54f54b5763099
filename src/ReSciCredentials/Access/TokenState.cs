namespace ReSciCredentials.Access;

/// <summary>What counts for a token or a service key from call to call, whatever becomes of its entry in memory.</summary>
internal sealed class TokenState
{
    private int _inFlight;

    /// <summary>A field, because it changes in place.</summary>
    public RateLimit Rate;

    /// <summary>One alarm now and then is enough.</summary>
    public RateLimit Alarms;

    public bool TryEnter(int most)
    {
        if (Interlocked.Increment(ref _inFlight) <= most)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _inFlight);
}
