using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Programs keep tags with what they make, and look for it by them.</summary>
public sealed class KeepingTags(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    public static TheoryData<string> Collections => ["data_credentials", "data_sources", "data_sinks"];

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Gives_back_what_was_sent_in_its_order_trimmed_and_each_once(string collection)
    {
        var id = await MakeAsync(collection, " nightly ", "Zürich, 日本", "", "nightly", null);

        Assert.Equal(["nightly", "Zürich, 日本"], TagsOf(await Program.CallAsync("GET", $"/{collection}/{id}")));
    }

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Finds_one_by_a_whole_tag_as_it_is_written(string collection)
    {
        var tag = $"Tag {Guid.NewGuid():N}";
        var id = await MakeAsync(collection, "other", tag);
        await MakeAsync(collection, $"{tag} and more");

        async Task<IEnumerable<int>> FindAsync(string wanted) =>
            (await Program.CallAsync("GET", $"/{collection}?tag={Uri.EscapeDataString(wanted)}")).EnumerateArray().Select(SdkModels.IdOf);

        Assert.Equal([id], await FindAsync(tag));
        Assert.Empty(await FindAsync(tag.ToUpperInvariant()));
        Assert.Empty(await FindAsync(tag[..^1]));
    }

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Replaces_them_all_and_leaves_them_when_none_are_sent(string collection)
    {
        var id = await MakeAsync(collection, "one", "two");

        Assert.Equal(["one", "two"], TagsOf(await Program.CallAsync("PUT", $"/{collection}/{id}", new { name = "Renamed" })));
        Assert.Equal(["three"], TagsOf(await Program.CallAsync("PUT", $"/{collection}/{id}", TaggedWith("three"))));
        Assert.Empty(TagsOf(await Program.CallAsync("PATCH", $"/{collection}/{id}", TaggedWith())));
    }

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Writes_down_what_they_were_and_are(string collection)
    {
        var id = await MakeAsync(collection, "one");
        await Program.CallAsync("PUT", $"/{collection}/{id}", TaggedWith("one", "two"));

        var entries = (await Program.CallAsync("GET", $"/{collection}/{id}/audit_log?change_filter=tags")).EnumerateArray().ToList();

        Assert.Equal("""["one"]["one","two"]""", string.Concat(ChangeOf(entries[0]).EnumerateArray()));
        Assert.Equal("""[]["one"]""", string.Concat(ChangeOf(entries[1]).EnumerateArray()));

        static JsonElement ChangeOf(JsonElement entry) => entry.GetProperty("object_changes").GetProperty("tags");
    }

    [Theory]
    [MemberData(nameof(Collections))]
    public async Task Gives_a_copy_the_same(string collection)
    {
        var id = await MakeAsync(collection, "one", "two");

        Assert.Equal(["one", "two"], TagsOf(await Program.CallAsync("POST", $"/{collection}/{id}/copy", new { })));
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "\"nightly\"", "wrong type" },
        { "[1]", "wrong type" },
        { $"[\"{new string('x', 101)}\"]", "Shorten it to 100" },
        { "[\"two\\nlines\"]", "line break" },
        { $"[{string.Join(',', Enumerable.Range(1, 51).Select(number => $"\"{number}\""))}]", "Send 50 at most" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Says_what_is_at_fault_with_them(string tags, string message)
    {
        var id = await MakeAsync("data_sources", "one");
        var credential = await MakeAsync("data_credentials", "one");
        string[] calls =
        [
            $$"""POST /data_sources {"name":"A","tags":{{tags}}}""",
            $$"""PUT /data_sources/{{id}} {"tags":{{tags}}}""",
            $$"""POST /data_credentials {"name":"A","credentials_type":"resci","credentials":{"api_key":"{{NexlaServer.NewKey()}}"},"tags":{{tags}}}""",
            $$"""PUT /data_credentials/{{credential}} {"tags":{{tags}}}""",
        ];
        foreach (var call in calls.Select(call => call.Split(' ', 3)))
        {
            var refused = await NexlaServer.RefusedAsync(Program.CallAsync(call[0], call[1], JsonDocument.Parse(call[2]).RootElement), SdkError.Validation);

            Assert.Contains(message, refused.Body.GetProperty("errors").GetProperty("tags")[0].GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Refuses_a_key_among_them()
    {
        var key = NexlaServer.NewKey();
        object Body(string name) => new { name, credentials_type = "resci", credentials = new { api_key = key }, tags = new[] { $"it is {key}" } };
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync(key: key));
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(credential));

        Task<JsonElement>[] calls =
        [
            Program.CallAsync("POST", "/data_credentials", Body("A")),
            Program.CallAsync("PUT", $"/data_credentials/{credential}", new { tags = new[] { key } }),
            Program.CallAsync("PUT", $"/data_credentials/{credential}", new { credentials = new { api_key = key }, tags = new[] { key } }),
            Program.CallAsync("PUT", $"/data_sources/{source}", new { tags = new[] { key } }),
            Program.CallAsync("POST", "/data_sources", new { name = "A", data_credentials_id = credential, tags = new[] { key } }),
        ];

        foreach (var call in calls)
        {
            var refused = await NexlaServer.RefusedAsync(call, SdkError.Validation);
            Assert.Contains("A tag contains the API key", refused.Body.GetProperty("errors").GetProperty("tags")[0].GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(key, refused.Body.ToString(), StringComparison.Ordinal);
        }
    }

    private static object TaggedWith(params string[] tags) => new { tags };

    private static string[] TagsOf(JsonElement model) => [.. model.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()!)];

    private async Task<int> MakeAsync(string collection, params string?[] tags) => SdkModels.IdOf(await Program.CallAsync(
        "POST",
        $"/{collection}",
        collection == "data_credentials"
            ? new { name = "Tagged", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() }, tags }
            : new { name = $"Tagged {Guid.NewGuid():N}", data_credentials_id = SdkModels.IdOf(await nexla.AddCredentialAsync()), tags }));
}
