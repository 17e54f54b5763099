using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Broker;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>What target-resci and others send arrives byte for byte, and nothing else does.</summary>
public sealed class WhatClientsSend(ABroker broker) : IClassFixture<ABroker>, IAsyncLifetime
{
    private BrokerHost Host => broker.Host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Host.Upstream.Answer = context => context.Response.WriteAsync("{}");
        Host.Upstream.Before = _ => Task.CompletedTask;
        Host.Upstream.Clear();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData(1_000, false)]
    [InlineData(1_000, true)]
    [InlineData(40_000_000, false)]
    [InlineData(40_000_000, true)]
    public async Task An_upload_arrives_byte_for_byte(int size, bool chunked)
    {
        var data = RandomNumberGenerator.GetBytes(size);
        using var form = new MultipartFormDataContent { { new StringContent("singer_import_config"), "import_type" }, { new ByteArrayContent(data), "users", "users.jsonl" } };
        var whole = await form.ReadAsByteArrayAsync(Cancellation);
        using var content = new ByteArrayContent(whole);
        content.Headers.ContentType = form.Headers.ContentType;
        using var request = new HttpRequestMessage(HttpMethod.Post, BrokerHost.Jobs) { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        // .NET keeps the length of an array beside it, and then sends that.
        content.Headers.ContentLength = chunked ? null : whole.Length;

        var answer = await Host.SendAsync(request, Host.WriteToken);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var arrived = Assert.Single(Host.Upstream.Arrived);
        Assert.Equal((whole.Length, Convert.ToHexString(SHA256.HashData(whole))), (arrived.Length, arrived.Hash));
        Assert.Equal(form.Headers.ContentType!.ToString(), arrived.Headers["Content-Type"]);
    }

    [Fact]
    public async Task Only_headers_of_the_list_go_either_way()
    {
        Host.Upstream.Answer = context =>
        {
            foreach (var header in new[] { "Set-Cookie", "Server", "Clear-Site-Data", "Access-Control-Allow-Origin", "Location", "Link", "X-Powered-By", "Alt-Svc", "Refresh" })
            {
                context.Response.Headers[header] = "x";
            }

            context.Response.Headers.ETag = "\"1\"";
            return context.Response.WriteAsync("{}");
        };
        var request = new HttpRequestMessage(HttpMethod.Get, $"{BrokerHost.Jobs}?page=2&status=a%20b");
        foreach (var header in new[] { "Cookie", "Origin", "X-Forwarded-For", "X-Original-URL", "X-HTTP-Method-Override", "Proxy-Authorization", "Range", "TE", "Via", "User-Agent", "X-Anything" })
        {
            request.Headers.TryAddWithoutValidation(header, "x");
        }

        request.Headers.TryAddWithoutValidation("Accept", "application/json");

        var answer = await Host.SendAsync(request, Host.ReadToken);

        var arrived = Assert.Single(Host.Upstream.Arrived);
        Assert.Equal("/v3/import_jobs?page=2&status=a%20b", arrived.Target);
        Assert.Equal(["Accept", "Accept-Encoding", "Authorization", "Host"], arrived.Headers.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("identity", arrived.Headers["Accept-Encoding"]);
        Assert.Equal("\"1\"", answer.Headers["ETag"]);
        Assert.All(["Set-Cookie", "Server", "Clear-Site-Data", "Access-Control-Allow-Origin", "Location", "Link", "X-Powered-By", "Alt-Svc", "Refresh"], header => Assert.DoesNotContain(header, answer.Headers.Keys));
        Assert.Contains("sandbox", answer.Headers["Content-Security-Policy"], StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Headers["X-Content-Type-Options"]);
    }

    /// <summary>Fixed seed, so that a failure can be looked at again.</summary>
    [Fact]
    public void No_generated_address_gets_out_of_the_table()
    {
        string[] pieces = ["v3", "import_jobs", "users", "..", ".", "%2e", "%2f", "%5c", "\\", ";", "/", "//", "?", "#", "%00", "%", "é", "%25", "a", "@", ":", "http:", "v3/import_jobs", "?page=1", "&_method=PUT", "\t", " "];
        string[] methods = ["GET", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "get", "PATCH", "OPTIONS", "HEAD", "X"];
        var random = new Random(17);
        var passed = 0;
        for (var round = 0; round < 50_000; round++)
        {
            var target = "/resci/" + string.Concat(Enumerable.Range(0, random.Next(1, 7)).Select(_ => pieces[random.Next(pieces.Length)] + (random.Next(2) == 0 ? "/" : "")));
            if (!RequestTarget.TryRead(target, out var path, out var query)
                || ReSciCredentials.ReSci.ReSciCalls.Find(methods[random.Next(methods.Length)], path, out var id, out _) is not { } call
                || RequestTarget.Rebuild(query) is not { } rebuilt)
            {
                continue;
            }

            passed++;
            var built = new Uri(new Uri("https://resci.example/base/"), call.Path.Replace("{id}", id, StringComparison.Ordinal) + rebuilt);
            Assert.Matches(@"^https://resci\.example/base/v3/(users|import_jobs(/[A-Za-z0-9_-]+)?)(\?[A-Za-z][A-Za-z0-9_.\[\]%-]*=[^&#\s]*(&[A-Za-z][A-Za-z0-9_.\[\]%-]*=[^&#\s]*)*)?$", built.AbsoluteUri);
            Assert.DoesNotContain("_method", built.AbsoluteUri, StringComparison.Ordinal);
        }

        Assert.InRange(passed, 20, 49_000);
    }

    [Fact]
    public async Task A_limited_token_sends_its_import_types_and_streams_and_no_others()
    {
        var token = await Host.TokenAsync(FlowKind.Destination, limited => limited with { ImportTypes = "singer_import_config", Streams = "users\norders" });
        var otherType = await Host.TokenAsync(FlowKind.Destination, limited => limited with { ImportTypes = "other" });

        Assert.Equal(HttpStatusCode.OK, (await Host.WriteAsync(token, BrokerHost.Import("users", "orders"))).Status);
        Assert.Equal("not_allowed", (await Host.WriteAsync(token, BrokerHost.Import("users", "items"))).Code);
        Assert.Equal("not_allowed", (await Host.WriteAsync(otherType)).Code);
        Assert.Single(Host.Upstream.Arrived);
    }

    [Theory]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nother\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=users; name=items\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=users; name*=UTF-8''items\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=users\r\n\r\nx\n--b\r\nContent-Disposition: form-data; name=items\r\n\r\nx\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=users\r\n\r\nx\r\n--b--\r\nmore")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=users\r\n\r\nx")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=\"import_type[]\"\r\n\r\nother\r\n--b--\r\n")]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b\r\nContent-Disposition: form-data; name=\" Import.Type\"\r\n\r\nother\r\n--b--\r\n")]
    [InlineData("preamble\r\n--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nt\r\n--b--\r\n")]
    public async Task What_parsers_read_in_two_ways_is_refused_wherever_it_is_cut(string body)
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        foreach (var length in new[] { 1, 2, 7, bytes.Length })
        {
            await using var upload = new LimitedUpload(new Slow(bytes, length), "b", TokenLimits.ToSet("t"), TokenLimits.ToSet("users"));
            await Assert.ThrowsAsync<UploadRefusedException>(async () =>
            {
                await upload.BeginAsync(Cancellation);
                await upload.CopyToAsync(Stream.Null, Cancellation);
            });
        }
    }

    [Fact]
    public async Task A_limited_upload_passes_unchanged_wherever_it_is_cut()
    {
        using var form = BrokerHost.Import("users", "orders");
        form.Add(new ByteArrayContent([.. Enumerable.Range(0, 300).SelectMany(_ => "\r\n--\r\n-"u8.ToArray())]), "users", "odd.bin");
        var whole = await form.ReadAsByteArrayAsync(Cancellation);
        var headers = new HeaderDictionary { ["Content-Type"] = form.Headers.ContentType!.ToString() };
        var boundary = LimitedUpload.BoundaryOf(headers)!;
        foreach (var length in new[] { 1, 3, 50, 1000, whole.Length })
        {
            await using var upload = new LimitedUpload(new Slow(whole, length), boundary, TokenLimits.ToSet("singer_import_config"), TokenLimits.ToSet("users\norders"));
            await upload.BeginAsync(Cancellation);
            using var passed = new MemoryStream();
            await upload.CopyToAsync(passed, Cancellation);

            Assert.Equal(whole, passed.ToArray());
        }
    }

    [Fact]
    public async Task Every_call_is_recorded_with_what_came_of_it()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        var token = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });
        await Host.ReadAsync(token);
        await Host.ReadAsync(token, "/resci/v3/items");
        await Host.Server.Service<Usage>().FlushAsync(Cancellation);

        await using var storage = await Host.Server.StorageAsync();
        var calls = await storage.BrokerCalls.Where(call => call.FlowId == source).OrderBy(call => call.Id).ToListAsync(Cancellation);
        Assert.Equal(
            [("GET", "list_import_jobs", 200, null, 2L), ("GET", null, 404, "no_such_endpoint", 0L)],
            calls.Select(call => (call.Method, call.Endpoint, call.Status, call.Code, call.BytesOut)));
        Assert.Equal([true, false], calls.Select(call => call.KeyUid is not null));
        var usage = await Host.Server.Service<UsageReader>().ReadAsync(Host.Owner, source, null, Cancellation);
        Assert.Equal((2L, 1L), (usage!.Hours.Sum(hour => hour.Calls), usage.Hours.Sum(hour => hour.Errors)));
        Assert.NotNull((await Host.Tokens.ListAsync(Host.Owner, source, Cancellation)).Single().LastUsedAt);
        Assert.Null(await Host.Server.Service<UsageReader>().ReadAsync(Host.Owner with { Id = 4711 }, source, null, Cancellation));
    }

    [Fact]
    public async Task A_token_is_made_once_however_often_the_form_is_sent()
    {
        var input = Host.NewToken(FlowKind.Source);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Host.Tokens.CreateAsync(Host.Owner, input, Cancellation)));

        Assert.Single(outcomes.OfType<TokenOutcome.Made>());
        Assert.Equal(19, outcomes.OfType<TokenOutcome.MadeBefore>().Count());
    }

    [Fact]
    public async Task A_rotated_token_works_beside_its_successor_as_long_as_was_said()
    {
        var old = await Host.TokenAsync(FlowKind.Source);
        var beside = Assert.IsType<TokenOutcome.Made>(await Host.Tokens.RotateAsync(Host.Owner, await Host.IdOfAsync(old), TimeSpan.FromHours(1), Guid.NewGuid(), Cancellation)).Token;
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [(await Host.ReadAsync(old)).Status, (await Host.ReadAsync(beside)).Status]);

        var at = Assert.IsType<TokenOutcome.Made>(await Host.Tokens.RotateAsync(Host.Owner, await Host.IdOfAsync(beside), TimeSpan.Zero, Guid.NewGuid(), Cancellation)).Token;

        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.OK], [(await Host.ReadAsync(beside)).Status, (await Host.ReadAsync(at)).Status]);
    }

    [Fact]
    public async Task A_revoked_token_in_use_is_told_with_where_it_came_from()
    {
        var token = await Host.TokenAsync(FlowKind.Source);
        var id = await Host.IdOfAsync(token);
        await Host.Tokens.RevokeAsync(Host.Owner, id, Cancellation);

        await Host.ReadAsync(token);

        await using var storage = await Host.Server.StorageAsync();
        await Harness.Until.TrueAsync(
            () => storage.AuditEntries.AnyAsync(entry => entry.Event == "token_refused" && entry.ItemId == id && entry.Address == "127.0.0.1" && entry.Fields == "revoked", Cancellation),
            TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_stranger_makes_lists_and_revokes_nothing()
    {
        var stranger = Host.Owner with { Id = 4711 };

        Assert.IsType<TokenOutcome.NotFound>(await Host.Tokens.CreateAsync(stranger, Host.NewToken(FlowKind.Source), Cancellation));
        Assert.IsType<TokenOutcome.NotFound>(await Host.Tokens.RevokeAsync(stranger, await Host.IdOfAsync(Host.ReadToken), Cancellation));
        Assert.IsType<TokenOutcome.NotFound>(await Host.Tokens.RotateAsync(stranger, await Host.IdOfAsync(Host.ReadToken), TimeSpan.Zero, Guid.NewGuid(), Cancellation));
        Assert.Empty(await Host.Tokens.ListAsync(stranger, Host.Source, Cancellation));
    }

    private sealed class Slow(byte[] bytes, int atOnce) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(atOnce, buffer.Length)], cancellationToken);
    }
}
