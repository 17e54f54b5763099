using System.Net;
using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>A program makes a data source or data sink with its name alone, and gives it a credential later.</summary>
public sealed class WaitingForACredential(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string> Collections => new()
    {
        { "data_sources", "source_type", "list_import_jobs" },
        { "data_sinks", "sink_type", "create_import_job" },
    };

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Needs_its_name_alone(string collection, string typeField, string endpoint)
    {
        var made = Model(collection, await MakeAsync(collection));

        Assert.Equal(("INIT", "rest"), (SdkModels.TextOf(made, "status"), SdkModels.TextOf(made, typeField)));
        Assert.Equal(endpoint, SdkModels.TextOf(made.GetProperty("vendor_endpoint"), "name"));
        Assert.Equal(JsonValueKind.Null, made.GetProperty("data_credentials_id").ValueKind);
        Assert.False(made.TryGetProperty("data_credentials", out _));
        Assert.Contains(
            (await Program.CallAsync("GET", $"/{collection}?per_page=1000")).EnumerateArray(),
            row => SdkModels.IdOf(Model(collection, row)) == SdkModels.IdOf(made));
    }

    [Theory]
    [InlineData("data_sources")]
    [InlineData("data_sinks")]
    public async Task Does_nothing_until_it_has_one(string collection)
    {
        var id = SdkModels.IdOf(await MakeAsync(collection));

        var activation = await NexlaServer.RefusedAsync(Program.CallAsync("PUT", $"/{collection}/{id}/activate"), SdkError.Validation);
        var token = await NexlaServer.RefusedAsync(Program.CallAsync("POST", $"/{collection}/{id}/access_tokens", new { name = "Nightly" }), SdkError.Validation);
        var paused = await Program.CallAsync("PUT", $"/{collection}/{id}/pause");

        Assert.Contains("no credential yet", activation.Body.GetProperty("errors").GetProperty("data_credentials_id")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("no credential yet", SdkModels.TextOf(token.Body, "message"), StringComparison.Ordinal);
        Assert.Equal("INIT", SdkModels.TextOf(paused, "status"));
        Assert.Empty((await Program.CallAsync("GET", $"/{collection}/{id}/access_tokens")).EnumerateArray());
    }

    [Theory]
    [InlineData("data_sources")]
    [InlineData("data_sinks")]
    public async Task Is_active_with_the_first_one(string collection)
    {
        var id = SdkModels.IdOf(await MakeAsync(collection));
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());

        var given = Model(collection, await Program.CallAsync("PUT", $"/{collection}/{id}", new { data_credentials_id = credential }));

        Assert.Equal("ACTIVE", SdkModels.TextOf(given, "status"));
        Assert.Equal(credential, SdkModels.IdOf(given.GetProperty("data_credentials")));
        await Program.CallAsync("POST", $"/{collection}/{id}/access_tokens", new { name = "Nightly" });
        await NexlaServer.RefusedAsync(Program.CallAsync("DELETE", $"/data_credentials/{credential}"), SdkError.ResourceConflict);
        var change = (await Program.CallAsync("GET", $"/{collection}/{id}/audit_log?event_filter=update"))[0].GetProperty("object_changes");
        Assert.Equal(["INIT", "ACTIVE"], change.GetProperty("status").EnumerateArray().Select(value => value.GetString()!));
        Assert.Equal($"[null,{credential}]", change.GetProperty("data_credentials_id").GetRawText());
        var uses = (await Program.CallAsync("GET", $"/data_credentials/{credential}/audit_log")).EnumerateArray().Select(entry => SdkModels.TextOf(entry, "event"));
        Assert.Contains("association_added", uses);
        Assert.DoesNotContain("association_removed", uses);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"reuse_data_credentials":true}""")]
    public async Task Has_copies_that_wait_as_well(string body)
    {
        var id = SdkModels.IdOf(await MakeAsync("data_sources"));

        var copy = SdkModels.Source(await Program.CallAsync("POST", $"/data_sources/{id}/copy", JsonDocument.Parse(body).RootElement));

        Assert.Equal(("INIT", id), (SdkModels.TextOf(copy, "status"), copy.GetProperty("copied_from_id").GetInt32()));
    }

    [Fact]
    public async Task Is_deleted_as_any_other()
    {
        var id = SdkModels.IdOf(await MakeAsync("data_sinks"));

        await Program.CallAsync("DELETE", $"/data_sinks/{id}");

        await NexlaServer.RefusedAsync(Program.CallAsync("GET", $"/data_sinks/{id}"), SdkError.NotFound);
    }

    [Theory]
    [InlineData("name", """{"source_type":"rest"}""")]
    [InlineData("data_credentials_id", """{"name":"A","data_credentials_id":999999}""")]
    [InlineData("ingest_method", """{"name":"A","ingest_method":"two\nlines"}""")]
    public async Task Is_lenient_about_nothing_else(string field, string body)
    {
        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("POST", "/data_sources", JsonDocument.Parse(body).RootElement), SdkError.Validation);

        Assert.Equal([field], refused.Body.GetProperty("errors").EnumerateObject().Select(error => error.Name));
    }

    [Fact]
    public async Task Keeps_how_a_program_says_that_it_reads()
    {
        var made = SdkModels.Source(await Program.CallAsync("POST", "/data_sources", new { name = "Polled", ingest_method = " POLL " }));
        var copy = SdkModels.Source(await Program.CallAsync("POST", $"/data_sources/{SdkModels.IdOf(made)}/copy", new { }));

        Assert.Equal(["POLL", "POLL"], new[] { made, copy }.Select(source => SdkModels.TextOf(source, "ingest_method")!));
    }

    [Fact]
    public async Task Does_not_get_one_whose_key_stands_in_what_it_shows()
    {
        var key = NexlaServer.NewKey();
        var id = SdkModels.IdOf(await Program.CallAsync("POST", "/data_sources", new { name = "Early", source_config = new { header = $"ApiKey {key}" } }));
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync(key: key));

        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("PUT", $"/data_sources/{id}", new { data_credentials_id = credential }), SdkError.Validation);
        var given = await Program.CallAsync("PUT", $"/data_sources/{id}", new { data_credentials_id = credential, source_config = new { } });

        Assert.True(refused.Body.GetProperty("errors").TryGetProperty("source_config", out _), refused.Body.ToString());
        Assert.Equal("ACTIVE", SdkModels.TextOf(given, "status"));
    }

    [Fact]
    public async Task Opens_nothing_to_a_token_that_is_there_all_the_same()
    {
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(SdkModels.IdOf(await nexla.AddCredentialAsync())));
        var token = SdkModels.TextOf(await Program.CallAsync("POST", $"/data_sources/{source}/access_tokens", new { name = "Nightly" }), "access_token");
        await nexla.Server.Directory.SqlAsync("UPDATE flows SET CredentialId = NULL, Status = 'Init' WHERE Id = $id", ("$id", source));
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/resci/v3/import_jobs");
        request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");

        using var answer = await http.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.Forbidden, "not_allowed"), (answer.StatusCode, answer.Headers.GetValues("X-Broker-Error").Single()));
        Assert.Contains("has no credential yet", await answer.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_so_on_its_page_and_in_the_list()
    {
        var id = SdkModels.IdOf(await MakeAsync("data_sources"));
        using var owner = await nexla.Server.SignInAsync();

        var list = await owner.Http.GetStringAsync("/", Cancellation);
        var page = await owner.Http.GetStringAsync($"/sources/{id}", Cancellation);

        Assert.Contains($"href=\"/sources/{id}#choose-credential\"", list, StringComparison.Ordinal);
        Assert.Contains("It has no credential yet", page, StringComparison.Ordinal);
        Assert.Contains("id=\"choose-credential\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("new-access-token\" command", page, StringComparison.Ordinal);
    }

    private static JsonElement Model(string collection, JsonElement answer) => collection == "data_sources" ? SdkModels.Source(answer) : SdkModels.Sink(answer);

    private Task<JsonElement> MakeAsync(string collection) => Program.CallAsync("POST", $"/{collection}", new { name = $"Early {Guid.NewGuid():N}" });
}
