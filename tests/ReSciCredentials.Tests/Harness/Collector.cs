using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ReSciCredentials.Tests.Harness;

/// <summary>An OpenTelemetry collector that keeps what it is sent, as it was sent. Strings lie in it in clear.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Collector(WebApplication app) => _app = app;

    public string[] Settings => [$"--Telemetry:Endpoint={_app.Urls.First()}", "--Telemetry:Protocol=http/protobuf", "--Telemetry:MetricsEvery=00:00:01"];

    public ConcurrentQueue<(string Path, byte[] Body)> Received { get; } = [];

    public static async Task<Collector> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var collector = new Collector(app);
        app.Run(collector.TakeAsync);
        await app.StartAsync();
        return collector;
    }

    /// <summary>Whether something that was sent to <paramref name="path"/> holds the text.</summary>
    public bool Has(string path, string text) =>
        Received.Any(sent => sent.Path == path && sent.Body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0);

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        Received.Enqueue((context.Request.Path, body.ToArray()));
    }
}
