using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Programs make, read, change and delete credentials with the calls of Nexla's SDK.</summary>
public sealed class KeepingCredentials(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Fact]
    public async Task Goes_all_the_way_from_making_one_to_its_end()
    {
        var key = NexlaServer.NewKey();
        var created = SdkModels.Credential(await Program.CallAsync("POST", "/data_credentials", new
        {
            name = "From the SDK",
            description = "Nightly",
            credentials_type = "rest",
            credentials = new Dictionary<string, object>
            {
                ["auth.type"] = "API_KEY",
                ["api.key.include.mode"] = "HEADER",
                ["api.key.auth.key"] = "Authorization",
                ["api.key.auth.value"] = $"ApiKey {key}",
                ["test.method"] = "GET",
                ["test.content.type"] = "application/json",
                ["skip.validation"] = false,
            },
        }));
        var id = SdkModels.IdOf(created);
        Assert.Equal(("rest", "VERIFIED", "1"), (SdkModels.TextOf(created, "credentials_type"), SdkModels.TextOf(created, "verified_status"), SdkModels.TextOf(created, "credentials_version")));

        var shown = SdkModels.Credential(await Program.CallAsync("GET", $"/data_credentials/{id}"));
        Assert.Equal("HEADER", shown.GetProperty("credentials_non_secure_data").GetProperty("api.key.include.mode").GetString());

        var renamed = SdkModels.Credential(await Program.CallAsync("PUT", $"/data_credentials/{id}", new { name = "Renamed" }));
        Assert.Equal(("Renamed", "Nightly"), (SdkModels.TextOf(renamed, "name"), SdkModels.TextOf(renamed, "description")));
        Assert.Equal(SdkModels.TextOf(shown, "key_fingerprint"), SdkModels.TextOf(renamed, "key_fingerprint"));

        var replaced = SdkModels.Credential(await Program.CallAsync(
            "PUT", $"/data_credentials/{id}", new { credentials = new { api_key = NexlaServer.NewKey() } }));
        Assert.NotEqual(SdkModels.TextOf(shown, "key_fingerprint"), SdkModels.TextOf(replaced, "key_fingerprint"));
        Assert.Equal(("2", "VERIFIED"), (SdkModels.TextOf(replaced, "credentials_version"), SdkModels.TextOf(replaced, "verified_status")));

        var listed = await Program.CallAsync("GET", "/data_credentials?page=1&per_page=100");
        Assert.Contains(listed.EnumerateArray(), row => SdkModels.IdOf(SdkModels.Credential(row)) == id);

        Assert.Equal(JsonValueKind.Object, (await Program.CallAsync("DELETE", $"/data_credentials/{id}")).ValueKind);
        var gone = await NexlaServer.RefusedAsync(Program.CallAsync("GET", $"/data_credentials/{id}"), SdkError.NotFound);
        Assert.Equal(("credential", $"{id}"), (SdkModels.TextOf(gone.Body, "resource_type"), SdkModels.TextOf(gone.Body, "resource_id")));
    }

    [Theory]
    [InlineData("""{"credentials_type":"resci","credentials":{"api_key":"KEY"}}""")]
    [InlineData("""{"credentials_type":"resci","credentials":{"api_key":" \"ApiKey KEY\"\n"}}""")]
    [InlineData("""{"credentials_type":"rest","auth_template_id":12,"vendor_id":7,"template_config":{"api_key":"KEY"}}""")]
    [InlineData("""{"credentials_type":"rest","template_config":{"api_key_value":"KEY"}}""")]
    [InlineData("""{"credentials_type":"rest","template_config":{"api.key.auth.value":"ApiKey KEY"}}""")]
    public async Task Takes_the_key_in_each_form(string body)
    {
        var sent = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(body.Replace("KEY", NexlaServer.NewKey(), StringComparison.Ordinal))!;
        sent["name"] = JsonSerializer.SerializeToElement("One of several");

        var created = SdkModels.Credential(await Program.CallAsync("POST", "/data_credentials", sent));

        Assert.Equal("VERIFIED", SdkModels.TextOf(created, "verified_status"));
    }

    [Theory]
    [InlineData("name", """{"name":"  ","credentials_type":"resci","credentials":{"api_key":"KEY"}}""")]
    [InlineData("name", """{"credentials_type":"resci","credentials":{"api_key":"KEY"}}""")]
    [InlineData("name", """{"name":17,"credentials_type":"resci","credentials":{"api_key":"KEY"}}""")]
    [InlineData("credentials_type", """{"name":"A","credentials":{"api_key":"KEY"}}""")]
    [InlineData("credentials_type", """{"name":"A","credentials_type":"s3","credentials":{"api_key":"KEY"}}""")]
    [InlineData("credentials", """{"name":"A","credentials_type":"resci"}""")]
    [InlineData("credentials", """{"name":"A","credentials_type":"resci","credentials":"KEY"}""")]
    [InlineData("credentials.api_key", """{"name":"A","credentials_type":"resci","credentials":{}}""")]
    [InlineData("credentials.api_key", """{"name":"A","credentials_type":"resci","credentials":{"api_key":["KEY"]}}""")]
    [InlineData("credentials.api_key", """{"name":"A","credentials_type":"resci","credentials":{"api_key":"KEY KEY"}}""")]
    [InlineData("credentials.api_key", """{"name":"A","credentials_type":"resci","credentials":{"api_key":"ApiKey ApiKey KEY"}}""")]
    [InlineData("credentials.test.url", """{"name":"A","credentials_type":"rest","credentials":{"api_key":"KEY","test.url":"https://example.com/v3"}}""")]
    [InlineData("credentials.api.key.include.mode", """{"name":"A","credentials_type":"rest","credentials":{"api_key":"KEY","api.key.include.mode":"URL_PARAMETER"}}""")]
    [InlineData("credentials.api.key.auth.key", """{"name":"A","credentials_type":"rest","credentials":{"api_key":"KEY","api.key.auth.key":"X-Key"}}""")]
    [InlineData("credentials.ignore.ssl.cert.validation", """{"name":"A","credentials_type":"rest","credentials":{"api_key":"KEY","ignore.ssl.cert.validation":true}}""")]
    [InlineData("credentials.request.headers", """{"name":"A","credentials_type":"rest","credentials":{"api_key":"KEY","request.headers":{"X":"1"}}}""")]
    [InlineData("credentials.skip.validation", """{"name":"A","credentials_type":"rest","credentials":{"api_key":"KEY","skip.validation":"perhaps"}}""")]
    [InlineData("description", """{"name":"A","description":"It is KEY","credentials_type":"resci","credentials":{"api_key":"KEY"}}""")]
    public async Task Names_the_field_that_is_at_fault(string field, string body)
    {
        var key = NexlaServer.NewKey();
        var sent = JsonDocument.Parse(body.Replace("KEY", key, StringComparison.Ordinal)).RootElement;

        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("POST", "/data_credentials", sent), SdkError.Validation);

        Assert.Equal("validation_failed", SdkModels.TextOf(refused.Body, "error"));
        Assert.NotEmpty(refused.Body.GetProperty("errors").GetProperty(field).EnumerateArray());
        Assert.DoesNotContain(key, refused.Body.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Saves_nothing_when_ReSci_refuses_the_key()
    {
        var refused = await NexlaServer.RefusedAsync(nexla.AddCredentialAsync("Refused", NexlaServer.NewKey("sandbox-refused")), SdkError.Validation);

        Assert.Equal("key_rejected", SdkModels.TextOf(refused.Body, "error"));
        Assert.Empty((await Program.CallAsync("GET", "/data_credentials?name=Refused")).EnumerateArray());
    }

    [Theory]
    [InlineData("sandbox-failing", "")]
    [InlineData("sandbox-refused", "?save_unverified=1")]
    public async Task Saves_it_unverified_when_ReSci_cannot_tell_or_is_not_asked(string kind, string query)
    {
        var created = await nexla.AddCredentialAsync("Unverified", NexlaServer.NewKey(kind), query);

        Assert.Equal("UNVERIFIED", SdkModels.TextOf(created, "verified_status"));
        Assert.Equal(query.Length == 0, SdkModels.TextOf(created, "check_result") is not null);
    }

    [Fact]
    public async Task Keeps_the_old_key_when_ReSci_refuses_the_new_one()
    {
        var before = await nexla.AddCredentialAsync();
        var id = SdkModels.IdOf(before);

        await NexlaServer.RefusedAsync(
            Program.CallAsync("PUT", $"/data_credentials/{id}", new { name = "Changed", credentials = new { api_key = NexlaServer.NewKey("sandbox-refused") } }),
            SdkError.Validation);

        var after = await Program.CallAsync("GET", $"/data_credentials/{id}");
        Assert.Equal(SdkModels.TextOf(before, "key_fingerprint"), SdkModels.TextOf(after, "key_fingerprint"));
        Assert.Equal("Production", SdkModels.TextOf(after, "name"));
    }

    [Fact]
    public async Task Clears_a_description_by_a_null_that_is_sent()
    {
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync());
        await Program.CallAsync("PATCH", $"/data_credentials/{id}", new { description = "Old" });

        var cleared = SdkModels.Credential(await Program.CallAsync("PUT", $"/data_credentials/{id}", new { description = (string?)null, unknown_field = 1 }));

        Assert.Null(SdkModels.TextOf(cleared, "description"));
    }

    [Theory]
    [InlineData("rest", true)]
    [InlineData("resci", true)]
    [InlineData("s3", false)]
    public async Task Finds_ours_by_connection_type_and_by_vendor(string type, bool found)
    {
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync());

        var listed = await Program.CallAsync("GET", $"/data_credentials?credentials_type={type}");

        Assert.Equal(found, listed.EnumerateArray().Any(row => SdkModels.IdOf(row) == id));
    }

    [Fact]
    public async Task Copies_the_key_inside_the_server()
    {
        var original = await nexla.AddCredentialAsync();

        var copy = SdkModels.Credential(await Program.CallAsync("POST", $"/data_credentials/{SdkModels.IdOf(original)}/copy", new { }));

        Assert.NotEqual(SdkModels.IdOf(original), SdkModels.IdOf(copy));
        Assert.Equal(SdkModels.IdOf(original), copy.GetProperty("copied_from_id").GetInt32());
        Assert.Equal(SdkModels.TextOf(original, "key_fingerprint"), SdkModels.TextOf(copy, "key_fingerprint"));
    }

    [Fact]
    public async Task Replaces_a_key_step_by_step()
    {
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync());

        var waiting = await Program.CallAsync("POST", $"/data_credentials/{id}/pending_key", new { credentials = new { api_key = NexlaServer.NewKey() } });
        var tested = await Program.CallAsync("POST", $"/data_credentials/{id}/pending_key/probe", new { });
        var promoted = await Program.CallAsync("POST", $"/data_credentials/{id}/pending_key/promote", new { });
        var rolledBack = await Program.CallAsync("POST", $"/data_credentials/{id}/previous_key/roll_back", new { });
        var dropped = await Program.CallAsync("DELETE", $"/data_credentials/{id}/pending_key");

        Assert.Equal("success", SdkModels.TextOf(tested.GetProperty("pending"), "status"));
        Assert.Equal(Fingerprint(waiting.GetProperty("pending").GetProperty("key")), Fingerprint(promoted.GetProperty("current")));
        Assert.Equal(Fingerprint(waiting.GetProperty("current")), Fingerprint(rolledBack.GetProperty("current")));
        Assert.Equal(JsonValueKind.Null, dropped.GetProperty("pending").ValueKind);
        var nothing = await NexlaServer.RefusedAsync(Program.CallAsync("DELETE", $"/data_credentials/{id}/pending_key"), SdkError.ResourceConflict);
        Assert.Equal("no_such_key", SdkModels.TextOf(nothing.Body, "error"));

        static string? Fingerprint(JsonElement key) => SdkModels.TextOf(key, "fingerprint");
    }

    [Fact]
    public async Task Lists_in_pages_that_lose_nothing()
    {
        var (_, program) = await nexla.AddMemberAsync($"Lister{Guid.NewGuid():N}");
        using (program)
        {
            for (var number = 1; number <= 45; number++)
            {
                await nexla.AddCredentialAsync($"Number {number}", query: "?save_unverified=1", program: program);
            }

            foreach (var size in new[] { 20, 45 })
            {
                // As the SDK's paginator does: page after page, up to the first that is short.
                List<int> seen = [];
                for (var page = 1; ; page++)
                {
                    var rows = (await program.CallAsync("GET", $"/data_credentials?page={page}&per_page={size}")).EnumerateArray().Select(SdkModels.IdOf).ToList();
                    seen.AddRange(rows);
                    if (rows.Count < size)
                    {
                        break;
                    }
                }

                Assert.Equal(45, seen.Distinct().Count());
                Assert.Equal(seen.Order(), seen);
            }

            Assert.Equal(45, (await program.CallAsync("GET", "/data_credentials")).GetArrayLength());
            Assert.Empty((await program.CallAsync("GET", "/data_credentials?page=9999&per_page=1000")).EnumerateArray());
            Assert.Contains("X-Total-Count: 45", program.Answers, StringComparison.Ordinal);
            Assert.Contains("rel=\"next\"", program.Answers, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("per_page=1001", "per_page")]
    [InlineData("per_page=0", "per_page")]
    [InlineData("page=0", "page")]
    [InlineData("page=x", "page")]
    [InlineData("access_role=king", "access_role")]
    [InlineData("sort=colour", "sort")]
    [InlineData("verified_status=maybe", "verified_status")]
    public async Task Refuses_a_page_that_it_cannot_give(string query, string field)
    {
        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("GET", $"/data_credentials?{query}"), SdkError.Validation);

        Assert.True(refused.Body.GetProperty("errors").TryGetProperty(field, out _));
    }
}
