using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// Ten thousand calls that go wrong: reset, hanging until the client gives up, refused, with a head that is too large, cut off in the middle. How long calls with another token take
/// meanwhile, beside as many calls that go well in rounds that take turns; what is left of memory and connections afterwards; and how memory grows with an upload of 2 GB.
/// </summary>
internal static class BrokerFaults
{
    /// <summary>The role in which this program answers as it is asked to in the query.</summary>
    public const string Upstream = "faulty-upstream";

    private const int Faults = 10_000;
    private const int AtOnce = 32;
    private const int Rounds = 5;
    private const double MostOfP99 = 1.5;
    private const long UploadLength = 2L << 30;
    private const double MostGrowth = 32e6;

    private static readonly string[] Kinds = ["reset", "hang", "error", "head", "cut"];

    private static readonly string[] Well = [""];

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    /// <summary>From one call to the next: as fast as it goes would fill the core, and then everybody waits for the core.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(3);

    /// <summary>Returns 0 when nothing is left behind, other tokens are not hurt, and memory grew by no more than 32 MB.</summary>
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
        return await FaultsAsync(proxies, client) & await UploadAsync(proxies, client) ? 0 : 1;
    }

    /// <summary>Runs until the process is ended.</summary>
    public static Task UpstreamAsync(string address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address);
        var app = builder.Build();
        app.Run(async context =>
        {
            switch (context.Request.Query["fault"].ToString())
            {
                case "reset":
                    context.Abort();
                    return;
                case "hang":
                    await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                    return;
                case "error":
                    context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                    break;
                case "head":
                    context.Response.Headers["X-Large"] = new string('x', 40_000);
                    break;
                case "cut":
                    await context.Response.WriteAsync(new string('x', 100_000));
                    context.Abort();
                    return;
            }

            await context.Response.WriteAsync("{}");
        });
        return app.RunAsync();
    }

    private static async Task<bool> FaultsAsync(Proxies proxies, HttpClient client)
    {
        using var upstream = proxies.StartFaulty();
        using var broker = proxies.StartBroker(upstream);
        await broker.ReadyAsync(client, proxies.ReadToken);
        await RunAsync(broker, client, proxies.ReadToken, Faults / 10, Kinds);
        await RunAsync(broker, client, proxies.ReadToken, Faults / 10, Well);
        var (files, memory) = (broker.OpenFiles, broker.Memory);

        List<double> beside = [], meanwhile = [];
        for (var round = 0; round < Rounds; round++)
        {
            beside.AddRange(await TimesAsync(broker, client, proxies, Well));
            meanwhile.AddRange(await TimesAsync(broker, client, proxies, Kinds));
        }

        beside.Sort();
        meanwhile.Sort();
        var ratio = P(meanwhile, 99) / P(beside, 99);
        var left = await LeftAsync(broker, files);
        var growth = broker.Memory - memory;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Faults:N0} faults. Another token's {meanwhile.Count:N0} calls one after the other, beside calls that go well and beside faults: p50 {P(beside, 50):F2} and {P(meanwhile, 50):F2} ms; p99 {P(beside, 99):F2} and {P(meanwhile, 99):F2}, {ratio:F2} times."));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Afterwards: {left:+0;-0;0} open files and connections, {growth / 1e6:+0;-0;0} MB of memory."));
        return left <= AtOnce && growth <= MostGrowth && ratio <= MostOfP99;
    }

    private static async Task<bool> UploadAsync(Proxies proxies, HttpClient client)
    {
        using var sink = proxies.StartSink();
        await sink.ReadyAsync(client, proxies.ReadToken);
        using var broker = proxies.StartBroker(sink);
        await broker.ReadyAsync(client, proxies.ReadToken);
        await Upload.SendAsync(client, broker.Address, proxies.WriteToken, UploadLength / 64);
        var memory = broker.Memory;
        broker.ForgetPeak();
        await Upload.SendAsync(client, broker.Address, proxies.WriteToken, UploadLength);
        var growth = Math.Max(0, broker.PeakMemory - memory);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"An upload of 2 GB: memory grew by {growth / 1e6:F0} MB at most."));
        return growth <= MostGrowth;
    }

    /// <summary>Calls at one pace, of each kind in turn; not more than some at once, whatever becomes of them.</summary>
    private static async Task RunAsync(ProxyProcess broker, HttpClient client, string token, int count, string[] kinds)
    {
        using var places = new SemaphoreSlim(AtOnce);
        var started = Stopwatch.GetTimestamp();
        for (var number = 0; number < count; number++)
        {
            if ((number * Pace) - Stopwatch.GetElapsedTime(started) is { Ticks: > 0 } early)
            {
                await Task.Delay(early);
            }

            await places.WaitAsync();
            _ = RunOneAsync(kinds[number % kinds.Length]);
        }

        for (var place = 0; place < AtOnce; place++)
        {
            await places.WaitAsync();
        }

        async Task RunOneAsync(string kind)
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                await CallAsync(broker, client, token, $"?fault={kind}", patience.Token);
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                // That is what they are for.
            }
            finally
            {
                places.Release();
            }
        }
    }

    /// <summary>How long the other token's calls take while those of one kind are made.</summary>
    private static async Task<List<double>> TimesAsync(ProxyProcess broker, HttpClient client, Proxies proxies, string[] kinds)
    {
        List<double> times = [];
        var load = Task.Run(() => RunAsync(broker, client, proxies.ReadToken, Faults / Rounds, kinds));
        while (!load.IsCompleted)
        {
            var started = Stopwatch.GetTimestamp();
            await CallAsync(broker, client, proxies.OtherToken, "", CancellationToken.None);
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        await load;
        return times;
    }

    private static async Task CallAsync(ProxyProcess broker, HttpClient client, string token, string query, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, broker.Address + query);
        request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");
        using var answer = await client.SendAsync(request, cancellationToken);
        if (query.Length == 0)
        {
            answer.EnsureSuccessStatusCode();
        }
    }

    /// <summary>Connections end a moment after the call.</summary>
    private static async Task<int> LeftAsync(ProxyProcess broker, int before)
    {
        for (var second = 0; second < 10 && broker.OpenFiles - before > AtOnce; second++)
        {
            await Task.Delay(1000);
        }

        return broker.OpenFiles - before;
    }

    private static double P(List<double> sorted, int percent) => sorted[sorted.Count * percent / 100];
}
