using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using ReSciCredentials.Broker;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A key and a token that can be recognised go through the broker in every way that can go wrong, and all that it keeps, says, logs and measures is looked through.</summary>
public sealed class APlantedKeyThroughTheBroker : IAsyncLifetime
{
    private readonly PlantedKey _key = new("planted");
    private readonly ConcurrentQueue<string> _seen = [];
    private readonly ActivityListener _activities;
    private readonly MeterListener _meters = new();
    private BrokerHost _host = null!;

    public APlantedKeyThroughTheBroker()
    {
        _activities = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => _seen.Enqueue(
                $"{activity.DisplayName} {string.Join(' ', activity.TagObjects)} {string.Join(' ', activity.Baggage)} "
                + string.Join(' ', activity.Events.SelectMany(happened => happened.Tags))),
        };
        ActivitySource.AddActivityListener(_activities);
        _meters.InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument);
        _meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        _meters.Start();
    }

    public async ValueTask InitializeAsync()
    {
        _host = await BrokerHost.StartAsync(_key.Text, settings: [.. TestServer.LogsEverything, "--Broker:ReadTimeout=00:00:01", "--Broker:WriteTimeout=00:00:02"]);
        foreach (var answer in Answers())
        {
            _host.Upstream.Answer = answer;
            await CallAsync(() => _host.ReadAsync(target: $"{BrokerHost.Jobs}?q={Uri.EscapeDataString("a secret of the query")}"));
            await CallAsync(() => _host.WriteAsync());
        }

        await CallAsync(() => _host.ReadAsync(_key.Text));
        await CallAsync(() => _host.WriteAsync(_host.ReadToken));
        await _host.Server.Service<Usage>().FlushAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _activities.Dispose();
        _meters.Dispose();
    }

    [Fact]
    public void Reaches_ReSci() => Assert.Contains(_host.Upstream.Arrived, request => request.Headers["Authorization"] == $"ApiKey {_key.Text}");

    [Fact]
    public void Is_in_no_answer_activity_or_measurement()
    {
        Assert.Contains(_seen, text => text.StartsWith("broker.errors", StringComparison.Ordinal));
        Assert.DoesNotContain(_seen, text => _key.IsIn(text));
        Assert.DoesNotContain(_seen, HoldsToken);
        Assert.DoesNotContain(_host.Upstream.Arrived, request => request.Headers.Values.Append(request.Target).Any(HoldsToken));
    }

    [Fact]
    public void Is_in_no_log_record_at_the_level_Trace_and_neither_is_the_query()
    {
        var records = _host.Server.Logs.GetSnapshot().Select(record => string.Create(
            CultureInfo.InvariantCulture, $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}")).ToArray();

        Assert.NotEmpty(records);
        Assert.DoesNotContain(records, record => _key.IsIn(record) || HoldsToken(record) || record.Contains("secret%20of", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Is_in_no_file()
    {
        foreach (var file in Directory.GetFiles(_host.Server.Directory.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) != ".lock"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);

            Assert.False(_key.IsIn(bytes.ToArray()), file);
            Assert.True(bytes.ToArray().AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(_host.ReadToken)) < 0, file);
        }
    }

    private IEnumerable<RequestDelegate> Answers()
    {
        yield return context => context.Response.WriteAsync("{}");
        yield return context => context.Response.WriteAsync($$"""{"you_sent":"{{_key.Text}}"}""");
        yield return context => Head(context, 200, "ETag", $"\"{_key.Text}\"");
        yield return context => Head(context, 200, "X-Echo", _key.Text);
        yield return context => Head(context, 302, "Location", $"/?key={Uri.EscapeDataString(_key.Text)}");
        yield return context => Head(context, 401, "WWW-Authenticate", _key.Text);
        yield return context => Head(context, 200, "Content-Encoding", _key.Text);
        yield return context => Head(context, 200, "Content-Type", $"text/plain; charset={_key.Text}");
        yield return context => Head(context, 200, "X-Large", new string('x', 40_000) + _key.Text);
        yield return context =>
        {
            context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseFeature>()!.ReasonPhrase = _key.Text;
            return Task.CompletedTask;
        };
        yield return async context =>
        {
            await context.Response.WriteAsync(new string('x', 100_000) + _key.Text);
            context.Abort();
        };
        yield return context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);

        static Task Head(HttpContext context, int status, string name, string value)
        {
            context.Response.StatusCode = status;
            context.Response.Headers[name] = value;
            return Task.CompletedTask;
        }
    }

    private async Task CallAsync(Func<Task<Answered>> call)
    {
        try
        {
            var answer = await call();
            _seen.Enqueue($"{answer.Status} {answer.Body} {string.Join(' ', answer.Headers)}");
        }
        catch (HttpRequestException exception)
        {
            // Broken off.
            _seen.Enqueue(exception.ToString());
        }
    }

    private void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) => _seen.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray())}");

    private bool HoldsToken(string text) =>
        text.Contains(_host.ReadToken, StringComparison.OrdinalIgnoreCase) || text.Contains(_host.WriteToken, StringComparison.OrdinalIgnoreCase);
}
