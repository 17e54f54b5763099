namespace ReSciCredentials.Access;

/// <summary>
/// So many a minute, all at once if need be, without a lock and in eight bytes: it keeps the time at which everything taken so far would be
/// used up at an even pace.
/// </summary>
internal struct RateLimit
{
    private long _usedUpAt;

    /// <param name="now">In ticks.</param>
    /// <param name="wait">How long until the next one, when it is refused.</param>
    public bool TryTake(int perMinute, long now, out TimeSpan wait)
    {
        var interval = TimeSpan.TicksPerMinute / perMinute;
        while (true)
        {
            var before = Volatile.Read(ref _usedUpAt);
            var after = Math.Max(before, now) + interval;
            if (after - now > TimeSpan.TicksPerMinute)
            {
                wait = TimeSpan.FromTicks(after - now - TimeSpan.TicksPerMinute);
                return false;
            }

            if (Interlocked.CompareExchange(ref _usedUpAt, after, before) == before)
            {
                wait = TimeSpan.Zero;
                return true;
            }
        }
    }

    /// <summary>Whether <see cref="TryTake"/> would succeed.</summary>
    public readonly bool CanTake(int perMinute, long now) =>
        Math.Max(_usedUpAt, now) + (TimeSpan.TicksPerMinute / perMinute) - now <= TimeSpan.TicksPerMinute;

    /// <summary>Whether nothing of the last minute counts any more.</summary>
    public readonly bool IsIdle(long now) => _usedUpAt <= now;
}
