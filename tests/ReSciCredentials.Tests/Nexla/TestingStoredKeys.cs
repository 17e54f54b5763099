using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Programs test keys with the calls of Nexla's SDK. No answer makes it repeat a call by itself.</summary>
public sealed class TestingStoredKeys(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Fact]
    public async Task Tells_that_ReSci_accepted_the_key()
    {
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync());

        var probed = SdkModels.Probe(await Program.CallAsync("GET", $"/data_credentials/{id}/probe"), "output");

        Assert.Equal(("success", "VERIFIED", 200), (SdkModels.TextOf(probed, "status"), SdkModels.TextOf(probed, "verified_status"), probed.GetProperty("output").GetProperty("statusCode").GetInt32()));
    }

    [Fact]
    public async Task Raises_an_authorization_error_for_a_key_that_ReSci_refused()
    {
        var id = await AddUnverifiedAsync("sandbox-refused");

        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("GET", $"/data_credentials/{id}/probe"), SdkError.Authorization);

        Assert.Equal(("key_rejected", "credential", $"{id}"), (SdkModels.TextOf(refused.Body, "error"), SdkModels.TextOf(refused.Body, "resource_type"), SdkModels.TextOf(refused.Body, "resource_id")));
        Assert.Single(Program.Calls, call => call.Call == $"GET /data_credentials/{id}/probe");
        Assert.Equal("FAILED", SdkModels.TextOf(await Program.CallAsync("GET", $"/data_credentials/{id}"), "verified_status"));
    }

    [Theory]
    [InlineData("sandbox-failing", "resci_unreachable")]
    [InlineData("sandbox-unavailable", "resci_unreachable")]
    [InlineData("sandbox-rate-limited", "resci_rate_limited")]
    [InlineData("sandbox-redirect", "resci_unreachable")]
    [InlineData("sandbox-garbage", "resci_unreachable")]
    public async Task Raises_a_server_error_once_when_nothing_was_learnt(string kind, string error)
    {
        var id = await AddUnverifiedAsync(kind);

        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("GET", $"/data_credentials/{id}/probe"), SdkError.Server);

        Assert.Equal((424, error), ((int)refused.Status, SdkModels.TextOf(refused.Body, "error")));
        Assert.True(refused.RetryAfter > 0);
        Assert.Single(Program.Calls, call => call.Call == $"GET /data_credentials/{id}/probe");
    }

    /// <summary>By the server's clock. The SDK would give up after ten seconds and ask again.</summary>
    [Fact]
    public async Task Ends_after_five_seconds_when_ReSci_hangs()
    {
        var time = new TurnedClock();
        await using var server = await TestServer.StartWithOwnerAsync(time: time, settings: "--Checks:Enabled=false");
        var program = await server.NewProgramAsync("admin");
        var credential = new { name = "Hangs", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey("sandbox-slow") } };
        var id = SdkModels.IdOf(await program.CallAsync("POST", "/data_credentials?save_unverified=1", credential));

        var probed = program.CallAsync("GET", $"/data_credentials/{id}/probe/authenticate");
        await Until.TrueAsync(() => Task.FromResult(server.ReSci.Received.Count > 0), TimeSpan.FromMinutes(1));
        time.Advance(TimeSpan.FromSeconds(5));

        await NexlaServer.RefusedAsync(probed, SdkError.Server);
    }

    [Fact]
    public async Task Asks_ReSci_once_for_programs_that_come_together()
    {
        var key = NexlaServer.NewKey();
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync(key: key, query: "?save_unverified=1"));

        var probes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Program.CallAsync("GET", $"/data_credentials/{id}/probe")));

        Assert.Single(nexla.Server.ReSci.Received, request => request.Authorization == $"ApiKey {key}");
        Assert.Equal(3, probes.Count(probe => probe.TryGetProperty("cached", out var cached) && cached.GetBoolean()));
    }

    [Fact]
    public async Task Is_finished_at_once_when_it_was_asked_for_with_async()
    {
        var id = await AddUnverifiedAsync("sandbox-refused");

        var finished = await Program.CallAsync("GET", $"/data_credentials/{id}/probe?async=True");
        var again = await Program.CallAsync("GET", $"/data_credentials/{id}/probe?async=True&request_id={SdkModels.TextOf(finished, "request_id")}");

        Assert.Equal(("completed", 100), (SdkModels.TextOf(finished, "status"), finished.GetProperty("progress").GetInt32()));
        Assert.Equal("key_rejected", SdkModels.TextOf(finished.GetProperty("result"), "error"));
        Assert.Equal(finished.ToString(), again.ToString());
    }

    [Fact]
    public async Task Shows_what_can_be_sampled_and_a_sample()
    {
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync());

        var tree = SdkModels.Probe(await Program.CallAsync("POST", $"/data_credentials/{id}/probe/tree", new { depth = 3 }), "object");
        var sample = SdkModels.Probe(await Program.CallAsync("POST", $"/data_credentials/{id}/probe/sample", new { path = "/v3/import_jobs" }), "output");

        Assert.True(tree.GetProperty("object").TryGetProperty("import_jobs", out _));
        Assert.Equal(JsonValueKind.Array, JsonDocument.Parse(SdkModels.TextOf(sample.GetProperty("output"), "response")!).RootElement.ValueKind);
        await NexlaServer.RefusedAsync(Program.CallAsync("POST", $"/data_credentials/{id}/probe/sample", new { path = "/v3/users" }), SdkError.Validation);
    }

    [Fact]
    public async Task Tries_a_key_without_saving_it()
    {
        var tried = await Program.CallAsync("POST", "/data_credentials/probe", new { credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } });
        await NexlaServer.RefusedAsync(
            Program.CallAsync("POST", "/data_credentials/probe", new { credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey("sandbox-refused") } }),
            SdkError.Authorization);

        Assert.Equal("success", SdkModels.TextOf(tried, "status"));
    }

    private async Task<int> AddUnverifiedAsync(string kind) =>
        SdkModels.IdOf(await nexla.AddCredentialAsync(key: NexlaServer.NewKey(kind), query: "?save_unverified=1"));
}
