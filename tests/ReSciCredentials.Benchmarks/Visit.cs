using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Playwright;
using ReSciCredentials.Operations;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// The first visit of the Authenticate screen with 30 tiles, of a published build: what goes over the wire and when the page can be used, beside the same page
/// as a bare file. And what it takes to start and to hold a circuit, as published and with ReadyToRun.
/// </summary>
internal static partial class Visit
{
    private const int Tiles = 30;
    private const int Visits = 7;
    private const int Starts = 5;
    private const int Circuits = 50;
    private const string Page = "/sources/new/resci/authenticate";

    private static readonly string[] BesidesSource = ["global.json", "Directory.Build.props", "Directory.Packages.props", ".editorconfig"];
    private static readonly string[] Bare = [];
    private static readonly string[] ReadyToRun = ["--runtime", "linux-x64", "--self-contained", "false", "-p:PublishReadyToRun=true"];

    /// <summary>Returns 0; the figures are for a person.</summary>
    public static async Task<int> RunAsync()
    {
        using var directory = new TestDirectory();
        var cookie = await PrepareAsync(directory);
        using var place = new TestDirectory();
        var source = CopySource(Path.Combine(place.Path, "source"));
        var plain = await PublishAsync(source, Path.Combine(place.Path, "plain"), Bare);
        var ready = await PublishAsync(source, Path.Combine(place.Path, "ready"), ReadyToRun);

        // In turns, so that whatever else the machine does meets both.
        var (plainStarts, readyStarts) = (new List<Start>(), new List<Start>());
        for (var start = 0; start < Starts; start++)
        {
            plainStarts.Add(await StartAndEndAsync(plain, directory));
            readyStarts.Add(await StartAndEndAsync(ready, directory));
        }

        Console.WriteLine($"{"median of " + Starts,-34}{"as published",14}{"ReadyToRun",14}");
        Row("start to the first 200, ms", plainStarts, start => start.ToReady, readyStarts);
        Row("processor until then, ms", plainStarts, start => start.Processor, readyStarts);
        Row("first page after that, ms", plainStarts, start => start.FirstPage, readyStarts);
        Row("resident memory, idle, MB", plainStarts, start => start.Resident, readyStarts);
        Row("published, MB", [SizeOf(plain)], size => size, [SizeOf(ready)]);

        using var server = await StartAsync(plain, directory);
        using var playwright = await Playwright.CreateAsync();
        await using var chromium = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        });
        await using var bare = await ServeBareAsync(server.Address, cookie);
        var bareAddress = Addresses.Local(bare.Services);
        var (own, files) = (new List<Measured>(), new List<Measured>());
        for (var visit = 0; visit < Visits; visit++)
        {
            own.Add(await VisitAsync(chromium, new Uri(server.Address, Page), cookie, waitsForCircuit: true));
            files.Add(await VisitAsync(chromium, bareAddress, cookie, waitsForCircuit: false));
        }

        Console.WriteLine();
        Console.WriteLine($"{$"median of {Visits}, {Tiles} tiles",-34}{"the page",14}{"bare file",14}");
        Row("bytes over the wire", own, measured => measured.Bytes, files);
        Row("requests", own, measured => measured.Requests, files);
        Row("largest contentful paint, ms", own, measured => measured.LargestPaint, files);
        Row("can be used after, ms", own, measured => measured.Interactive, files);

        var before = server.Resident;
        await using var window = await chromium.NewContextAsync();
        await window.AddCookiesAsync([CookieFor(cookie, server.Address)]);
        for (var circuit = 0; circuit < Circuits; circuit++)
        {
            await OpenAsync(await window.NewPageAsync(), new Uri(server.Address, Page), waitsForCircuit: true);
        }

        Console.WriteLine();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Circuits} circuits: resident memory from {before:F0} to {server.Resident:F0} MB, {(server.Resident - before) / Circuits:F2} MB each"));
        return 0;
    }

    private static void Row<T>(string what, List<T> first, Func<T, double> value, List<T> second) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-34}{Median(first.Select(value)),14:N0}{Median(second.Select(value)),14:N0}"));

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;

    // An owner with 30 credentials, and the cookie of their session.
    private static async Task<string> PrepareAsync(TestDirectory directory)
    {
        var (server, owner) = await TestServer.StartOwnedAsync(directory);
        await using (server)
        {
            for (var tile = 0; tile < Tiles; tile++)
            {
                await owner.AddCredentialAsync(string.Create(CultureInfo.InvariantCulture, $"Account {tile}"));
            }

            return owner.Cookies.GetCookies(server.Address).Single(cookie => cookie.Name == "session").Value;
        }
    }

    // Apart from the builds of whoever works here, and without the lock files: a runtime adds packages to them.
    private static string CopySource(string target)
    {
        var root = Root();
        var files = BesidesSource.Select(file => Path.Combine(root, file))
            .Concat(Directory.EnumerateFiles(Path.Combine(root, "src"), "*", SearchOption.AllDirectories))
            .Where(file => Path.GetFileName(file) != "packages.lock.json");
        foreach (var file in files)
        {
            var copy = Path.Combine(target, Path.GetRelativePath(root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return target;
    }

    private static async Task<string> PublishAsync(string source, string output, string[] options)
    {
        using var publish = Process.Start(new ProcessStartInfo(
            "dotnet",
            [
                "publish", Path.Combine(source, "src", "ReSciCredentials"), "--configuration", "Release", "--output", output, "--nologo", "--verbosity", "quiet",
                "-p:RestorePackagesWithLockFile=false", .. options,
            ])
        { UseShellExecute = false })!;
        await publish.WaitForExitAsync();
        return publish.ExitCode == 0 ? output : throw new InvalidOperationException("It could not be published.");
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "ReSciCredentials.sln")))
        {
            directory = directory.Parent ?? throw new InvalidOperationException("This runs inside the repository.");
        }

        return directory.FullName;
    }

    private static double SizeOf(string directory) =>
        new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length) / (1024.0 * 1024);

    private static async Task<Running> StartAsync(string published, TestDirectory directory)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"));
        listener.Stop();
        var started = Stopwatch.GetTimestamp();
        var process = Process.Start(new ProcessStartInfo(
            "dotnet", [Path.Combine(published, "ReSciCredentials.dll"), .. directory.Settings, $"--urls={address}", "--ReSci:Sandbox=true"])
        { UseShellExecute = false, RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        using var http = new HttpClient { BaseAddress = address };
        while (true)
        {
            try
            {
                if ((await http.GetAsync(new Uri("/health/ready", UriKind.Relative))).IsSuccessStatusCode)
                {
                    return new Running(process, address, Stopwatch.GetElapsedTime(started));
                }
            }
            catch (HttpRequestException)
            {
                // Not yet.
            }

            await Task.Delay(10);
        }
    }

    private static async Task<Start> StartAndEndAsync(string published, TestDirectory directory)
    {
        using var server = await StartAsync(published, directory);
        var processor = server.Processor;
        using var http = new HttpClient { BaseAddress = server.Address };
        var asked = Stopwatch.GetTimestamp();
        await http.GetStringAsync(new Uri("/sign-in", UriKind.Relative));
        var page = Stopwatch.GetElapsedTime(asked);
        await server.IdleAsync();
        return new Start(server.ToReady.TotalMilliseconds, processor.TotalMilliseconds, page.TotalMilliseconds, server.Resident);
    }

    // What the server rendered, without scripts, with the same style sheets.
    private static async Task<WebApplication> ServeBareAsync(Uri address, string cookie)
    {
        using var http = new HttpClient { BaseAddress = address };
        http.DefaultRequestHeaders.Add("Cookie", $"session={cookie}");
        http.DefaultRequestHeaders.Add("Accept", "text/html");
        var page = ScriptPattern().Replace(await http.GetStringAsync(new Uri(Page, UriKind.Relative)), "");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.MapGet("/", () => Results.Content(page, "text/html; charset=utf-8"));
        foreach (var sheet in StyleSheetPattern().Matches(page).Select(match => match.Groups[1].Value))
        {
            var text = await http.GetStringAsync(new Uri(sheet, UriKind.Relative));
            app.MapGet($"/{sheet}", () => Results.Content(text, "text/css"));
        }

        await app.StartAsync();
        return app;
    }

    private static async Task<Measured> VisitAsync(IBrowser chromium, Uri address, string cookie, bool waitsForCircuit)
    {
        await using var window = await chromium.NewContextAsync();
        await window.AddCookiesAsync([CookieFor(cookie, address)]);
        var page = await window.NewPageAsync();
        var network = await window.NewCDPSessionAsync(page);
        await network.SendAsync("Network.enable");
        var (bytes, requests) = (0.0, 0);
        network.Event("Network.loadingFinished").OnEvent += (_, finished) =>
        {
            bytes += finished!.Value.GetProperty("encodedDataLength").GetDouble();
            requests++;
        };
        await OpenAsync(page, address, waitsForCircuit);
        var times = await page.EvaluateAsync<double[]>(
            """
            () => new Promise(done => new PerformanceObserver(list => done([list.getEntries().at(-1).startTime, window.usable ?? performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart]))
              .observe({ type: 'largest-contentful-paint', buffered: true }))
            """);
        return new Measured(bytes, requests, times[0], times[1]);
    }

    private static async Task OpenAsync(IPage page, Uri address, bool waitsForCircuit)
    {
        await page.AddInitScriptAsync(
            """
            new MutationObserver((_, observer) => {
              if (document.querySelector('[data-interactive]')) {
                window.usable = performance.now();
                observer.disconnect();
              }
            }).observe(document, { subtree: true, childList: true, attributes: true });
            """);
        await page.GotoAsync(address.AbsoluteUri);
        if (waitsForCircuit)
        {
            await page.Locator("[data-interactive]").First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        }
    }

    // For all of the server: with the whole address it would go to pages beside that one only.
    private static Microsoft.Playwright.Cookie CookieFor(string session, Uri address) => new() { Name = "session", Value = session, Url = address.GetLeftPart(UriPartial.Authority) };

    [GeneratedRegex("<script.*?</script>|<!--Blazor.*?-->", RegexOptions.Singleline)]
    private static partial Regex ScriptPattern();

    [GeneratedRegex("""rel="stylesheet" href="([^"]+)""")]
    private static partial Regex StyleSheetPattern();

    /// <summary>Times in milliseconds, memory in MB.</summary>
    private sealed record Start(double ToReady, double Processor, double FirstPage, double Resident);

    private sealed record Measured(double Bytes, double Requests, double LargestPaint, double Interactive);

    private sealed class Running(Process process, Uri address, TimeSpan toReady) : IDisposable
    {
        private static readonly TimeSpan IdleWindow = TimeSpan.FromSeconds(1);
        private static readonly TimeSpan LeastWork = TimeSpan.FromMilliseconds(20);
        private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

        public Uri Address { get; } = address;

        public TimeSpan ToReady { get; } = toReady;

        public TimeSpan Processor
        {
            get
            {
                process.Refresh();
                return process.TotalProcessorTime;
            }
        }

        public double Resident
        {
            get
            {
                process.Refresh();
                return process.WorkingSet64 / (1024.0 * 1024);
            }
        }

        /// <summary>Waits until it does nothing but what it does every second.</summary>
        public async Task IdleAsync()
        {
            TimeSpan before;
            var waited = Stopwatch.GetTimestamp();
            do
            {
                before = Processor;
                await Task.Delay(IdleWindow);
            }
            while (Processor - before > LeastWork && Stopwatch.GetElapsedTime(waited) < LongestWait);
        }

        public void Dispose()
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
