using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ReSciCredentials.Tests.Harness;

/// <summary>A program of somebody else that takes webhooks, on a real port.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    public const string Secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    private readonly WebApplication _app;

    private WebhookReceiver(WebApplication app) => _app = app;

    public Uri Address => new(new Uri(_app.Urls.First()), "/hook");

    public ConcurrentQueue<ReceivedWebhook> Received { get; } = [];

    /// <summary>What it answers.</summary>
    public HttpStatusCode Answer { get; set; } = HttpStatusCode.NoContent;

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var receiver = new WebhookReceiver(app);
        app.Run(receiver.TakeAsync);
        await app.StartAsync();
        return receiver;
    }

    /// <summary>Settings that point a server here, with the secret in a file beside its directories.</summary>
    public async Task<string[]> SettingsAsync(TestDirectory directory)
    {
        var file = Path.Combine(directory.Path, "webhook.secret");
        await File.WriteAllTextAsync(file, Secret + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return
        [
            $"--Announcements:Webhook:Address={Address}",
            $"--Announcements:Webhook:SecretFile={file}",
            "--Announcements:Webhook:AllowInsecureLoopback=true",
        ];
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Received.Enqueue(new ReceivedWebhook(context.Request.Path, headers, body.ToArray()));
        context.Response.StatusCode = (int)Answer;
        context.Response.Headers.Location = "/elsewhere";
    }
}

internal sealed record ReceivedWebhook(string Path, Dictionary<string, string> Headers, byte[] Body);
