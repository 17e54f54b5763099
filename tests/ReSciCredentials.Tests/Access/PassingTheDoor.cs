using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

public sealed class PassingTheDoor
{
    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/account")]
    [InlineData("/nowhere")]
    [InlineData("/antiforgery-token")]
    public async Task Puts_the_security_headers_on_every_answer(string path)
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var headers = (await (await server.SignInAsync()).GetAsync(path)).Headers;

        Assert.Multiple(
            () => Assert.Equal(SecurityHeaders.ContentSecurityPolicy, headers["Content-Security-Policy"]),
            () => Assert.Equal("nosniff", headers["X-Content-Type-Options"]),
            () => Assert.Equal("same-origin", headers["Referrer-Policy"]),
            () => Assert.Equal("same-origin", headers["Cross-Origin-Opener-Policy"]),
            () => Assert.Equal("same-origin", headers["Cross-Origin-Resource-Policy"]),
            () => Assert.Contains("camera=()", headers["Permissions-Policy"], StringComparison.Ordinal),
            () => Assert.Equal("no-store", headers["Cache-Control"]));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("127.0.0.1:8080")]
    [InlineData("[::1]:8080")]
    [InlineData("LOCALHOST")]
    [InlineData("keys.example.com")]
    [InlineData("Keys.Example.com:8443")]
    public async Task Answers_to_its_own_names(string name)
    {
        await using var server = await AccessServer.StartOwnedAsync("--Server:PublicAddress=https://keys.example.com");

        Assert.Equal(HttpStatusCode.OK, (await server.NewVisitor().GetAsync("/sign-in", ("Host", name))).Status);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("localhost.")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("keys.example.com.evil.example")]
    [InlineData("192.0.2.1")]
    public async Task Names_the_setting_when_it_is_called_by_another_name(string name)
    {
        await using var server = await AccessServer.StartOwnedAsync("--Server:PublicAddress=https://keys.example.com");

        var answer = await server.NewVisitor().GetAsync("/sign-in", ("Host", name));

        Assert.Equal((HttpStatusCode.BadRequest, true), (answer.Status, answer.Text.Contains("Server:PublicAddress", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("null")]
    [InlineData("https://evil.example")]
    [InlineData("http://localhost:1")]
    [InlineData("http://localhost.evil.example")]
    public async Task Opens_no_circuit_for_another_origin(string? origin)
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        var refusal = await Assert.ThrowsAsync<WebSocketException>(() => browser.ConnectAsync(origin));

        Assert.Contains("403", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("own")]
    [InlineData("https://keys.example.com")]
    public async Task Opens_circuits_for_its_own_pages(string origin)
    {
        await using var server = await AccessServer.StartOwnedAsync("--Server:PublicAddress=https://keys.example.com");
        var browser = await server.SignInAsync();

        using var circuit = await browser.ConnectAsync(origin == "own" ? server.Origin : origin);

        Assert.Equal(WebSocketState.Open, circuit.State);
    }

    [Fact]
    public async Task Negotiates_with_no_other_origin()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        Assert.Equal(HttpStatusCode.Forbidden, (await browser.PostAsync("/_blazor/negotiate?negotiateVersion=1")).Status);
    }

    [Theory]
    [InlineData("/account/sessions/00000000-0000-0000-0000-000000000000/end")]
    [InlineData("/sign-out")]
    [InlineData("/account/sign-out-everywhere")]
    public async Task Takes_no_form_without_its_token(string action)
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        Assert.Equal(HttpStatusCode.BadRequest, (await browser.PostAsync(action)).Status);
    }

    [Fact]
    public async Task Takes_a_form_with_a_token_fetched_later()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        var token = System.Text.Json.JsonDocument.Parse((await browser.GetAsync("/antiforgery-token")).Text).RootElement.GetProperty("token").GetString()!;

        Assert.Equal("/sign-in", (await browser.PostAsync("/sign-out", ("__RequestVerificationToken", token))).Location);
    }

    [Fact]
    public async Task Sets_cookies_that_http_on_loopback_can_carry()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = server.NewVisitor();

        var page = await browser.GetAsync("/sign-in");
        var signedIn = await browser.SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", TestServer.OwnerPassword));

        Assert.Equal(
            ("path=/; samesite=lax; httponly", "path=/; samesite=lax; httponly"),
            (Attributes(page.SetCookie("antiforgery")), Attributes(signedIn.SetCookie("session"))));
    }

    [Fact]
    public async Task Binds_cookies_to_host_and_tls_over_https()
    {
        await using var server = await AccessServer.StartOwnedAsync(
            "--Server:PublicAddress=https://keys.example.com", "--Server:TrustedProxies:0=127.0.0.0/8");
        var browser = server.NewVisitor();
        browser.Headers["Host"] = "keys.example.com";
        browser.Headers["X-Forwarded-Proto"] = "https";

        var page = await browser.GetAsync("/sign-in");
        browser.Headers["Cookie"] = page.SetCookie("__Host-antiforgery")!.Split(';')[0];
        var signedIn = await browser.SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", TestServer.OwnerPassword));

        Assert.Equal(
            ("path=/; secure; samesite=lax; httponly", "path=/; secure; samesite=lax; httponly", "max-age=31536000"),
            (Attributes(page.SetCookie("__Host-antiforgery")), Attributes(signedIn.SetCookie("__Host-session")), page.Headers["Strict-Transport-Security"]));
    }

    [Fact]
    public async Task Believes_no_forwarded_header_of_a_stranger()
    {
        await using var server = await AccessServer.StartOwnedAsync("--Server:TrustedProxies:0=192.0.2.1");

        var page = await server.NewVisitor().GetAsync("/sign-in", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"));

        Assert.NotNull(page.SetCookie("antiforgery"));
    }

    [Theory]
    [InlineData("Server:PublicAddress", "keys.example.com")]
    [InlineData("Server:PublicAddress", "ftp://keys.example.com")]
    [InlineData("Server:PublicAddress", "https://keys.example.com/path")]
    [InlineData("Server:PublicAddress", "https://user@keys.example.com")]
    [InlineData("Server:TrustedProxies:0", "proxy")]
    [InlineData("ForwardedHeaders_Enabled", "true")]
    public async Task Does_not_start_with_a_bad_setting_and_names_it(string key, string value)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => AccessServer.StartAsync($"--{key}={value}"));

        Assert.Contains(key.Replace(":0", "", StringComparison.Ordinal), refusal.Message, StringComparison.Ordinal);
    }

    private static string Attributes(string? cookie) => cookie?[(cookie.IndexOf(';', StringComparison.Ordinal) + 2)..] ?? "no cookie";
}
