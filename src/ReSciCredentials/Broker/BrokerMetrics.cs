using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;

namespace ReSciCredentials.Broker;

/// <summary>What can be counted from outside. No label names a token, a person or a key.</summary>
internal sealed class BrokerMetrics
{
    public const string MeterName = "ReSciCredentials.Broker";

    private readonly Counter<long> _calls;
    private readonly Counter<long> _refusals;
    private readonly Counter<long> _lostRecords;
    private readonly UpDownCounter<long> _inFlight;
    private readonly Histogram<double> _timeAdded;
    private readonly Histogram<double> _duration;

    [SuppressMessage("Reliability", "CA2000", Justification = "The factory owns the meter.")]
    public BrokerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _calls = meter.CreateCounter<long>("broker.calls", "{call}", "Calls that went to ReSci, by endpoint and status");
        _refusals = meter.CreateCounter<long>("broker.errors", "{call}", "Answers of our own, by the code of X-Broker-Error");
        _lostRecords = meter.CreateCounter<long>("broker.lost_records", "{record}", "Records of calls that could not be kept");
        _inFlight = meter.CreateUpDownCounter<long>("broker.in_flight", "{call}", "Calls under way");
        _timeAdded = meter.CreateHistogram<double>("broker.time_added", "s", "From a call's arrival until it is on its way to ReSci");
        _duration = meter.CreateHistogram<double>("broker.duration", "s", "From a call's arrival to the last byte of its answer");
    }

    public void Entered() => _inFlight.Add(1);

    public void Left() => _inFlight.Add(-1);

    public void Refused(string code) => _refusals.Add(1, new KeyValuePair<string, object?>("code", code));

    public void LostRecord() => _lostRecords.Add(1);

    public void Sent(TimeSpan added) => _timeAdded.Record(added.TotalSeconds);

    public void Ended(string endpoint, int status, TimeSpan duration)
    {
        if (_calls.Enabled)
        {
            _calls.Add(1, new KeyValuePair<string, object?>("endpoint", endpoint), new KeyValuePair<string, object?>("status", status));
        }

        _duration.Record(duration.TotalSeconds);
    }
}
