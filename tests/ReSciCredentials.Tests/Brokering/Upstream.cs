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
    private readonly Connections _connections;
    private readonly ConcurrentQueue<Arrived> _arrived = new();
    private int _underWay;

    private Upstream(WebApplication app, Connections connections) => (_app, _connections) = (app, connections);

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single());

    public IReadOnlyCollection<Arrived> Arrived => _arrived;

    /// <summary>What is answered once the request was read and noted.</summary>
    public RequestDelegate Answer { get; set; } = context => context.Response.WriteAsync("{}");

    /// <summary>What happens before the request is read; to hold it up.</summary>
    public Func<HttpContext, Task> Before { get; set; } = _ => Task.CompletedTask;

    public int OpenConnections => _connections.Count;

    /// <summary>Requests that are there and not answered.</summary>
    public int UnderWay => Volatile.Read(ref _underWay);

    public void Clear() => _arrived.Clear();

    public static async Task<Upstream> StartAsync()
    {
        var connections = new Connections();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(next => connection => connections.CountAsync(() => next(connection))));
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.AllowResponseHeaderCompression = false;
        });
        var app = builder.Build();
        var upstream = new Upstream(app, connections);
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
        Interlocked.Increment(ref _underWay);
        try
        {
            await AnswerAsync(context);
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private async Task AnswerAsync(HttpContext context)
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

    private sealed class Connections
    {
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public async Task CountAsync(Func<Task> connection)
        {
            Interlocked.Increment(ref _count);
            try
            {
                await connection();
            }
            finally
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
