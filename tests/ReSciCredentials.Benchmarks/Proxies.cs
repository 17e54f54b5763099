using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Benchmarks;

/// <summary>A process of its own that clients call, and what it used of the machine.</summary>
internal sealed class ProxyProcess(string name, Process process, Uri address) : IDisposable
{
    private const double TicksPerSecond = 100;

    private bool _isGone;

    public string Name => name;

    /// <summary>Where the jobs are listed and created.</summary>
    public Uri Address => address;

    /// <summary>In seconds, of all threads since the start.</summary>
    public double Cpu
    {
        get
        {
            // The name in parentheses may hold spaces.
            var fields = File.ReadAllText($"/proc/{process.Id}/stat").Split(") ")[1].Split(' ');
            return (Number(fields[11]) + Number(fields[12])) / TicksPerSecond;
        }
    }

    /// <summary>Resident memory, in bytes.</summary>
    public long Memory => Status("VmRSS");

    /// <summary>The most of it since <see cref="ForgetPeak"/>.</summary>
    public long PeakMemory => Status("VmHWM");

    public int OpenFiles => Directory.GetFileSystemEntries($"/proc/{process.Id}/fd").Length;

    public void ForgetPeak() => File.WriteAllText($"/proc/{process.Id}/clear_refs", "5");

    /// <summary>Waits until it answers as it should.</summary>
    public async Task ReadyAsync(HttpClient client, string token)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");
                using var answer = await client.SendAsync(request);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            if (process.HasExited || Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(30))
            {
                throw new InvalidOperationException($"{name} does not answer.");
            }

