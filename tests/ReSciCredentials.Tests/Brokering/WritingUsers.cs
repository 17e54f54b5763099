using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ReSciCredentials.Broker;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A server on which users can be written one by one.</summary>
public sealed class ABrokerThatWritesUsers : IAsyncLifetime
{
    internal BrokerHost Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await BrokerHost.StartAsync(
        settings: ["--Broker:AssumedCalls:0=upsert_user", "--Broker:AssumedCalls:1=update_user"]);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}

/// <summary>ReSci sends a mail to every user that is new to it, unless it is told not to: a token can be made that never lets it.</summary>
public sealed class WritingUsers(ABrokerThatWritesUsers broker) : IClassFixture<ABrokerThatWritesUsers>, IAsyncLifetime
{
    private const string Users = "/resci/v3/users";
    private const string Quiet = """{"email":"a@example.com","send_transactional_welcome":false}""";
    private const string Loud = """{"email":"a@example.com"}""";

    private BrokerHost Host => broker.Host;

    public ValueTask InitializeAsync()
    {
        Host.Upstream.Clear();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    public async Task Goes_through_as_it_is_with_a_token_without_limits(string method)
    {
        Assert.Equal(HttpStatusCode.OK, (await WriteAsync(Host.WriteToken, Loud, method: method)).Status);

        var arrived = Assert.Single(Host.Upstream.Arrived);
        Assert.Equal((method, "/v3/users", "application/json"), (arrived.Method, arrived.Target, arrived.Headers["Content-Type"]));
    }

    [Theory]
    [InlineData(Quiet)]
    [InlineData($"[{Quiet},{Quiet}]")]
    [InlineData("""{"send_transactional_welcome":false,"attributes":{"a":[1,{"b":null}]}}""")]
    public async Task Without_mails_goes_through_byte_for_byte(string body)
    {
        var answer = await WriteAsync(await QuietTokenAsync(), body);

        Assert.Equal((HttpStatusCode.OK, null), (answer.Status, answer.Code));
        Assert.Equal(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(body))), Assert.Single(Host.Upstream.Arrived).Hash);
    }

    [Theory]
    [InlineData(Loud)]
    [InlineData("{}")]
    [InlineData("""{"send_transactional_welcome":true}""")]
    [InlineData("""{"send_transactional_welcome":null}""")]
    [InlineData("""{"send_transactional_welcome":"false"}""")]
    [InlineData("""{"send_transactional_welcome":0}""")]
    [InlineData($"[{Quiet},{Loud}]")]
    [InlineData($$"""{"user":{{Quiet}}}""")]
    [InlineData("""{"send_transactional_welcome":false,"users":[{"send_transactional_welcome":true}]}""")]
    public async Task That_could_send_a_mail_is_refused(string body)
    {
        var answer = await WriteAsync(await QuietTokenAsync(), body);

        Assert.Equal((HttpStatusCode.Forbidden, "not_allowed"), (answer.Status, answer.Code));
        Assert.Contains("send_transactional_welcome", answer.Message, StringComparison.Ordinal);
        Assert.Empty(Host.Upstream.Arrived);
    }

    [Theory]
    [InlineData("""{"send_transactional_welcome":false,"send_transactional_welcome":true}""")]
    [InlineData("""{"send_transactional_welcome":false,"Send_Transactional_Welcome":true}""")]
    [InlineData("""{"send_transactional_welcome":false,"sendTransactionalWelcome":true}""")]
    [InlineData("""{"send_transactional_welcome":false,"send_transactional_welcome[]":true}""")]
    [InlineData("""[[{"send_transactional_welcome":true}]]""")]
    [InlineData("[1]")]
    [InlineData("7")]
    [InlineData("")]
    [InlineData("""{"send_transactional_welcome":false""")]
    [InlineData(Quiet + Loud)]
    [InlineData("send_transactional_welcome=false", "application/x-www-form-urlencoded")]
    [InlineData(Quiet, "application/json; charset=utf-16")]
    [InlineData(Quiet, "text/plain")]
    [InlineData(Quiet, "application/json", "gzip")]
    public async Task That_could_be_read_in_two_ways_is_refused(string body, string type = "application/json", string? encoding = null)
    {
        var answer = await WriteAsync(await QuietTokenAsync(), body, type, encoding);

        Assert.True(answer.Code is "unsupported_body" or "not_allowed", answer.Body);
        Assert.Empty(Host.Upstream.Arrived);
    }

    [Fact]
    public async Task That_is_too_long_to_be_looked_into_is_refused()
    {
        var answer = await WriteAsync(await QuietTokenAsync(), $$"""{"send_transactional_welcome":false,"a":"{{new string('x', WelcomeMails.LongestBody)}}"}""");

        Assert.Equal((HttpStatusCode.UnsupportedMediaType, "unsupported_body"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Is_not_possible_with_a_token_for_some_streams_only()
    {
        var token = await Host.TokenAsync(FlowKind.Destination, made => made with { Streams = "orders" });

        Assert.Equal("not_allowed", (await WriteAsync(token, Quiet)).Code);
    }

    [Fact]
    public async Task Is_not_possible_with_a_token_of_a_source() => Assert.Equal("not_allowed", (await WriteAsync(Host.ReadToken, Quiet)).Code);

    [Fact]
    public async Task Without_mails_goes_on_so_when_the_token_is_rotated()
    {
        var id = await Host.IdOfAsync(await QuietTokenAsync());
        var rotated = Assert.IsType<TokenOutcome.Made>(
            await Host.Tokens.RotateAsync(Host.Owner, id, TimeSpan.Zero, Guid.NewGuid(), TestContext.Current.CancellationToken));

        Assert.Equal("not_allowed", (await WriteAsync(rotated.Token, Loud)).Code);
    }

    [Fact]
    public async Task Without_mails_is_asked_for_by_the_dialog_and_said_of_the_token()
    {
        using var owner = await Host.Server.SignInAsync();
        var page = await owner.GetAsync($"/destinations/{Host.Destination}");

        var made = await owner.PostDialogAsync("/access-tokens/make", new()
        {
            ["operation"] = Guid.NewGuid().ToString(),
            ["kind"] = "destination",
            ["flow"] = Host.Destination.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["name"] = "Quiet",
            ["noWelcomeMails"] = "on",
        });

        Assert.Contains("type=\"checkbox\" name=\"noWelcomeMails\"", page.Text, StringComparison.Ordinal);
        Assert.Equal("not_allowed", (await WriteAsync(made.Token!, Loud)).Code);
        var listed = await Host.Tokens.ListAsync(Host.Owner, Host.Destination, TestContext.Current.CancellationToken);
        Assert.Equal(["no welcome mails"], listed.Single(token => token.Name == "Quiet").Limits());
    }

    private Task<string> QuietTokenAsync() => Host.TokenAsync(FlowKind.Destination, made => made with { NoWelcomeMails = true });

    private Task<Answered> WriteAsync(string token, string body, string type = "application/json", string? encoding = null, string method = "POST")
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (encoding is not null)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        return Host.SendAsync(new HttpRequestMessage(new HttpMethod(method), Users) { Content = content }, token);
    }
}

/// <summary>As the server is until somebody switches it on.</summary>
public sealed class WhereNoUsersAreWritten(ABroker broker) : IClassFixture<ABroker>
{
    [Fact]
    public async Task A_write_of_one_says_how_to_switch_it_on()
    {
        var answer = await broker.Host.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, "/resci/v3/users") { Content = new StringContent("{}") }, broker.Host.WriteToken);

        Assert.Equal((HttpStatusCode.NotFound, "no_such_endpoint"), (answer.Status, answer.Code));
        Assert.Contains("Broker:AssumedCalls", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_dialog_does_not_ask_about_their_mails()
    {
        using var owner = await broker.Host.Server.SignInAsync();

        var page = await owner.GetAsync($"/destinations/{broker.Host.Destination}");

        Assert.Contains("name=\"importTypes\"", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("noWelcomeMails", page.Text, StringComparison.Ordinal);
    }
}
