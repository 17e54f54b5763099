using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// Ten thousand calls that go wrong: reset, hanging until the client gives up, refused, with a head that is too large, cut off in the middle. How long calls with another token take
/// meanwhile, what is left of memory and connections afterwards; and how memory grows with an upload of 2 GB.
/// </summary>
internal static class BrokerFaults
{
    /// <summary>The role in which this program answers as it is asked to in the query.</summary>
    public const string Upstream = "faulty-upstream";

    private const int Faults = 10_000;
    private const int AtOnce = 32;
    private const int Calls = 2_000;
    private const long UploadLength = 2L << 30;
    private const double MostGrowth = 32e6;

    private static readonly string[] Kinds = ["reset", "hang", "error", "head", "cut"];

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    /// <summary>Returns 0 when nothing is left behind and memory grew by no more than 32 MB.</summary>
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
        await RunFaultsAsync(broker, client, proxies.ReadToken, Faults / 10);
        var calm = await TimesAsync(broker, client, proxies.OtherToken);
        var (files, memory) = (broker.OpenFiles, broker.Memory);

        double[] meanwhile = [];
        await Task.WhenAll(
            RunFaultsAsync(broker, client, proxies.ReadToken, Faults),
            Task.Run(async () => meanwhile = await TimesAsync(broker, client, proxies.OtherToken)));
        var left = await LeftAsync(broker, files);
        var growth = broker.Memory - memory;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Faults:N0} faults, {AtOnce} at once. Another token's calls one after the other: p50 {P(calm, 50):F2} ms before, {P(meanwhile, 50):F2} meanwhile; p99 {P(calm, 99):F2} before, {P(meanwhile, 99):F2} meanwhile."));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Afterwards: {left:+0;-0;0} open files and connections, {growth / 1e6:+0;-0;0} MB of memory."));
        return left <= AtOnce && growth <= MostGrowth;
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

    private static Task RunFaultsAsync(ProxyProcess broker, HttpClient client, string token, int count) => Parallel.ForEachAsync(
        Enumerable.Range(0, count),
        new ParallelOptions { MaxDegreeOfParallelism = AtOnce },
        async (number, _) =>
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                await CallAsync(broker, client, token, $"?fault={Kinds[number % Kinds.Length]}", patience.Token);
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                // That is what they are for.
            }
        });

    private static async Task<double[]> TimesAsync(ProxyProcess broker, HttpClient client, string token)
    {
        var times = new double[Calls];
        for (var call = 0; call < Calls; call++)
        {
            var started = Stopwatch.GetTimestamp();
            await CallAsync(broker, client, token, "", CancellationToken.None);
            times[call] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }

        Array.Sort(times);
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

    private static double P(double[] sorted, int percent) => sorted[sorted.Length * percent / 100];
}
