using System.Text;
using System.Text.Json;
using ReSciCredentials.ReSci;
using ReSciSandbox;

namespace ReSciCredentials.Tests.ReSci;

public sealed class SamplingData
{
    private const string Key = "Planted+Key/7f3a-91c2~x";

    [Fact]
    public async Task Shows_ten_records_of_the_sandbox_as_a_table()
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        var sample = (await asking.FetchSampleAsync()).Sample!;

        Assert.Equal(["id", "import_type", "status", "streams", "bytes", "created_at"], sample.Columns);
        Assert.Equal((10, "singer_import_config", """["users"]"""), (sample.Rows.Count, sample.Rows[0][1], sample.Rows[0][3]));
    }

    [Theory]
    [InlineData("""[{"id":1},{"id":2}]""")]
    [InlineData("""{"data":[{"id":1},{"id":2}]}""")]
    [InlineData("""{"errors":[],"meta":{"ids":[1,2,3]},"page":1,"data":[{"id":1},{"id":2}],"links":[]}""")]
    [InlineData("\u00EF\u00BB\u00BF[{\"id\":1},{\"id\":2}]")]
    public async Task Finds_the_records_in_any_likely_envelope(string body)
    {
        var sample = await SampleOfAsync(body);

        Assert.Equal([["id"], ["1"], ["2"]], sample.Rows.Prepend(sample.Columns));
    }

    [Fact]
    public async Task Takes_an_object_without_a_list_as_one_record()
    {
        var sample = await SampleOfAsync("""{"id":1,"status":"completed"}""");

        Assert.Equal(["1", "completed"], Assert.Single(sample.Rows));
    }

    [Fact]
    public async Task Has_a_column_for_what_only_some_records_have()
    {
        var sample = await SampleOfAsync("""[{"id":1},{"name":"n","id":null},7]""");

        Assert.Equal([["1", "", ""], ["", "n", ""], ["", "", "7"]], sample.Rows);
    }

    [Fact]
    public async Task Is_bounded_in_every_direction()
    {
        var record = string.Join(',', Enumerable.Range(0, 14).Select(i => $"\"column{i}\":\"{new string('x', 300)}\""));
        var sample = await SampleOfAsync($"[{string.Join(',', Enumerable.Repeat($"{{{record}}}", 500))}]");

        Assert.Equal(
            (10, 12, 200, 16 * 1024),
            (sample.Rows.Count, sample.Columns.Count, sample.Rows.Max(row => row.Max(cell => cell.Length)), sample.Json.Length));
    }

    [Fact]
    public async Task Shows_the_complete_records_of_an_answer_that_never_ends()
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        Assert.Equal(10, (await asking.FetchSampleAsync(SandboxKeys.Endless)).Sample!.Rows.Count);
    }

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("\"\u00FF\u00FE\"")]
    public async Task Leaves_out_a_record_that_is_not_text(string broken)
    {
        var sample = await SampleOfAsync($$"""[{"id":{{broken}}},{"id":2}]""");

        Assert.Equal(["2"], Assert.Single(sample.Rows));
    }

    [Fact]
    public async Task Gives_no_sample_when_the_key_is_refused()
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        var result = await asking.FetchSampleAsync(SandboxKeys.Refused);

        Assert.Equal((VerdictStep.Refused, null), (result.Verdict.Step, result.Sample));
    }

    [Fact]
    public async Task Never_calls_an_endpoint_that_writes()
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        await Assert.ThrowsAsync<ArgumentException>(() => asking.FetchSampleAsync(endpoint: "create_import_job"));
        Assert.Empty(sandbox.Received);
    }

    [Fact]
    public async Task Shows_nothing_of_a_key_that_the_sandbox_echoes()
    {
        const string Marked = "sandbox-echo-Marked0815";
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        var sample = (await asking.FetchSampleAsync(Marked)).Sample!;

        Assert.Single(sample.Rows);
        Assert.DoesNotContain("Marked0815", TextOf(sample), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Convert.ToHexStringLower("Marked0815"u8), TextOf(sample), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("TWFya2VkMDgx", TextOf(sample), StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Spellings
    {
        get
        {
            var bytes = Encoding.ASCII.GetBytes(Key);
            var percent = string.Concat(bytes.Select(value => $"%{value:x2}"));
            TheoryData<string, string> spellings = new()
            {
                { "other case", Key.ToUpperInvariant() },
                { "URL-encoded", Uri.EscapeDataString(Key) },
                { "URL-encoded whole", percent },
                { "URL-encoded twice", Uri.EscapeDataString(percent) },
                { "URL-encoded in part", Key.Replace("t", "%74", StringComparison.Ordinal) },
                { "hex", Convert.ToHexString(bytes) },
                { "hex with colons", string.Join(':', bytes.Select(value => $"{value:x2}")) },
                { "HTML", string.Concat(Key.Select(character => $"&#{(int)character};")) },
                { "JSON escapes in text", string.Concat(Key.Select(character => $"\\u{(int)character:x4}")) },
                { "broken by spaces", string.Join(' ', Key.Chunk(4).Select(part => new string(part))) },
                { "base64 of UTF-16", Convert.ToBase64String(Encoding.Unicode.GetBytes(Key)) },
                { "base64 in lines", string.Join('\n', Convert.ToBase64String(bytes).Chunk(8).Select(part => new string(part))) },
            };
            foreach (var before in new[] { "", "a", "ab", "abc", "ApiKey " })
            {
                var base64 = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{before}{Key} and more"));
                spellings.Add($"base64 behind '{before}'", base64);
                spellings.Add($"base64url behind '{before}'", base64.Replace('+', '-').Replace('/', '_').TrimEnd('='));
                spellings.Add($"base64 URL-encoded behind '{before}'", Uri.EscapeDataString(base64));
            }

            return spellings;
        }
    }

    [Theory]
    [MemberData(nameof(Spellings))]
    public async Task Keeps_the_key_back_in_every_spelling(string name, string spelled)
    {
        var text = JsonSerializer.Serialize($"before {spelled} after");
        var sample = await SampleOfAsync($$"""[{"id":1,"text":{{text}},"nested":{"deep":[{{text}}]},{{text}}:0}]""");

        // The spelling in whole, its halves too: a cut at either end must not leave the rest of it.
        var halves = new[] { spelled[..(spelled.Length / 2)], spelled[(spelled.Length / 2)..] };
        Assert.True(
            !halves.Any(half => TextOf(sample).Contains(half, StringComparison.Ordinal)) && sample.Rows[0][0] == "1",
            $"{name}: {TextOf(sample)}");
    }

    [Fact]
    public async Task Masks_the_key_in_place_and_leaves_the_rest_of_the_text()
    {
        var sample = await SampleOfAsync($$"""[{"text":"You sent {{Key}}, thank you"}]""");

        Assert.Equal("You sent ••••••••, thank you", sample.Rows[0][0]);
    }

    [Fact]
    public async Task Masks_the_key_before_a_long_text_is_cut()
    {
        var sample = await SampleOfAsync($$"""[{"text":"{{new string('x', 190)}}{{Key}}"}]""");

        Assert.DoesNotContain(Key[..4], TextOf(sample), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_no_row_over_whose_cells_the_key_is_spread()
    {
        var sample = await SampleOfAsync($$"""[{"a":"{{Key[..10]}}","b":"{{Key[10..]}}"}]""");

        Assert.Equal([Redaction.Removed, Redaction.Removed], sample.Rows[0]);
    }

    [Fact]
    public async Task Keeps_back_a_key_that_is_a_number()
    {
        var sample = await SampleOfAsync("""[{"id":1,"key":9876543210123,"nested":[9876543210123]}]""", "9876543210123");

        Assert.DoesNotContain("9876543210", TextOf(sample), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_no_text_at_all_when_the_key_is_too_short_to_be_found_with_certainty()
    {
        var sample = await SampleOfAsync("""[{"text":"innocent"}]""", "k1");

        Assert.DoesNotContain("innocent", TextOf(sample), StringComparison.Ordinal);
    }

    private static async Task<Sample> SampleOfAsync(string body, string key = Key)
    {
        await using var server = new OddServer($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        await using var asking = Asking.At(server);
        var result = await asking.FetchSampleAsync(key);
        Assert.Equal(VerdictStep.Accepted, result.Verdict.Step);
        return result.Sample!;
    }

    private static string TextOf(Sample sample) =>
        string.Join('\n', [.. sample.Columns, .. sample.Rows.SelectMany(row => row), sample.Json]);
}
