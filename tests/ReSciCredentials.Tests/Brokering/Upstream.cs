using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A request as it arrived at “ReSci”.</summary>
/// <param name="Headers">All of them, by name.</param>
internal sealed record Arrived(string Method, string Target, IReadOnlyDictionary<string, string> Headers, long Length, string Hash);

/// <summary>In place of ReSci: notes every request to the last header, and answers what the test says.</summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Arrived> _arrived = new();

    private Upstream(WebApplication app) => _app = app;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());

    public IReadOnlyCollection<Arrived> Arrived => _arrived;

    /// <summary>What is answered once the request was read and noted.</summary>
    public RequestDelegate Answer { get; set; } = context => context.Response.WriteAsync("{}");

    /// <summary>What happens before the request is read; to hold it up.</summary>
    public Func<HttpContext, Task> Before { get; set; } = _ => Task.CompletedTask;

    public void Clear() => _arrived.Clear();

    public static async Task<Upstream> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.AllowResponseHeaderCompression = false;
        });
        var app = builder.Build();
        var upstream = new Upstream(app);
        app.Run(upstream.HandleAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return upstream;
    }

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }

    private async Task HandleAsync(HttpContext context)
    {
        await Before(context);
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        var buffer = new byte[64 * 1024];
        long length = 0;
        while (await context.Request.Body.ReadAsync(buffer) is var read and > 0)
        {
            hash.AppendData(buffer, 0, read);
            length += read;
        }

        _arrived.Enqueue(new Arrived(
            context.Request.Method,
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            length,
            Convert.ToHexString(hash.GetHashAndReset())));
        await Answer(context);
    }
}
