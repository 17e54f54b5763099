using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Operations;

/// <summary>One server that has been used, and all that it told its collector meanwhile.</summary>
public sealed class WatchedServer : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static readonly string[] SentWithRequests =
        ["resci_credentials.credentials", "resci_credentials.backup.age", "http.server.request.duration", "http.client.request.duration", "broker.errors"];

    internal PlantedKey Key { get; } = new("sandbox-accepted");

    internal Collector Collector { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Collector = await Collector.StartAsync();
        using var directory = new TestDirectory();
        await OwnedData.CopyToAsync(directory);
        (await CommandRun.RunAsync(directory, "backup create")).Done();
        await using (var server = await TestServer.StartAsync(directory, settings: Collector.Settings))
        {
            var owner = await server.SignInAsync();
            await owner.SaveCredentialAsync("Watched", Key.Text);
            await owner.TestCredentialAsync(Key.Text);
            await owner.GetAsync("/credentials");
            // Where a hasty hand may paste it.
            await owner.GetAsync($"/credentials?q={Uri.EscapeDataString(Key.Text)}");
            await owner.GetAsync($"/{Uri.EscapeDataString(Key.Text)}");
            await server.NewVisitor().GetAsync($"/resci/v3/import_jobs/{Uri.EscapeDataString(Key.Text)}", ("Authorization", $"ApiKey {Key.Text}"));
            // What was counted last is sent with the next beat, a second later; a server that stops does not always wait for it.
            await Until.TrueAsync(() => Task.FromResult(SentWithRequests.All(metric => Collector.Has("/v1/metrics", metric))), Limit);
        }

        // What is left is sent when the server stops.
        await Until.TrueAsync(() => Task.FromResult(Collector.Has("/v1/traces", "/credentials")), Limit);
    }

    public ValueTask DisposeAsync() => Collector.DisposeAsync();
}

/// <summary>OpenTelemetry listens to the meters of all servers of a process, and lets go of a metric for all of them when one ends.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class NoOtherServerMeanwhile;

[Collection<NoOtherServerMeanwhile>]
public sealed class WatchingTheServer(WatchedServer watched) : IClassFixture<WatchedServer>
{
    [Theory]
    [InlineData("resci_credentials.sealed")]
    [InlineData("resci_credentials.storage.fault")]
    [InlineData("resci_credentials.storage.size")]
    [InlineData("resci_credentials.storage.free")]
    [InlineData("resci_credentials.resci.outage")]
    [InlineData("resci_credentials.announcements.waiting")]
    [InlineData("resci_credentials.backup.age")]
    [InlineData("broker.errors")]
    [InlineData("http.server.request.duration")]
    [InlineData("http.client.request.duration")]
    public void Shows(string metric) => Assert.True(watched.Collector.Has("/v1/metrics", metric));

    [Fact]
    public void Traces_a_request_by_its_route() => Assert.True(watched.Collector.Has("/v1/traces", "http.route"));

    [Fact]
    public void Sends_no_key_wherever_it_was_pasted() =>
        Assert.DoesNotContain(watched.Collector.Received, sent => watched.Key.IsIn(sent.Body));

    [Theory]
    [InlineData("user_agent.original")]
    [InlineData("url.query")]
    [InlineData("url.path")]
    [InlineData(TestServer.OwnerEmail)]
    [InlineData(TestServer.OwnerName)]
    public void Sends_nothing_about_who_asked_and_what_was_typed(string text) => Assert.False(watched.Collector.Has("/v1/traces", text));
}
