using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Whoever copies a configuration from elsewhere may have a key in it that is kept here under another name. What is shown must not show it.</summary>
public sealed class AKeyOfAnotherCredential(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Theory]
    [InlineData("data_sources", "source_config")]
    [InlineData("data_sinks", "sink_config")]
    public async Task Is_refused_in_the_config_of_a_source_or_destination(string collection, string configField)
    {
        var key = NexlaServer.NewKey();
        await nexla.AddCredentialAsync(key: key);
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        Dictionary<string, object?> Body(int? id) => new()
        {
            ["name"] = "Orders",
            ["data_credentials_id"] = id,
            [configField] = new Dictionary<string, object> { ["headers"] = new[] { $"Authorization: ApiKey {key}" } },
        };
        var plain = SdkModels.IdOf(await Program.CallAsync("POST", $"/{collection}", new { name = "Orders", data_credentials_id = credential }));

        Task<JsonElement>[] calls =
        [
            Program.CallAsync("POST", $"/{collection}", Body(credential)),
            Program.CallAsync("POST", $"/{collection}", Body(null)),
            Program.CallAsync("PUT", $"/{collection}/{plain}", Body(credential)),
        ];

        await RefusedAsync(calls, configField, key);
    }

    [Fact]
    public async Task Is_refused_in_a_name_a_description_or_a_tag()
    {
        var key = NexlaServer.NewKey();
        await nexla.AddCredentialAsync(key: key);
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        object With(string name, string description, string tag) =>
            new { name, description, tags = new[] { tag }, credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } };

        await RefusedAsync([Program.CallAsync("POST", "/data_credentials", With($"Of {key}", "", ""))], "name", key);
        await RefusedAsync([Program.CallAsync("POST", "/data_credentials", With("A", $"Was {key}", ""))], "description", key);
        await RefusedAsync([Program.CallAsync("POST", "/data_credentials", With("A", "", key))], "tags", key);
        await RefusedAsync([Program.CallAsync("PUT", $"/data_credentials/{credential}", new { description = $"Was {key}" })], "description", key);
    }

    /// <summary>Or the answer would tell that somebody has it.</summary>
    [Fact]
    public async Task Is_not_known_to_who_may_not_see_that_credential()
    {
        var key = NexlaServer.NewKey();
        await nexla.AddCredentialAsync(key: key);
        var (_, stranger) = await nexla.AddMemberAsync("Sam Stranger");
        using var program = stranger;

        var made = await program.CallAsync("POST", "/data_sources", new { name = "Orders", source_config = new { key } });

        Assert.Equal("INIT", SdkModels.TextOf(made, "status"));
    }

    private static async Task RefusedAsync(IEnumerable<Task<JsonElement>> calls, string field, string key)
    {
        foreach (var call in calls)
        {
            var refused = await NexlaServer.RefusedAsync(call, SdkError.Validation);
            Assert.Contains("contains the API key", refused.Body.GetProperty("errors").GetProperty(field)[0].GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(key, refused.Body.ToString(), StringComparison.Ordinal);
        }
    }
}