            await Task.Delay(100);
        }
    }

    public void Dispose()
    {
        if (_isGone)
        {
            return;
        }

        _isGone = true;
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private long Status(string field) => 1024 * long.Parse(
        File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith(field + ":", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);
}

/// <summary>Starts the broker, what it is compared with, and what stands for ReSci, each as a process of its own.</summary>
internal sealed class Proxies : IDisposable
{
    public const string Key = "live-key-4f1c9a8b7d6e5f4a3b2c1d0e";

    /// <summary>The role in which this program is the bare forwarder, and the one in which it takes uploads.</summary>
    public const string Bare = "bare-forwarder";
    public const string Sink = "upload-sink";

    private const string Path = "/resci/v3/import_jobs";

    /// <summary>The proxies share one core, so that none gets more of the machine; the client and the upstream have the others.</summary>
    private const string ProxyCore = "0";

    private static readonly string[] Needed = ["nginx", "haproxy", "wrk", "taskset"];

    /// <summary>Also what is not in the path of everybody.</summary>
    private static readonly string[] Places = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];

    private static readonly string OtherCores = Environment.ProcessorCount > 1 ? $"1-{Environment.ProcessorCount - 1}" : "0";

    private readonly TestDirectory _directory = new();
    private readonly List<IDisposable> _processes = [];

    public string ReadToken { get; private set; } = "";

    public string WriteToken { get; private set; } = "";

    /// <summary>Of another source than <see cref="ReadToken"/>.</summary>
    public string OtherToken { get; private set; } = "";

    /// <summary>Programs that are missing, and how to get them; null when all are there.</summary>
    public static string? Missing()
    {
        var missing = Needed.Where(program => Find(program) is null).ToArray();
        return missing.Length == 0
            ? null
            : $"Missing: {string.Join(", ", missing)}. On Debian: apt-get install --no-install-recommends nginx-light haproxy wrk util-linux";
    }

    /// <summary>Makes what the broker keeps: a credential, a source and a destination with a token each.</summary>
    public async Task FillAsync()
    {
        await using var server = await TestServer.StartWithOwnerAsync(_directory);
        (await server.SignInAsync()).Dispose();
        var owner = await server.OwnerAsync();
        var saved = (SaveOutcome.Saved)await server.Service<CredentialVault>().SaveAsync(
            owner, new NewCredential("Production", null, Key, Guid.NewGuid(), Unverified: true, Same: true), CancellationToken.None);
        ReadToken = await TokenAsync(FlowKind.Source, "list_import_jobs");
        OtherToken = await TokenAsync(FlowKind.Source, "list_import_jobs");
        WriteToken = await TokenAsync(FlowKind.Destination, "create_import_job");

        async Task<string> TokenAsync(FlowKind kind, string endpoint)
        {
            var flow = (FlowOutcome.Done)await server.Service<FlowService>().CreateAsync(
                owner, new NewFlow(kind, "Orders", null, endpoint, saved.Id, Guid.NewGuid()), CancellationToken.None);
            var made = (TokenOutcome.Made)await server.Service<AccessTokens>().CreateAsync(
                owner, new NewAccessToken(kind, flow.Id, "Nightly", null, null, null, null, null, Guid.NewGuid()), CancellationToken.None);
            return made.Token;
        }
    }

    /// <summary>An nginx that answers 2 KB of JSON to everything: fast enough not to be what is measured.</summary>
    public ProxyProcess StartUpstream()
    {
        var port = FreePort();
        var job = """{"id":1,"status":"finished","import_type":"singer_import_config"},""";
        var answer = $$"""{"import_jobs":[{{string.Concat(Enumerable.Repeat(job, 2048 / job.Length))}}null]}""";
        var configuration = Write("upstream.conf", Nginx($$"""
              server {
                listen 127.0.0.1:{{port}} backlog=1024;
                location / { default_type application/json; return 200 '{{answer}}'; }
              }
            """));
        return Start("direct", OtherCores, port, Find("nginx")!, "-c", configuration);
    }

    /// <summary>Reads whatever is sent to it.</summary>
    public ProxyProcess StartSink()
    {
        var port = FreePort();
        return Start("direct", OtherCores, port, Environment.ProcessPath!, Sink, $"http://127.0.0.1:{port}");
    }

    /// <summary>See <see cref="BrokerFaults"/>.</summary>
    public ProxyProcess StartFaulty()
    {
        var port = FreePort();
        return Start("direct", OtherCores, port, Environment.ProcessPath!, BrokerFaults.Upstream, $"http://127.0.0.1:{port}");
    }

    public ProxyProcess StartBroker(ProxyProcess upstream, params string[] settings)
    {
        var port = FreePort();
        return Start(
            "broker",
            ProxyCore,
            port,
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
            [
                typeof(ReSciCredentials.Program).Assembly.Location,
                .. _directory.Settings,
                $"--urls=http://127.0.0.1:{port}",
                $"--ReSci:BaseAddress={upstream.Address.GetLeftPart(UriPartial.Authority)}/",
                "--ReSci:AllowInsecureLoopback=true",
                .. settings,
            ]);
    }

    public ProxyProcess StartBare(ProxyProcess upstream)
    {
        var port = FreePort();
        return Start("bare YARP", ProxyCore, port, Environment.ProcessPath!, Bare, $"http://127.0.0.1:{port}", upstream.Address.GetLeftPart(UriPartial.Authority));
    }

    public ProxyProcess StartNginx(ProxyProcess upstream)
    {
        var port = FreePort();
        var configuration = Write("proxy.conf", Nginx($$"""
              upstream resci { server {{upstream.Address.Authority}}; keepalive 128; keepalive_requests 1000000000; }
              server {
                listen 127.0.0.1:{{port}} backlog=1024;
                client_max_body_size 0;
                location /resci/ {
                  proxy_pass http://resci/;
                  proxy_http_version 1.1;
                  proxy_request_buffering off;
                  proxy_set_header Connection "";
                  proxy_set_header Authorization "ApiKey {{Key}}";
                }
              }
            """));
        return Start("nginx", ProxyCore, port, Find("nginx")!, "-c", configuration);
    }

    public ProxyProcess StartHaproxy(ProxyProcess upstream)
    {
        var port = FreePort();
        var configuration = Write("haproxy.cfg", $"""
            global
              nbthread 1
              maxconn 4096
            defaults
              mode http
              timeout connect 5s
              timeout client 60s
              timeout server 60s
            frontend clients
              bind 127.0.0.1:{port}
              http-request set-header Authorization "ApiKey {Key}"
              default_backend resci
            backend resci
              http-reuse always
              server one {upstream.Address.Authority} pool-max-conn 128

            """);
        return Start("haproxy", ProxyCore, port, Find("haproxy")!, "-db", "-f", configuration);
    }

    /// <summary>The command that runs a client beside the proxies.</summary>
    public static ProcessStartInfo OnOtherCores(string program, IEnumerable<string> arguments) => OnCores(OtherCores, Find(program)!, arguments);

    public void Dispose()
    {
        _processes.ForEach(process => process.Dispose());
        _directory.Dispose();
    }

    private static ProcessStartInfo OnCores(string cores, string program, IEnumerable<string> arguments) =>
        new(Find("taskset")!, ["-c", cores, program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };

    private static string? Find(string program) =>
        Places.Select(directory => System.IO.Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string Nginx(string servers) => $$"""
        daemon off;
        master_process off;
        pid {{System.IO.Path.Combine(_directory.Path, Guid.NewGuid().ToString("N"))}}.pid;
        error_log /dev/null;
        events { worker_connections 4096; }
        http {
          access_log off;
          keepalive_requests 1000000000;
          client_body_temp_path {{_directory.Path}}/body;
          proxy_temp_path {{_directory.Path}}/proxied;
          fastcgi_temp_path {{_directory.Path}}/fastcgi;
          uwsgi_temp_path {{_directory.Path}}/uwsgi;
          scgi_temp_path {{_directory.Path}}/scgi;
        {{servers}}
        }
        """;

    private string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(_directory.Path, Guid.NewGuid().ToString("N") + name);
        File.WriteAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return path;
    }

    private ProxyProcess Start(string name, string cores, int port, string program, params string[] arguments)
    {
        var start = OnCores(cores, program, arguments);
        // What is set for whoever runs this is not set for the programs.
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");
        start.Environment.Remove("DOTNET_ENVIRONMENT");
        start.Environment.Remove("ASPNETCORE_URLS");
        var process = Process.Start(start)!;
        // Nobody reads what they say, and nobody must wait for somebody to.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var proxy = new ProxyProcess(name, process, new Uri($"http://127.0.0.1:{port}{Path}"));
        _processes.Add(proxy);
        return proxy;
    }
}
