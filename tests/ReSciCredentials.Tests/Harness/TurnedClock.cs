using System.Diagnostics;

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
        var alarm = new Alarm(this, () => callback(state), period == Timeout.InfiniteTimeSpan ? null : Setter());
        alarm.Change(dueTime, period);
        return alarm;
    }

    /// <summary>Waits until this part of the server, which is started in the background, has set itself a timer that rings again and again.</summary>
    public Task RingsForAsync<T>() => Until.TrueAsync(
        () =>
        {
            lock (_lock)
            {
                return Task.FromResult(_alarms.Any(alarm => alarm.SetBy == typeof(T)));
            }
        },
        TimeSpan.FromMinutes(1));

    /// <summary>Turns the clock on, and rings what has become due before this returns.</summary>
    public void Advance(TimeSpan by) => Advance(by, cutsCallsOff: true);

    /// <summary>
    /// As <see cref="Advance(TimeSpan)"/>, unless somebody's time would then be up: a call that waits for its answer may take as long as this machine needs.
    /// For a test that turns the clock again and again until something has happened.
    /// </summary>
    public void AdvanceBetweenCalls(TimeSpan by) => Advance(by, cutsCallsOff: false);

    private void Advance(TimeSpan by, bool cutsCallsOff)
    {
        Alarm[] due;
        lock (_lock)
        {
            if (!cutsCallsOff && _alarms.Any(alarm => alarm.Period == Timeout.InfiniteTimeSpan && alarm.Due <= _now + by))
            {
                return;
            }

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

    // Many look as often as each other, so how often an alarm rings does not tell whose it is.
    private static Type? Setter() => new StackTrace().GetFrames()
        .Select(frame => frame.GetMethod()?.DeclaringType)
        .Select(type => type?.DeclaringType ?? type)
        .FirstOrDefault(type => type?.Assembly == typeof(Program).Assembly);

    private sealed class Alarm(TurnedClock clock, Action ring, Type? setBy) : ITimer
    {
        /// <summary>The class that set it, when it rings again and again.</summary>
        public Type? SetBy { get; } = setBy;

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
