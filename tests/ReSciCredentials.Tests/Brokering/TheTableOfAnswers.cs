using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Broker;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>One server for all: each test has tokens of its own where it changes something.</summary>
public sealed class ABroker : IAsyncLifetime
{
    internal BrokerHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await BrokerHost.StartAsync(
        settings: ["--Broker:WrongTokensPerMinute=10000"]);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}

/// <summary>Every row of the table of statuses and codes in which no odd upstream takes part.</summary>
public sealed class TheTableOfAnswers(ABroker broker) : IClassFixture<ABroker>, IAsyncLifetime
{
    private BrokerHost Host => broker.Host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Host.Upstream.Answer = context => context.Response.WriteAsync("""{"import_jobs":[]}""");
        Host.Upstream.Before = _ => Task.CompletedTask;
        Host.Upstream.Clear();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData("ApiKey")]
    [InlineData("Bearer")]
    public async Task A_token_is_taken_by_either_scheme_and_the_key_goes_out_in_its_place(string scheme)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, BrokerHost.Jobs);
        request.Headers.TryAddWithoutValidation("Authorization", $"{scheme} {Host.ReadToken}");

        var answer = await Host.SendAsync(request, token: null);

        Assert.Equal((HttpStatusCode.OK, """{"import_jobs":[]}"""), (answer.Status, answer.Body));
        Assert.Equal($"ApiKey {Host.Key}", Assert.Single(Host.Upstream.Arrived).Headers["Authorization"]);
    }

    [Fact]
    public async Task Nothing_without_a_token()
    {
        var none = await Host.SendAsync(new HttpRequestMessage(HttpMethod.Get, BrokerHost.Jobs), token: null);
        var wrong = await Host.ReadAsync(TokenText.Format.Create());
        var garbage = await Host.ReadAsync("garbage");

        Assert.All([none, wrong, garbage], answer => Is(answer, 401, "token_invalid"));
        Assert.Equal(none.Message, wrong.Message);
    }

    [Fact]
    public async Task Nothing_with_two_authorization_headers()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, BrokerHost.Jobs);
        request.Headers.TryAddWithoutValidation("Authorization", [$"ApiKey {Host.ReadToken}", $"ApiKey {Host.ReadToken}"]);

        Is(await Host.SendAsync(request, token: null), 401, "token_invalid");
    }

    [Fact]
    public async Task Nothing_with_a_token_that_was_revoked_and_the_same_words()
    {
        var token = await Host.TokenAsync(FlowKind.Source);
        Assert.Equal(HttpStatusCode.OK, (await Host.ReadAsync(token)).Status);

        await Host.Tokens.RevokeAsync(Host.Owner, await Host.IdOfAsync(token), Cancellation);
        var answer = await Host.ReadAsync(token);

        Is(answer, 401, "token_invalid");
        Assert.Equal((await Host.ReadAsync(TokenText.Format.Create())).Message, answer.Message);
    }

    [Fact]
    public async Task A_source_only_reads_and_a_destination_only_writes()
    {
        Is(await Host.WriteAsync(Host.ReadToken), 403, "not_allowed");
        Is(await Host.ReadAsync(Host.WriteToken), 403, "not_allowed");
        Assert.Empty(Host.Upstream.Arrived);
    }

    [Fact]
    public async Task Nothing_from_an_address_that_the_token_does_not_name()
    {
        var elsewhere = await Host.TokenAsync(FlowKind.Source, token => token with { Addresses = "192.0.2.0/24" });
        var here = await Host.TokenAsync(FlowKind.Source, token => token with { Addresses = "192.0.2.0/24\n127.0.0.1" });

        Is(await Host.ReadAsync(elsewhere), 403, "not_allowed");
        Assert.Equal(HttpStatusCode.OK, (await Host.ReadAsync(here)).Status);
    }

    [Fact]
    public async Task A_pause_stops_the_tokens_and_the_end_of_it_lets_them_go_on()
    {
        Assert.Equal(HttpStatusCode.OK, (await Host.WriteAsync()).Status);

        await Host.PauseAsync(FlowKind.Destination);
        var paused = await Host.WriteAsync();
        await Host.PauseAsync(FlowKind.Destination, FlowStatus.Active);

        Is(paused, 403, "paused");
        Assert.Equal(HttpStatusCode.OK, (await Host.WriteAsync()).Status);
    }

    [Theory]
    [InlineData("/resci/v3/items", 404, "no_such_endpoint")]
    [InlineData("/resci/v3/users", 405, "method_not_allowed")]
    [InlineData("/resci/v3/import_jobs/7", 404, "no_such_endpoint")]
    [InlineData("/resci/v3/import_jobs/", 404, "no_such_endpoint")]
    [InlineData("/resci/v3/import%5Fjobs", 400, "bad_path")]
    [InlineData("/resci/v3/%2e%2e/import_jobs", 400, "bad_path")]
    [InlineData("/resci//v3/import_jobs", 400, "bad_path")]
    [InlineData("/resci/v3/import_jobs?_method=DELETE", 400, "bad_path")]
    [InlineData("/resci/v3/import_jobs?page=%2500", 400, "bad_path")]
    public async Task Only_addresses_of_the_table(string target, int status, string code)
    {
        Is(await Host.ReadAsync(target: target), status, code);
        Assert.Empty(Host.Upstream.Arrived);
    }

    [Fact]
    public async Task Only_methods_of_the_table_and_the_answer_names_them()
    {
        var answer = await Host.SendAsync(new HttpRequestMessage(HttpMethod.Delete, BrokerHost.Jobs), Host.ReadToken);

        Is(answer, 405, "method_not_allowed");
        Assert.Equal("GET, POST", answer.Headers["Allow"]);
    }

    [Fact]
    public async Task So_many_calls_a_minute_as_the_token_may_make()
    {
        var token = await Host.TokenAsync(FlowKind.Source, limited => limited with { RequestsPerMinute = "2" });

        var answers = new[] { await Host.ReadAsync(token), await Host.ReadAsync(token), await Host.ReadAsync(token) };

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests], answers.Select(answer => answer.Status));
        Is(answers[2], 429, "rate_limited");
        Assert.InRange(int.Parse(answers[2].Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture), 1, 60);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    public async Task A_key_that_ReSci_refuses_is_no_matter_of_the_token(int status)
    {
        Host.Upstream.Answer = context => RespondAsync(context, status, "go away");

        Is(await Host.ReadAsync(), 424, "upstream_key_rejected");
        Is(await Host.WriteAsync(), 424, "upstream_key_rejected");
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(307)]
    public async Task A_redirect_is_not_followed(int status)
    {
        Host.Upstream.Answer = context =>
        {
            context.Response.Headers.Location = "/elsewhere";
            return RespondAsync(context, status, "");
        };

        Is(await Host.ReadAsync(), 502, "upstream_redirect");
        Is(await Host.WriteAsync(), 424, "upstream_redirect");
        Assert.Equal(2, Host.Upstream.Arrived.Count);
    }

    [Fact]
    public async Task An_encoded_answer_is_not_passed_on()
    {
        Host.Upstream.Answer = context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return RespondAsync(context, 200, "x");
        };

        Is(await Host.ReadAsync(), 502, "upstream_answer");
        Is(await Host.WriteAsync(), 424, "upstream_answer");
    }

    [Fact]
    public async Task A_head_that_is_too_large_is_not_passed_on()
    {
        Host.Upstream.Answer = context =>
        {
            context.Response.Headers["X-Large"] = new string('x', 60_000);
            return RespondAsync(context, 200, "x");
        };

        Is(await Host.ReadAsync(), 502, "upstream_answer");
        Is(await Host.WriteAsync(), 424, "upstream_answer");
    }

    [Fact]
    public async Task A_connection_that_is_reset_is_one_that_cannot_be_reached()
    {
        Host.Upstream.Before = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };

        Is(await Host.ReadAsync(), 502, "upstream_unreachable");
    }

    [Theory]
    [InlineData(200)]
    [InlineData(201)]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(422)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Whatever_else_ReSci_says_is_said(int status)
    {
        Host.Upstream.Answer = context =>
        {
            context.Response.Headers.RetryAfter = "17";
            return RespondAsync(context, status, """{"message":"ReSci's own"}""");
        };

        var answer = await Host.ReadAsync();

        Assert.Equal((status, null, "17", """{"message":"ReSci's own"}"""), ((int)answer.Status, answer.Code, answer.Headers["Retry-After"], answer.Body));
    }

    [Fact]
    public async Task A_key_that_does_not_open_is_told()
    {
        var credential = await Host.AddCredentialAsync("another-key-0123456789");
        var source = await Host.AddFlowAsync(FlowKind.Source);
        await using var storage = await Host.Server.StorageAsync();
        await storage.Flows.Where(flow => flow.Id == source).ExecuteUpdateAsync(flow => flow.SetProperty(row => row.CredentialId, credential), Cancellation);
        await storage.CredentialKeys.Where(key => key.CredentialId == credential)
            .ExecuteUpdateAsync(key => key.SetProperty(row => row.Ciphertext, new byte[64]), Cancellation);
        var token = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });

        Is(await Host.ReadAsync(token), 424, "undecryptable");
    }

    [Theory]
    [InlineData("import_type=x&users=y", "application/x-www-form-urlencoded", null)]
    [InlineData("a,b\n1,2", "text/csv", null)]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"users\"\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b", null)]
    [InlineData("--b\r\nContent-Disposition: form-data; name=\"import_type\"\r\n\r\nsinger_import_config\r\n--b--\r\n", "multipart/form-data; boundary=b", "gzip")]
    public async Task A_limited_token_sends_what_can_be_looked_into(string body, string type, string? encoding)
    {
        var token = await Host.TokenAsync(FlowKind.Destination, limited => limited with { ImportTypes = "singer_import_config" });
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        if (encoding is not null)
        {
            content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        }

        Is(await Host.WriteAsync(token, content), 415, "unsupported_body");
        Assert.Empty(Host.Upstream.Arrived);
    }

    [Fact]
    public async Task A_read_has_no_body()
    {
        var request = new HttpRequestMessage(HttpMethod.Get, BrokerHost.Jobs) { Content = new StringContent("x") };

        Is(await Host.SendAsync(request, Host.ReadToken), 415, "unsupported_body");
    }

    [Fact]
    public async Task A_header_that_is_no_plain_text_does_not_go_out()
    {
        using var socket = await RawClient.ConnectAsync(Host.Server.Address);

        var answer = await socket.SendAsync($"POST {BrokerHost.Jobs} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ApiKey {Host.WriteToken}\r\nIdempotency-Key: \u00c3\u00a9\r\nContent-Length: 0\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains("X-Broker-Error: bad_header", answer, StringComparison.Ordinal);
        Assert.Empty(Host.Upstream.Arrived);
    }

    /// <summary>Most clients read the answer only when they have sent everything.</summary>
    [Fact]
    public async Task A_token_refused_on_a_large_upload_is_told_and_not_cut_off()
    {
        using var content = new ByteArrayContent(new byte[256_000_000]);

        Is(await Host.WriteAsync(TokenText.Format.Create(), content), 401, "token_invalid");
    }

    [Fact]
    public async Task A_look_into_the_database_that_fails_is_told_by_an_answer_of_ours()
    {
        var token = await Host.TokenAsync(FlowKind.Source);
        await Host.Server.Directory.SqlAsync("ALTER TABLE access_tokens RENAME TO access_tokens_away");

        var answer = await Host.ReadAsync(token);
        await Host.Server.Directory.SqlAsync("ALTER TABLE access_tokens_away RENAME TO access_tokens");

        Is(answer, 500, "internal");
        Assert.Equal(HttpStatusCode.OK, (await Host.ReadAsync(token)).Status);
    }

    private static void Is(Answered answer, int status, string code)
    {
        Assert.Equal((status, code), ((int)answer.Status, answer.Code));
        Assert.False(string.IsNullOrWhiteSpace(answer.Message));
    }

    private static Task RespondAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(body);
    }
}
