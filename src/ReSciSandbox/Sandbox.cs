using System.Net;

namespace ReSciSandbox;

/// <summary>A stand-in for ReSci's v3 API on 127.0.0.1, for demonstrations and tests.</summary>
public static class Sandbox
{
    /// <summary>
    /// Starts it as a second host in the caller's process: it writes nothing to the console and leaves Ctrl+C to the caller.
    /// </summary>
    /// <param name="port">0 for any free port.</param>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<RunningSandbox> StartAsync(int port = 0, CancellationToken cancellationToken = default)
    {
        var traffic = new SandboxTraffic();
        var builder = CreateBuilder(port);
        builder.Services.AddSingleton<IHostLifetime, LivesAsLongAsItsCaller>();
        var app = Build(builder, traffic);
        try
        {
            await app.StartAsync(cancellationToken);
            return new RunningSandbox(app, traffic);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs it as a program of its own, until Ctrl+C or SIGTERM.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    internal static async Task RunAsync(int port, Action<Uri> started)
    {
        await using var app = Build(CreateBuilder(port), new SandboxTraffic());
        await app.StartAsync();
        started(AddressOf(app));
        await app.WaitForShutdownAsync();
    }

    internal static Uri AddressOf(WebApplication app) => new(app.Urls.First());

    // Empty, so that neither configuration nor environment of the application around it reaches the sandbox.
    private static WebApplicationBuilder CreateBuilder(int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = nameof(ReSciSandbox) });
        builder.Services.AddRouting();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, port);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            // Who is slow is for the client under test to decide.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
        });
        return builder;
    }

    private static WebApplication Build(WebApplicationBuilder builder, SandboxTraffic traffic)
    {
        var app = builder.Build();
        app.Use(traffic.HandleAsync);
        app.Use(Behaviour.CheckKeyAsync);
        // What routing refuses by itself, an unknown path or method, has no body.
        app.UseStatusCodePages(page =>
            Behaviour.AnswerAsync(page.HttpContext, page.HttpContext.Response.StatusCode, "There is no such endpoint."));
        app.UseRouting();
        new ImportJobs(TimeProvider.System).Map(app);
        return app;
    }

    /// <summary>In place of the host's default, which would stop the sandbox, and swallow the signal, at Ctrl+C.</summary>
    private sealed class LivesAsLongAsItsCaller : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>A sandbox that runs until it is disposed.</summary>
public sealed class RunningSandbox : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly SandboxTraffic _traffic;

    internal RunningSandbox(WebApplication app, SandboxTraffic traffic)
    {
        (_app, _traffic) = (app, traffic);
        Address = Sandbox.AddressOf(app);
    }

    public Uri Address { get; }

    /// <summary>The newest 1000 requests, oldest first.</summary>
    public IReadOnlyList<ReceivedRequest> Received => _traffic.Received;

    /// <summary>Turns “ReSci” bad and back for all requests that arrive from now on.</summary>
    public SandboxMode Mode
    {
        get => _traffic.Mode;
        set => _traffic.Mode = value;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
