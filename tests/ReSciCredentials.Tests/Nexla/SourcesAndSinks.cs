using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Programs make data sources and data sinks with the calls of Nexla's SDK.</summary>
public sealed class SourcesAndSinks(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    public static TheoryData<string, string, string> Collections => new() { { "data_sources", "source_type", "source_config" }, { "data_sinks", "sink_type", "sink_config" } };

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Goes_all_the_way_from_making_one_to_its_end(string collection, string typeField, string configField)
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var created = Model(collection, await Program.CallAsync("POST", $"/{collection}", new Dictionary<string, object?>
        {
            ["name"] = "Orders",
            [typeField] = "rest",
            ["data_credentials_id"] = credential,
            ["data_set_id"] = 4711,
            [configField] = new Dictionary<string, object> { ["rest.iterations"] = new[] { new { key = "step1" } } },
        }));
        var id = SdkModels.IdOf(created);
        Assert.Equal(("ACTIVE", "rest"), (SdkModels.TextOf(created, "status"), SdkModels.TextOf(created, typeField)));
        Assert.Equal("step1", created.GetProperty(configField).GetProperty("rest.iterations")[0].GetProperty("key").GetString());

        Assert.Equal("PAUSED", SdkModels.TextOf(Model(collection, await Program.CallAsync("PUT", $"/{collection}/{id}/pause")), "status"));
        Assert.Equal("ACTIVE", SdkModels.TextOf(Model(collection, await Program.CallAsync("PUT", $"/{collection}/{id}/activate")), "status"));

        var shown = Model(collection, await Program.CallAsync("GET", $"/{collection}/{id}?expand=1"));
        Assert.Equal(credential, SdkModels.IdOf(SdkModels.Credential(shown.GetProperty("data_credentials"))));

        var changed = Model(collection, await Program.CallAsync("PUT", $"/{collection}/{id}", new Dictionary<string, object?>
        {
            ["name"] = "Renamed",
            [configField] = new { one = 1 },
        }));
        Assert.Equal("Renamed", SdkModels.TextOf(changed, "name"));
        Assert.Equal("""{"one":1}""", changed.GetProperty(configField).ToString());

        var expanded = await Program.CallAsync("GET", $"/data_credentials/{credential}?expand=1");
        Assert.Equal("Renamed", SdkModels.TextOf(Assert.Single(expanded.GetProperty(collection).EnumerateArray()), "name"));
        Assert.Contains(id, expanded.GetProperty("referenced_resource_ids").GetProperty(collection).EnumerateArray().Select(used => used.GetInt32()));

        Assert.Contains(id, (await Program.CallAsync("GET", $"/{collection}?per_page=1000")).EnumerateArray().Select(row => SdkModels.IdOf(Model(collection, row))));
        Assert.Equal(JsonValueKind.Object, (await Program.CallAsync("DELETE", $"/{collection}/{id}")).ValueKind);
        await NexlaServer.RefusedAsync(Program.CallAsync("GET", $"/{collection}/{id}"), SdkError.NotFound);
    }

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Copies_one_with_its_credential_or_with_the_same(string collection, string typeField, string configField)
    {
        Assert.NotEqual(typeField, configField);
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var original = SdkModels.IdOf(collection == "data_sources" ? await nexla.AddSourceAsync(credential) : await nexla.AddSinkAsync(credential));

        var whole = Model(collection, await Program.CallAsync("POST", $"/{collection}/{original}/copy", new { }));
        var sharing = Model(collection, await Program.CallAsync("POST", $"/{collection}/{original}/copy", new { reuse_data_credentials = true }));

        Assert.NotEqual(credential, whole.GetProperty("data_credentials_id").GetInt32());
        Assert.Equal(credential, sharing.GetProperty("data_credentials_id").GetInt32());
        Assert.Equal([original, original], new[] { whole, sharing }.Select(copy => copy.GetProperty("copied_from_id").GetInt32()));
    }

    [Fact]
    public async Task Makes_the_credential_in_the_same_step()
    {
        var created = SdkModels.Source(await Program.CallAsync("POST", "/data_sources", new
        {
            name = "With a new credential",
            data_credentials = new { name = "Inline", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } },
        }));
        var refused = await NexlaServer.RefusedAsync(
            Program.CallAsync("POST", "/data_sources", new
            {
                name = "With a refused one",
                data_credentials = new { name = "Inline, refused", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey("sandbox-refused") } },
            }),
            SdkError.Validation);

        Assert.Equal("Inline", SdkModels.TextOf(created.GetProperty("data_credentials"), "name"));
        Assert.True(refused.Body.GetProperty("errors").TryGetProperty("data_credentials.credentials.api_key", out _));
        Assert.Empty((await Program.CallAsync("GET", "/data_sources?name=With a refused one")).EnumerateArray());
    }

    [Theory]
    [InlineData("data_credentials_id", """{"name":"A","data_credentials_id":999999}""")]
    [InlineData("data_credentials_id", """{"name":"A","data_credentials_id":"abc"}""")]
    [InlineData("source_type", """{"name":"A","source_type":"s3","data_credentials_id":1}""")]
    [InlineData("vendor_endpoint_id", """{"name":"A","vendor_endpoint_id":2,"data_credentials_id":1}""")]
    [InlineData("source_config", """{"name":"A","source_config":[1],"data_credentials_id":1}""")]
    [InlineData("data_credentials.credentials_type", """{"name":"A","data_credentials":{"name":"B","credentials":{"api_key":"x"}}}""")]
    public async Task Names_the_field_that_is_at_fault(string field, string body)
    {
        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("POST", "/data_sources", JsonDocument.Parse(body).RootElement), SdkError.Validation);

        Assert.True(refused.Body.GetProperty("errors").TryGetProperty(field, out _), refused.Body.ToString());
    }

    [Fact]
    public async Task Keeps_a_credential_that_is_in_use()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var sink = SdkModels.IdOf(await nexla.AddSinkAsync(credential));

        var refused = await NexlaServer.RefusedAsync(Program.CallAsync("DELETE", $"/data_credentials/{credential}"), SdkError.ResourceConflict);

        Assert.Equal("in_use", SdkModels.TextOf(refused.Body, "error"));
        Assert.Equal([sink], refused.Body.GetProperty("referenced_resource_ids").GetProperty("data_sinks").EnumerateArray().Select(used => used.GetInt32()));
    }

    [Fact]
    public async Task Refuses_a_key_in_what_is_shown()
    {
        var key = NexlaServer.NewKey();
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync(key: key));

        var refused = await NexlaServer.RefusedAsync(
            Program.CallAsync("POST", "/data_sources", new { name = "A", data_credentials_id = credential, source_config = new { header = $"ApiKey {key}" } }),
            SdkError.Validation);

        Assert.True(refused.Body.GetProperty("errors").TryGetProperty("source_config", out _), refused.Body.ToString());
    }

    private static JsonElement Model(string collection, JsonElement answer) => collection == "data_sources" ? SdkModels.Source(answer) : SdkModels.Sink(answer);
}
