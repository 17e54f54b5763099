using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// The broker with everything switched on beside a bare YARP forwarder, nginx and haproxy that set a fixed key: small answers with 1, 16 and 64 connections,
/// in rounds that take turns, and an upload of 1 GB. Each proxy is a process of its own on one and the same core. The figures to compare are the ratios:
/// what else the machine does meanwhile touches all of them.
/// </summary>
internal static class BrokerSpeed
{
    private const int Rounds = 5;

    /// <summary>Until the compiler of .NET has made all of a path anew that is taken often: before that, a good half of the time goes there.</summary>
    private const int WarmUpSeconds = 15;

    private const int RoundSeconds = 2;
    private const long UploadLength = 1L << 30;

    private static readonly int[] Connections = [1, 16, 64];

    /// <summary>Returns 0; the figures are for a person.</summary>
    public static async Task<int> RunAsync()
    {
        if (Proxies.Missing() is { } missing)
        {
            Console.WriteLine(missing);
            return 2;
        }

        using var proxies = new Proxies();
        await proxies.FillAsync();
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await AnswersAsync(proxies, client);
        await UploadsAsync(proxies, client);
        return 0;
    }

    /// <summary>The role <see cref="Proxies.Sink"/>.</summary>
    public static Task SinkAsync(string address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        app.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("{}");
        });
        return app.RunAsync();
    }

    private static async Task AnswersAsync(Proxies proxies, HttpClient client)
    {
        using var direct = proxies.StartUpstream();
        await direct.ReadyAsync(client, proxies.ReadToken);
        using var bare = proxies.StartBare(direct);
        using var broker = proxies.StartBroker(direct);
        using var nginx = proxies.StartNginx(direct);
        using var haproxy = proxies.StartHaproxy(direct);
        ProxyProcess[] all = [bare, broker, nginx, haproxy, direct];
        foreach (var proxy in all)
        {
            await proxy.ReadyAsync(client, proxies.ReadToken);
        }

        Console.WriteLine("A 2 KB answer. Medians of rounds that take turns; in parentheses the ratio to the bare forwarder.");
        Console.WriteLine($"{"",-16}{"requests/s",20}{"p50, µs",18}{"p99, µs",18}{"CPU s/1,000",20}");
        foreach (var connections in Connections)
        {
            foreach (var proxy in all)
            {
                await Wrk.RunAsync(proxy, proxies.ReadToken, connections, WarmUpSeconds);
            }

            var rounds = all.ToDictionary(proxy => proxy, _ => new List<WrkRound>());
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var proxy in all)
                {
                    rounds[proxy].Add(await Wrk.RunAsync(proxy, proxies.ReadToken, connections, RoundSeconds));
                }
            }

            Console.WriteLine($"{connections} connection{(connections == 1 ? "" : "s")}");
            foreach (var proxy in all)
            {
                Console.WriteLine($"  {proxy.Name,-14}" + string.Concat(
                    Column(round => round.PerSecond, "F0", 20),
                    Column(round => round.P50, "F0", 18),
                    Column(round => round.P99, "F0", 18),
                    Column(round => round.CpuPerThousand, "F4", 20)));

                string Column(Func<WrkRound, double> figure, string format, int width)
                {
                    var (its, bares) = (Median(rounds[proxy].Select(figure)), Median(rounds[bare].Select(figure)));
                    return string.Create(CultureInfo.InvariantCulture, $"{its.ToString(format, CultureInfo.InvariantCulture)} ({its / bares:F2})").PadLeft(width);
                }
            }
        }
    }

    private static async Task UploadsAsync(Proxies proxies, HttpClient client)
    {
        using var direct = proxies.StartSink();
        await direct.ReadyAsync(client, proxies.ReadToken);
        using var bare = proxies.StartBare(direct);
        using var broker = proxies.StartBroker(direct);
        using var nginx = proxies.StartNginx(direct);
        using var haproxy = proxies.StartHaproxy(direct);
        Console.WriteLine("An upload of 1 GB");
        Console.WriteLine($"{"",-16}{"seconds",20}{"CPU s",18}{"memory grew by, MB",20}");
        var (bareSeconds, bareCpu) = (0.0, 0.0);
        foreach (var proxy in new[] { bare, broker, nginx, haproxy, direct })
        {
            await proxy.ReadyAsync(client, proxies.ReadToken);
            await Upload.SendAsync(client, proxy.Address, proxies.WriteToken, UploadLength / 16);
            var (memory, cpu) = (proxy.Memory, proxy.Cpu);
            proxy.ForgetPeak();
            var started = Stopwatch.GetTimestamp();
            await Upload.SendAsync(client, proxy.Address, proxies.WriteToken, UploadLength);
            var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            cpu = proxy.Cpu - cpu;
            (bareSeconds, bareCpu) = proxy == bare ? (seconds, cpu) : (bareSeconds, bareCpu);
            Console.WriteLine($"  {proxy.Name,-14}"
                + string.Create(CultureInfo.InvariantCulture, $"{seconds:F2} ({seconds / bareSeconds:F2})").PadLeft(20)
                + string.Create(CultureInfo.InvariantCulture, $"{cpu:F2} ({cpu / bareCpu:F2})").PadLeft(18)
                + string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, proxy.PeakMemory - memory) / 1e6:F0}").PadLeft(20));
        }
    }

    private static double Median(IEnumerable<double> figures)
    {
        var sorted = figures.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}

/// <summary>A body of any length that takes no memory.</summary>
internal sealed class Upload(long length) : HttpContent
{
    private static readonly byte[] Piece = new byte[64 * 1024];

    public static async Task SendAsync(HttpClient client, Uri address, string token, long length)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new Upload(length) };
        request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/octet-stream");
        using var answer = await client.SendAsync(request);
        answer.EnsureSuccessStatusCode();
    }

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        for (var left = length; left > 0; left -= Piece.Length)
        {
            await stream.WriteAsync(Piece.AsMemory(0, (int)Math.Min(left, Piece.Length)));
        }
    }

    protected override bool TryComputeLength(out long computed)
    {
        computed = length;
        return true;
    }
}
