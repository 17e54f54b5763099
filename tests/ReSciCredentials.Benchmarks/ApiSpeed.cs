using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// The REST API with 10,000 credentials: a page of 100 of them, one of them, and a new one whose key the sandbox accepts at once; each beside an endpoint that does
/// nothing but send the same bytes, in the same process and by the same client, which allocates nothing itself.
/// </summary>
internal static class ApiSpeed
{
    private const int Credentials = 10_000;
    private const int Connections = 8;
    private const int Alone = 200;
    private const string Page = "/nexla-api/data_credentials?page=50&per_page=100";
    private const string One = "/nexla-api/data_credentials/5000";

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(5);

    private static int _number;

    /// <summary>Returns 0; the figures are for a person.</summary>
    public static async Task<int> RunAsync()
    {
        await using var server = await TestServer.StartAsync(settings: ["--ServiceKeys:RequestsPerMinute=1000000", "--Logging:LogLevel:Default=Warning"]);
        await server.CreateOwnerAsync();
        await server.StartSessionAsync();
        await ManyCredentials.AddAsync(server, await server.OwnerAsync(), Credentials);
        var program = await server.NewProgramAsync();
        await program.ObtainTokenAsync();
        var authorization = $"Bearer {program.AccessToken}";

        var list = await AnswerAsync(server.Address, Page, authorization);
        var one = await AnswerAsync(server.Address, One, authorization);
        await using var bare = await StartBareAsync(new Dictionary<string, byte[]>(StringComparer.Ordinal) { ["/list"] = list, ["/get"] = one, ["/create"] = one });
        var bareAddress = new Uri(bare.Urls.First());

        Console.WriteLine($"{Connections} connections, {Length.TotalSeconds:F0} s each; list answers {list.Length:N0} bytes, get {one.Length:N0}");
        Console.WriteLine($"{"",-14}{"req/s",10}{"p50 ms",10}{"p99 ms",10}{"KB/request",12}");
        Measure("list", server.Address, _ => Get(Page, authorization));
        Measure("  bare", bareAddress, _ => Get("/list", authorization));
        Measure("get", server.Address, _ => Get(One, authorization));
        Measure("  bare", bareAddress, _ => Get("/get", authorization));
        // A body of its own each time: the same one would be the same call.
        Measure("create", server.Address, number => Post("/nexla-api/data_credentials", authorization, number));
        Measure("  bare", bareAddress, number => Post("/create", authorization, number));
        return 0;
    }

    private static void Measure(string name, Uri server, Func<int, byte[]> request)
    {
        Run(server, request, WarmUp);
        var (count, seconds, times) = Run(server, request, Length);

        // One at a time, made beforehand, so that nothing else allocates.
        var requests = Enumerable.Range(0, Alone).Select(_ => request(Next())).ToArray();
        using var connection = new RawConnection(server);
        connection.Call(request(Next()));
        var before = GC.GetTotalAllocatedBytes(precise: true);
        foreach (var bytes in requests)
        {
            connection.Call(bytes);
        }

        var allocated = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)Alone;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-14}{count / seconds,10:F0}{Percentile(times, .5),10:F2}{Percentile(times, .99),10:F2}{allocated / 1024,12:F1}"));
    }

    private static (int Count, double Seconds, List<double> Times) Run(Uri server, Func<int, byte[]> request, TimeSpan length)
    {
        var times = new List<double>[Connections];
        var started = Stopwatch.GetTimestamp();
        var threads = Enumerable.Range(0, Connections).Select(index => new Thread(() =>
        {
            var own = times[index] = new List<double>(100_000);
            using var connection = new RawConnection(server);
            while (Stopwatch.GetElapsedTime(started) < length)
            {
                var bytes = request(Next());
                var sent = Stopwatch.GetTimestamp();
                connection.Call(bytes);
                own.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }
        })).ToArray();
        foreach (var thread in threads)
        {
            thread.Start();
        }

        foreach (var thread in threads)
        {
            thread.Join();
        }

        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        List<double> all = [.. times.SelectMany(own => own).Order()];
        return (all.Count, seconds, all);
    }

    private static int Next() => Interlocked.Increment(ref _number);

    private static double Percentile(List<double> sorted, double part) => sorted[(int)((sorted.Count - 1) * part)];

    private static byte[] Get(string path, string authorization) =>
        Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/vnd.nexla.api.v1+json\r\nAuthorization: {authorization}\r\n\r\n");

    private static byte[] Post(string path, string authorization, int number)
    {
        var body = string.Create(
            CultureInfo.InvariantCulture,
            $$$"""{"name":"Made {{{number}}}","credentials_type":"resci","credentials":{"api_key":"sandbox-accepted-made-{{{number:D8}}}"}}""");
        return Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nAuthorization: {authorization}\r\n\r\n{body}"));
    }

    private static async Task<byte[]> AnswerAsync(Uri server, string path, string authorization)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server };
        http.DefaultRequestHeaders.Authorization = AuthenticationHeaderValue.Parse(authorization);
        return await http.GetByteArrayAsync(new Uri(path, UriKind.Relative));
    }

    private static async Task<WebApplication> StartBareAsync(Dictionary<string, byte[]> answers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        foreach (var (path, bytes) in answers)
        {
            app.MapMethods(path, ["GET", "POST"], () => Results.Bytes(bytes, "application/json; charset=utf-8"));
        }

        await app.StartAsync();
        return app;
    }
}
