using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using ReSciCredentials.Broker;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>Whatever ReSci does with the key, and wherever the network cuts the answer, no client sees it.</summary>
public sealed class AKeyThatIsSentBack
{
    private const string Key = "live-key-4f1c9a/Z+q%7&w==";
    private const string Before = "{\"jobs\":[\"a\",\"b\"],\"note\":\"\\u00e9 & 100% of ";

    /// <summary>By name; what comes before the key in an encoded text is no part of it.</summary>
    public static TheoryData<string, string> Spellings => new()
    {
        { "plain", Key },
        { "upper case", Key.ToUpperInvariant() },
        { "URL-encoded", Uri.EscapeDataString(Key) },
        { "URL-encoded, every byte", string.Concat(Encoding.ASCII.GetBytes(Key).Select(value => $"%{value:x2}")) },
        { "base64", Convert.ToBase64String(Encoding.ASCII.GetBytes(Key)) },
        { "base64 of the header", Convert.ToBase64String(Encoding.ASCII.GetBytes($"ApiKey {Key}")) },
        { "base64 of a sentence", Convert.ToBase64String(Encoding.ASCII.GetBytes($"You sent {Key} to us")) },
        { "base64 for URLs", Convert.ToBase64String(Encoding.ASCII.GetBytes($"??>{Key}")).Replace('+', '-').Replace('/', '_') },
        { "base64, URL-encoded", Uri.EscapeDataString(Convert.ToBase64String(Encoding.ASCII.GetBytes(Key))) },
        { "hexadecimal", Convert.ToHexString(Encoding.ASCII.GetBytes(Key)) },
        { "in JSON", JavaScriptEncoder.Default.Encode(Key) },
        { "in JSON, slashes escaped", Key.Replace("/", "\\/", StringComparison.Ordinal) },
        { "in HTML", HtmlEncoder.Default.Encode(Key) },
    };

    [Theory]
    [MemberData(nameof(Spellings))]
    public async Task Is_found_wherever_the_answer_is_cut(string spelling, string echoed)
    {
        var answer = Encoding.UTF8.GetBytes($"{Before}{echoed} and more");
        var start = StartOf(spelling);
        for (var cut = 1; cut < answer.Length; cut++)
        {
            var passed = await PassAsync(answer[..cut], answer[cut..]);

            Assert.True(passed.Broken, $"{spelling}, cut at {cut}");
            // Not one byte of it, and nothing behind it.
            Assert.True(passed.Bytes.Length <= start, $"{spelling}, cut at {cut}: {passed.Bytes.Length} of {start} bytes");
        }
    }

    [Theory]
    [MemberData(nameof(Spellings))]
    public async Task Is_found_byte_by_byte(string spelling, string echoed)
    {
        var answer = Encoding.UTF8.GetBytes($"{Before}{echoed} and more");

        var passed = await PassAsync([.. answer.Select(value => new[] { value })]);

        Assert.True(passed.Broken && passed.Bytes.Length <= StartOf(spelling), spelling);
    }

    [Fact]
    public async Task Costs_nothing_that_is_not_the_key()
    {
        var random = new Random(5);
        for (var round = 0; round < 300; round++)
        {
            // Beginnings of the key in every spelling, so that much is held back, and none of them whole.
            var text = string.Concat(Enumerable.Range(0, 20).Select(_ =>
            {
                var (_, echoed) = Spellings.ElementAt(random.Next(Spellings.Count)).Data;
                return echoed[..random.Next(Math.Min(echoed.Length, 12))] + (char)random.Next('!', '~');
            }));
            var bytes = Encoding.UTF8.GetBytes(text);
            if (text.Contains(Key, StringComparison.OrdinalIgnoreCase))
            {
                continue;
            }

            var passed = await PassAsync([.. bytes.Chunk(random.Next(1, 40))]);

            Assert.Equal(text, Encoding.UTF8.GetString(passed.Bytes));
            Assert.False(passed.Broken);
        }
    }

