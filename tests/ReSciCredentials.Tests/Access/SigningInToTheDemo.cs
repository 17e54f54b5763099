using System.Net;
using Microsoft.EntityFrameworkCore;

namespace ReSciCredentials.Tests.Access;

public sealed class SigningInToTheDemo
{
    private static readonly (string, string)[] Demo = [("environment", "Development"), ("ReSci:Sandbox", "true")];

    [Fact]
    public async Task Needs_no_password_on_this_machine()
    {
        await using var host = await AccessHost.StartAsync(Demo);

        Assert.Equal("Welcome Demo owner", (await host.NewBrowser().GetAsync("/welcome")).Text);
    }

    [Fact]
    public async Task Makes_one_owner_with_one_session_for_many_first_requests()
    {
        await using var host = await AccessHost.StartAsync(Demo);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => host.NewBrowser().GetAsync("/welcome")));

        Assert.Equal(
            (1, 1),
            (await host.InStorageAsync(storage => storage.Users.CountAsync()), await host.InStorageAsync(storage => storage.Sessions.CountAsync())));
    }

    [Fact]
    public async Task Starts_again_after_a_sign_out()
    {
        await using var host = await AccessHost.StartAsync(Demo);
        var browser = host.NewBrowser();

        await browser.SubmitAsync("/account", "/account/sign-out-everywhere");

        Assert.Equal("Welcome Demo owner", (await browser.GetAsync("/welcome")).Text);
    }

    [Theory]
    [InlineData("environment", "Production")]
    [InlineData("ReSci:Sandbox", "false")]
    [InlineData("listen", "http://0.0.0.0:0")]
    [InlineData("listen", "http://[::]:0")]
    public async Task Is_off_unless_everything_says_demo(string key, string value)
    {
        await using var host = await AccessHost.StartAsync([(key, value), .. Demo.Where(s => s.Item1 != key)]);

        Assert.Equal("/setup", (await host.NewBrowser().GetAsync("/welcome")).Location);
    }

    [Theory]
    [InlineData("Host", "keys.example.com")]
    [InlineData("X-Forwarded-For", "192.0.2.1")]
    public async Task Is_off_for_whoever_comes_from_elsewhere(string header, string value)
    {
        await using var host = await AccessHost.StartAsync([.. Demo, ("Server:PublicAddress", "https://keys.example.com")]);

        Assert.Equal("/setup", (await host.NewBrowser().GetAsync("/welcome", (header, value))).Location);
    }

    [Fact]
    public async Task Never_signs_in_the_owner_of_a_real_server()
    {
        await using var host = await AccessHost.StartOwnedAsync(Demo);

        Assert.Equal(HttpStatusCode.Redirect, (await host.NewBrowser().GetAsync("/welcome")).Status);
    }
}
