namespace ReSciCredentials.Tests.Harness;

/// <summary>
/// A clock that goes on only when a test turns it. However far it is turned, a timer rings once, as after a computer's sleep:
/// the server looks at some things every two seconds, which is 302,400 times in the week that a test skips.
/// </summary>
internal sealed class TurnedClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly HashSet<Alarm> _alarms = [];
    private DateTimeOffset _now = DateTimeOffset.UtcNow;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, () => callback(state));
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>Whether something is set to ring this often: a part of the server that is started in the background has come so far.</summary>
    public bool Rings(TimeSpan every)
    {
        lock (_lock)
        {
            return _alarms.Any(alarm => alarm.Period == every);
        }
    }

    /// <summary>Turns the clock on, and rings what has become due before this returns.</summary>
    public void Advance(TimeSpan by)
    {
        Alarm[] due;
        lock (_lock)
        {
            _now += by;
            due = [.. _alarms.Where(alarm => alarm.Due <= _now)];
            foreach (var alarm in due)
            {
                alarm.Due = alarm.Period == Timeout.InfiniteTimeSpan ? null : _now + alarm.Period;
            }
        }

        foreach (var alarm in due)
        {
            alarm.Ring();
        }
    }

    private sealed class Alarm(TurnedClock clock, Action ring) : ITimer
    {
        /// <summary>Null: it does not ring any more.</summary>
        public DateTimeOffset? Due { get; set; }

        public TimeSpan Period { get; private set; }

        public void Ring() => ring();

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                Period = period == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : period;
                Due = dueTime == Timeout.InfiniteTimeSpan ? null : clock._now + dueTime;
                clock._alarms.Add(this);
            }

            if (dueTime == TimeSpan.Zero)
            {
                clock.Advance(TimeSpan.Zero);
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                clock._alarms.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