    [Theory]
    [MemberData(nameof(Spellings))]
    public void Is_found_in_a_header(string spelling, string echoed) => Assert.True(new KeySpellings(Encoding.ASCII.GetBytes(Key)).IsIn($"W/\"{echoed}\""), spelling);

    [Fact]
    public async Task Reaches_nobody_through_the_whole_server()
    {
        await using var host = await BrokerHost.StartAsync(Key);
        foreach (var spelling in Spellings)
        {
            var echoed = spelling.Data.Item2;
            host.Upstream.Answer = context => context.Response.WriteAsync($"{Before}{echoed}");
            var inBody = await host.ReadAsync();
            host.Upstream.Answer = context =>
            {
                context.Response.Headers.ETag = $"\"{echoed}\"";
                context.Response.Headers["X-Other"] = echoed;
                return context.Response.WriteAsync("{}");
            };
            var inHeader = await host.WriteAsync();

            Assert.Equal((HttpStatusCode.BadGateway, "upstream_answer"), (inBody.Status, inBody.Code));
            Assert.Equal((HttpStatusCode.FailedDependency, "upstream_answer"), (inHeader.Status, inHeader.Code));
            Assert.DoesNotContain(echoed, $"{inBody} {inHeader} {string.Join(' ', inHeader.Headers.Values)}", StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Breaks_off_an_answer_that_has_begun()
    {
        await using var host = await BrokerHost.StartAsync(Key);
        host.Upstream.Answer = async context =>
        {
            await context.Response.WriteAsync(new string('x', 200_000));
            await context.Response.WriteAsync(Key);
        };

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => host.ReadAsync());

        // It was not the client who left.
        Assert.Equal("upstream_answer", (await host.OnlyCallAsync(host.Source)).Code);
        await using var storage = await host.Server.StorageAsync();
        Assert.Equal(1, storage.BrokerHours.Single().Errors);
    }

    [Theory]
    [InlineData("application/json; charset=utf-16", null)]
    [InlineData("application/json; charset=\"UTF-32\"", null)]
    [InlineData("text/plain; charset=IBM037", null)]
    [InlineData("application/json", "gzip, chunked")]
    public async Task Is_not_looked_for_where_it_could_not_be_seen(string type, string? transfer)
    {
        await using var host = await BrokerHost.StartAsync(Key);
        host.Upstream.Answer = context =>
        {
            context.Response.ContentType = type;
            if (transfer is not null)
            {
                context.Response.Headers.TransferEncoding = transfer;
            }

            return context.Response.WriteAsync("0\r\n\r\n");
        };

        Assert.Equal("upstream_answer", (await host.ReadAsync()).Code);
    }

    /// <summary>How much may pass: in base64 the character that the key shares with what stands before it, too.</summary>
    private static int StartOf(string spelling) => Encoding.UTF8.GetByteCount(Before) + spelling switch
    {
        "base64 of the header" => Base64Length("ApiKey "),
        "base64 of a sentence" => Base64Length("You sent "),
        "base64 for URLs" => Base64Length("??>"),
        _ => 0,
    };

    private static int Base64Length(string before) => ((before.Length * 8) + 5) / 6;

    private static async Task<(byte[] Bytes, bool Broken)> PassAsync(params byte[][] pieces)
    {
        await using var guarded = new GuardedBody(new Pieces(pieces), new KeySpellings(Encoding.ASCII.GetBytes(Key)), CancellationToken.None);
        using var passed = new MemoryStream();
        var buffer = new byte[64];
        try
        {
            while (await guarded.ReadAsync(buffer) is var read and > 0)
            {
                passed.Write(buffer, 0, read);
            }
        }
        catch (KeyEchoedException)
        {
            Assert.True(guarded.IsBroken);
        }

        return (passed.ToArray(), guarded.IsBroken);
    }

    /// <summary>A stream that arrives in these pieces.</summary>
    private sealed class Pieces(byte[][] pieces) : MemoryStream
    {
        private int _next;

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_next == pieces.Length)
            {
                return ValueTask.FromResult(0);
            }

            pieces[_next].CopyTo(buffer);
            return ValueTask.FromResult(pieces[_next++].Length);
        }
    }
}
