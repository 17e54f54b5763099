using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A server in front of an <see cref="Upstream"/>, with a source and a destination that use one credential, and a program that calls it.</summary>
internal sealed class BrokerHost : IAsyncDisposable
{
    public const string Jobs = "/resci/v3/import_jobs";

    private readonly TestDirectory _directory;
    private readonly TimeProvider? _time;
    private readonly string[] _settings;

    private BrokerHost(TestServer server, Upstream upstream, Person owner, string key, TestDirectory directory, TimeProvider? time, string[] settings)
    {
        (Server, Upstream, Owner, Key) = (server, upstream, owner, key);
        (_directory, _time, _settings) = (directory, time, settings);
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
        {
            BaseAddress = server.Address,
        };
    }

    public TestServer Server { get; private set; }

    public Upstream Upstream { get; }

    public Person Owner { get; }

    /// <summary>The key of <see cref="Credential"/>, which no client may see.</summary>
    public string Key { get; }

    /// <summary>A program that knows nothing but its token.</summary>
    public HttpClient Http { get; }

    public int Credential { get; private set; }

    public int Source { get; private set; }

    public int Destination { get; private set; }

    public string ReadToken { get; private set; } = "";

    public string WriteToken { get; private set; } = "";

    public AccessTokens Tokens => Server.Service<AccessTokens>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<BrokerHost> StartAsync(string key = "live-key-4f1c9a/Z+q%7&w==", TimeProvider? time = null, params string[] settings)
    {
        var upstream = await Upstream.StartAsync();
        var directory = new TestDirectory();
        // The server's own checks of a key would arrive among the calls.
        string[] all =
            ["--ReSci:Sandbox=false", $"--ReSci:BaseAddress={upstream.Address}", "--ReSci:AllowInsecureLoopback=true", "--Checks:Enabled=false", .. settings];
        var server = await TestServer.StartAsync(directory, time, all);
        await server.CreateOwnerAsync();
        (await server.SignInAsync()).Dispose();
        var host = new BrokerHost(server, upstream, await server.OwnerAsync(), key, directory, time, all);
        host.Credential = await host.AddCredentialAsync(key);
        host.Source = await host.AddFlowAsync(FlowKind.Source);
        host.Destination = await host.AddFlowAsync(FlowKind.Destination);
        host.ReadToken = await host.TokenAsync(FlowKind.Source);
        host.WriteToken = await host.TokenAsync(FlowKind.Destination);
        return host;
    }

    /// <summary>Stops the server and starts another with what it kept.</summary>
    public async Task RestartAsync()
    {
        await Server.DisposeAsync();
        Server = await TestServer.StartAsync(_directory, _time, _settings);
    }

    public async Task<int> AddCredentialAsync(string key)
    {
        var outcome = await Server.Service<CredentialVault>().SaveAsync(
            Owner, new NewCredential("Production", null, key, Guid.NewGuid(), Unverified: true, Same: true), Cancellation);
        return Assert.IsType<SaveOutcome.Saved>(outcome).Id;
    }

    public async Task<int> AddFlowAsync(FlowKind kind)
    {
        var endpoint = kind is FlowKind.Source ? "list_import_jobs" : "create_import_job";
        var outcome = await Server.Service<FlowService>().CreateAsync(Owner, new NewFlow(kind, "Orders", null, endpoint, Credential, Guid.NewGuid()), Cancellation);
        return Assert.IsType<FlowOutcome.Done>(outcome).Id;
    }

    public NewAccessToken NewToken(FlowKind kind) =>
        new(kind, kind is FlowKind.Source ? Source : Destination, "Nightly", null, null, null, null, null, Guid.NewGuid());

    public async Task<string> TokenAsync(FlowKind kind, Func<NewAccessToken, NewAccessToken>? limit = null) =>
        Assert.IsType<TokenOutcome.Made>(await Tokens.CreateAsync(Owner, limit is null ? NewToken(kind) : limit(NewToken(kind)), Cancellation)).Token;

    public async Task<int> IdOfAsync(string token)
    {
        await using var storage = await Server.StorageAsync();
        var hash = TokenHash.Of(token).ToBytes();
        return storage.AccessTokens.Single(row => row.Hash == hash).Id;
    }

    public Task PauseAsync(FlowKind kind, FlowStatus status = FlowStatus.Paused) =>
        Server.Service<FlowService>().SetStatusAsync(Owner, kind, kind is FlowKind.Source ? Source : Destination, status, Cancellation);

    /// <summary>Lists import jobs as a source's program does.</summary>
    public Task<Answered> ReadAsync(string? token = null, string target = Jobs) => SendAsync(new HttpRequestMessage(HttpMethod.Get, target), token ?? ReadToken);

    /// <summary>Creates an import job as a destination's program does.</summary>
    public Task<Answered> WriteAsync(string? token = null, HttpContent? content = null) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, Jobs) { Content = content ?? Import("users") }, token ?? WriteToken);

    /// <summary>What target-resci sends: the type first, then a file a stream.</summary>
    public static MultipartFormDataContent Import(params string[] streams)
    {
        var form = new MultipartFormDataContent { { new StringContent("singer_import_config"), "import_type" } };
        foreach (var stream in streams)
        {
            form.Add(new StringContent($$"""{"email":"a@example.com"}{{'\n'}}"""), stream, $"{stream}.jsonl");
        }

        return form;
    }

    public async Task<Answered> SendAsync(HttpRequestMessage request, string? token)
    {
        using (request)
        {
            if (token is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");
            }

            // Sent to the letter: .NET would otherwise tidy the address up.
            request.RequestUri = new Uri(
                Server.Address.GetLeftPart(UriPartial.Authority) + request.RequestUri, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            using var answer = await Http.SendAsync(request, Cancellation);
            return await Answered.FromAsync(answer);
        }
    }

    /// <summary>The record of the only call through a source or destination. Waits for it: a client sees that an answer was cut before the server has put it down.</summary>
    public async Task<BrokerCall> OnlyCallAsync(int flow)
    {
        BrokerCall? found = null;
        await Until.TrueAsync(
            async () =>
            {
                await Server.Service<Usage>().FlushAsync(Cancellation);
                await using var storage = await Server.StorageAsync();
                found = await storage.BrokerCalls.SingleOrDefaultAsync(call => call.FlowId == flow, Cancellation);
                return found is not null;
            },
            TimeSpan.FromSeconds(20));
        return found!;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Server.DisposeAsync();
        await Upstream.DisposeAsync();
        _directory.Dispose();
    }
}

/// <summary>What the program got.</summary>
/// <param name="Code">The header X-Broker-Error.</param>
internal sealed record Answered(HttpStatusCode Status, string? Code, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public string? Message
    {
        get
        {
            using var json = JsonDocument.Parse(Body);
            return json.RootElement.GetProperty("message").GetString();
        }
    }

    public static async Task<Answered> FromAsync(HttpResponseMessage answer) => new(
        answer.StatusCode,
        answer.Headers.TryGetValues("X-Broker-Error", out var codes) ? codes.Single() : null,
        await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken),
        answer.Headers.Concat(answer.Content.Headers).ToDictionary(header => header.Key, header => string.Join(", ", header.Value), StringComparer.OrdinalIgnoreCase));
}
