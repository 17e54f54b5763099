using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;

namespace ReSciCredentials.Tests.Access;

public sealed class SigningInToTheDemo
{
    // The sandbox is on in every test.
    private static readonly string[] Demo = ["--environment=Development"];

    [Fact]
    public async Task Needs_no_password_on_this_machine()
    {
        await using var server = await AccessServer.StartAsync(Demo);

        Assert.Contains("Demo owner", (await server.NewVisitor().GetAsync("/account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Makes_one_owner_with_one_session_for_many_first_requests()
    {
        await using var server = await AccessServer.StartAsync(Demo);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => server.NewVisitor().GetAsync("/account")));

        Assert.Equal(
            (1, 1),
            (await server.InStorageAsync(storage => storage.Users.CountAsync()), await server.InStorageAsync(storage => storage.Sessions.CountAsync())));
    }

    [Fact]
    public async Task Starts_again_after_a_sign_out()
    {
        await using var server = await AccessServer.StartAsync(Demo);
        var browser = server.NewVisitor();
        // There is no password that could be asked for again.
        await browser.GetAsync("/account");
        server.Time.Advance(RecentSignIn.Limit);

        Assert.Equal("/sign-in", (await browser.SubmitAsync("/account", "/account/sign-out-everywhere")).Location);

        Assert.Contains("Demo owner", (await browser.GetAsync("/account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offers_no_change_of_a_password_that_there_is_not()
    {
        await using var server = await AccessServer.StartAsync(Demo);

        var page = await server.NewVisitor().GetAsync("/account");

        Assert.Equal(
            (true, false),
            (page.Text.Contains("there is none to change", StringComparison.Ordinal), page.Text.Contains("PresentPassword", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("environment", "Production")]
    [InlineData("ReSci:Sandbox", "false")]
    [InlineData("urls", "http://0.0.0.0:0")]
    [InlineData("urls", "http://[::]:0")]
    public async Task Is_off_unless_everything_says_demo(string key, string value)
    {
        await using var server = await AccessServer.StartAsync([.. Demo, $"--{key}={value}"]);

        Assert.Equal("/setup", (await server.NewVisitor().GetAsync("/account")).Location);
    }

    [Theory]
    [InlineData("Host", "keys.example.com")]
    [InlineData("X-Forwarded-For", "192.0.2.1")]
    public async Task Is_off_for_whoever_comes_from_elsewhere(string header, string value)
    {
        await using var server = await AccessServer.StartAsync([.. Demo, "--Server:PublicAddress=https://keys.example.com"]);

        Assert.Equal("/setup", (await server.NewVisitor().GetAsync("/account", (header, value))).Location);
    }

    [Fact]
    public async Task Never_signs_in_the_owner_of_a_real_server()
    {
        await using var server = await AccessServer.StartOwnedAsync(Demo);

        Assert.Equal(HttpStatusCode.Redirect, (await server.NewVisitor().GetAsync("/account")).Status);
    }
}
