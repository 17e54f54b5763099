using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using ReSciCredentials.Broker;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A key and a token that can be recognised went through the broker in every way that can go wrong, once for all tests that look.</summary>
public sealed class WhatIsDoneThroughTheBroker : IAsyncLifetime
{
    private readonly ActivityListener _activities;
    private readonly MeterListener _meters = new();

    public WhatIsDoneThroughTheBroker()
    {
        _activities = new ActivityListener
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => Seen.Enqueue(
                $"{activity.DisplayName} {string.Join(' ', activity.TagObjects)} {string.Join(' ', activity.Baggage)} "
                + string.Join(' ', activity.Events.SelectMany(happened => happened.Tags))),
        };
        ActivitySource.AddActivityListener(_activities);
        _meters.InstrumentPublished = (instrument, listener) => listener.EnableMeasurementEvents(instrument);
        _meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        _meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        _meters.Start();
    }

    internal PlantedKey Key { get; } = new("planted");

    /// <summary>Answers, broken connections, activities and measurements, each as text.</summary>
    internal ConcurrentQueue<string> Seen { get; } = [];

    internal BrokerHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await BrokerHost.StartAsync(Key.Text, settings: [.. TestServer.LogsEverything, "--Broker:ReadTimeout=00:00:01", "--Broker:WriteTimeout=00:00:02"]);
        foreach (var answer in Answers())
        {
            Host.Upstream.Answer = answer;
            await CallAsync(() => Host.ReadAsync(target: $"{BrokerHost.Jobs}?q={Uri.EscapeDataString("a secret of the query")}"));
            await CallAsync(() => Host.WriteAsync());
        }

        await CallAsync(() => Host.ReadAsync(Key.Text));
        await CallAsync(() => Host.WriteAsync(Host.ReadToken));
        await Host.Server.Service<Usage>().FlushAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        _activities.Dispose();
        _meters.Dispose();
    }

    private IEnumerable<RequestDelegate> Answers()
    {
        yield return context => context.Response.WriteAsync("{}");
        yield return context => context.Response.WriteAsync($$"""{"you_sent":"{{Key.Text}}"}""");
        yield return context => Head(context, 200, "ETag", $"\"{Key.Text}\"");
        yield return context => Head(context, 200, "X-Echo", Key.Text);
        yield return context => Head(context, 302, "Location", $"/?key={Uri.EscapeDataString(Key.Text)}");
        yield return context => Head(context, 401, "WWW-Authenticate", Key.Text);
        yield return context => Head(context, 200, "Content-Encoding", Key.Text);
        yield return context => Head(context, 200, "Content-Type", $"text/plain; charset={Key.Text}");
        yield return context => Head(context, 200, "X-Large", new string('x', 40_000) + Key.Text);
        yield return context =>
        {
            context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpResponseFeature>()!.ReasonPhrase = Key.Text;
            return Task.CompletedTask;
        };
        yield return async context =>
        {
            await context.Response.WriteAsync(new string('x', 100_000) + Key.Text);
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
            Seen.Enqueue($"{answer.Status} {answer.Body} {string.Join(' ', answer.Headers)}");
        }
        catch (HttpRequestException exception)
        {
            // Broken off.
            Seen.Enqueue(exception.ToString());
        }
    }

    private void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) => Seen.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray())}");

    internal bool HoldsToken(string text) =>
        text.Contains(Host.ReadToken, StringComparison.OrdinalIgnoreCase) || text.Contains(Host.WriteToken, StringComparison.OrdinalIgnoreCase);
}
