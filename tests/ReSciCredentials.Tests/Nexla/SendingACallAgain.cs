using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Nexla's SDK sends a call again by itself when an answer does not come in time. Whatever is sent again is one thing.</summary>
public sealed class SendingACallAgain(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Fact]
    public async Task Makes_one_of_each_that_is_sent_three_times_at_once()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync("Original"));
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(credential));
        var sink = SdkModels.IdOf(await nexla.AddSinkAsync(credential));
        (string Path, object Body)[] creates =
        [
            ("/data_credentials", new { name = "Thrice", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } }),
            ($"/data_credentials/{credential}/copy", new { }),
            ("/data_sources", new { name = "Thrice", data_credentials_id = credential }),
            ("/data_sources", new { name = "With its own", data_credentials = new { name = "Inline", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } } }),
            ("/data_sinks", new { name = "Thrice", sink_type = "rest", data_credentials_id = credential, data_set_id = 1 }),
            ($"/data_sources/{source}/copy", new { }),
            ($"/data_sinks/{sink}/copy", new { reuse_data_credentials = true }),
            ($"/data_sources/{source}/access_tokens", new { name = "Thrice" }),
            ($"/data_sinks/{sink}/access_tokens", new { name = "Thrice", import_types = new[] { "users" } }),
        ];

        foreach (var (path, body) in creates)
        {
            var before = await CountAsync();
            var answers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Program.CallAsync("POST", path, body)));

            Assert.Single(answers.Select(SdkModels.IdOf).Distinct());
            var (credentials, flows, tokens) = await CountAsync();
            var made = path.EndsWith("/copy", StringComparison.Ordinal) && !JsonSerializer.Serialize(body).Contains("reuse", StringComparison.Ordinal) && !path.StartsWith("/data_credentials", StringComparison.Ordinal)
                || JsonSerializer.Serialize(body).Contains("Inline", StringComparison.Ordinal) ? 2 : 1;
            Assert.Equal((path, made), (path, credentials - before.Credentials + flows - before.Flows + tokens - before.Tokens));
        }
    }

    [Fact]
    public async Task Makes_an_access_token_with_its_limits_and_a_source_has_none_of_those_that_limit_writing()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(credential));
        var sink = SdkModels.IdOf(await nexla.AddSinkAsync(credential));
        var limits = new { name = "Quiet", no_welcome_mails = true };

        var made = await Program.CallAsync("POST", $"/data_sinks/{sink}/access_tokens", limits);
        var again = await Program.CallAsync("POST", $"/data_sinks/{sink}/access_tokens", limits);
        var refused = await Assert.ThrowsAsync<SdkException>(() => Program.CallAsync("POST", $"/data_sources/{source}/access_tokens", limits));

        Assert.True(made.GetProperty("no_welcome_mails").GetBoolean());
        Assert.Equal(SdkModels.IdOf(made), SdkModels.IdOf(again));
        Assert.Contains("no_welcome_mails", refused.Body.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_an_access_token_once()
    {
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(SdkModels.IdOf(await nexla.AddCredentialAsync())));

        var made = await Program.CallAsync("POST", $"/data_sources/{source}/access_tokens", new { name = "Client" });
        var again = await Program.CallAsync("POST", $"/data_sources/{source}/access_tokens", new { name = "Client" });
        var rotated = await Program.CallAsync("POST", $"/data_sources/{source}/access_tokens/{SdkModels.IdOf(made)}/rotate", new { overlap_hours = 1 });
        await Program.CallAsync("DELETE", $"/data_sources/{source}/access_tokens/{SdkModels.IdOf(made)}");
        var listed = await Program.CallAsync("GET", $"/data_sources/{source}/access_tokens");

        Assert.NotNull(SdkModels.TextOf(made, "access_token"));
        Assert.Equal((SdkModels.IdOf(made), null), (SdkModels.IdOf(again), SdkModels.TextOf(again, "access_token")));
        Assert.NotEqual(SdkModels.TextOf(made, "access_token"), SdkModels.TextOf(rotated, "access_token"));
        Assert.Equal(["ACTIVE", "REVOKED"], listed.EnumerateArray().Select(token => SdkModels.TextOf(token, "status")));
        Assert.DoesNotContain(SdkModels.TextOf(made, "access_token")!, listed.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Makes_one_credential_when_ReSci_hangs_and_the_program_loses_patience()
    {
        var body = JsonSerializer.Serialize(new { name = "Impatient", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey("sandbox-slow") } });
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        await Program.ObtainTokenAsync();
        for (var tries = 0; tries < 3; tries++)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SendAsync(http, body, null, patience.Token));
        }

        var (status, created) = await SendAsync(http, body, null, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, "UNVERIFIED"), (status, SdkModels.TextOf(SdkModels.Credential(created), "verified_status")));
        Assert.Equal(1, (await Program.CallAsync("GET", "/data_credentials?name=Impatient")).GetArrayLength());
    }

    [Fact]
    public async Task Makes_another_when_the_first_was_deleted_since()
    {
        var key = NexlaServer.NewKey();
        var first = SdkModels.IdOf(await nexla.AddCredentialAsync("Again", key));
        await Program.CallAsync("DELETE", $"/data_credentials/{first}");

        var second = SdkModels.IdOf(await nexla.AddCredentialAsync("Again", key));
        var third = SdkModels.IdOf(await nexla.AddCredentialAsync("Again", key));

        Assert.NotEqual(first, second);
        Assert.Equal(second, third);
    }

    [Fact]
    public async Task Goes_by_the_idempotency_key_when_there_is_one()
    {
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        await Program.ObtainTokenAsync();
        var body = JsonSerializer.Serialize(new { name = "Named", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } });

        var (_, first) = await SendAsync(http, body, "one", TestContext.Current.CancellationToken);
        var (_, repeated) = await SendAsync(http, body, "one", TestContext.Current.CancellationToken);
        var (_, other) = await SendAsync(http, body, "two", TestContext.Current.CancellationToken);

        Assert.Equal(SdkModels.IdOf(first), SdkModels.IdOf(repeated));
        Assert.NotEqual(SdkModels.IdOf(first), SdkModels.IdOf(other));
    }

    [Fact]
    public async Task Knows_what_was_made_before_after_a_restart_and_forgets_it_after_two_minutes()
    {
        using var directory = new TestDirectory();
        var time = new TurnedClock();
        var body = new { name = "Survivor", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } };
        int first;
        string serviceKey;
        await using (var server = await TestServer.StartWithOwnerAsync(directory, time))
        {
            serviceKey = await server.MakeServiceKeyAsync();
            using var program = new SdkProgram(server.Address, serviceKey);
            first = SdkModels.IdOf(await program.CallAsync("POST", "/data_credentials?save_unverified=1", body));
        }

        await using (var server = await TestServer.StartAsync(directory, time))
        {
            using var program = new SdkProgram(server.Address, serviceKey);
            time.Advance(TimeSpan.FromSeconds(100));
            Assert.Equal(first, SdkModels.IdOf(await program.CallAsync("POST", "/data_credentials?save_unverified=1", body)));
            time.Advance(TimeSpan.FromSeconds(30));
            Assert.NotEqual(first, SdkModels.IdOf(await program.CallAsync("POST", "/data_credentials?save_unverified=1", body)));
        }
    }

    /// <summary>Windows of time have an edge, and a program does not know where.</summary>
    [Fact]
    public async Task Keeps_a_new_key_that_waits_when_it_is_sent_again_across_the_edge_of_a_window()
    {
        var time = new TurnedClock();
        await using var server = await TestServer.StartWithOwnerAsync(time: time);
        using var program = new SdkProgram(server.Address, await server.MakeServiceKeyAsync());
        var credential = SdkModels.IdOf(await program.CallAsync(
            "POST", "/data_credentials?save_unverified=1", new { name = "Original", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } }));
        var path = $"/data_credentials/{credential}/pending_key?save_unverified=1";
        var body = new { credentials = new { api_key = NexlaServer.NewKey() } };
        time.Advance(TimeSpan.FromTicks(Repeats.Window.Ticks - (time.GetUtcNow().UtcTicks % Repeats.Window.Ticks) - TimeSpan.TicksPerSecond));

        await program.CallAsync("POST", path, body);
        time.Advance(TimeSpan.FromSeconds(10));
        await program.CallAsync("POST", path, body);

        Assert.Equal(2, await server.InStorageAsync(storage => storage.CredentialKeys.CountAsync()));
    }

    private async Task<(HttpStatusCode Status, JsonElement Body)> SendAsync(HttpClient http, string body, string? name, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/nexla-api/data_credentials")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/vnd.nexla.api.v1+json"),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Program.AccessToken);
        if (name is not null)
        {
            request.Headers.Add("Idempotency-Key", name);
        }

        using var answer = await http.SendAsync(request, cancellationToken);
        return (answer.StatusCode, JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancellationToken)).RootElement);
    }

    private Task<(int Credentials, int Flows, int Tokens)> CountAsync() => nexla.Server.InStorageAsync(async storage =>
        (await storage.Credentials.CountAsync(), await storage.Flows.CountAsync(), await storage.AccessTokens.CountAsync()));
}
