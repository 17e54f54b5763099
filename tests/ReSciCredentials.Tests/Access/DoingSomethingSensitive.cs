using System.Net;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

/// <summary>Here it is to sign out everywhere.</summary>
public sealed class DoingSomethingSensitive
{
    private const string Confirmation = "/confirm?returnUrl=%2Faccount";

    [Fact]
    public async Task Needs_nothing_more_shortly_after_the_sign_in()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        server.Time.Advance(RecentSignIn.Limit - TimeSpan.FromSeconds(1));

        Assert.Equal("/sign-in", (await DoItAsync(browser)).Location);
    }

    [Fact]
    public async Task Leads_to_the_password_five_minutes_later_and_does_nothing_yet()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);

        Assert.Equal(Confirmation, (await DoItAsync(browser)).Location);
        Assert.Equal(HttpStatusCode.NoContent, (await browser.GetAsync("/session")).Status);
    }

    [Fact]
    public async Task Leads_back_with_the_right_password_and_can_be_done_then()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);

        var confirmed = await browser.SubmitAsync(Confirmation, "confirm", ("Password", TestServer.OwnerPassword));

        Assert.Equal(("/account", "/sign-in"), (confirmed.Location, (await DoItAsync(browser)).Location));
    }

    [Fact]
    public async Task Asks_again_when_another_five_minutes_have_passed()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);
        await browser.SubmitAsync(Confirmation, "confirm", ("Password", TestServer.OwnerPassword));

        server.Time.Advance(RecentSignIn.Limit);

        Assert.Equal(Confirmation, (await DoItAsync(browser)).Location);
    }

    [Fact]
    public async Task Confirms_for_this_browser_alone()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var other = await server.SignInAsync();
        var browser = await SignInLongAgoAsync(server);
        await browser.SubmitAsync(Confirmation, "confirm", ("Password", TestServer.OwnerPassword));

        Assert.Equal(Confirmation, (await DoItAsync(other)).Location);
    }

    [Fact]
    public async Task Stays_closed_after_a_wrong_password()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);

        var refused = await browser.SubmitAsync(Confirmation, "confirm", ("Password", "wrong"));

        Assert.Equal(("This is not your password. Try again.", Confirmation), (refused.Error, (await DoItAsync(browser)).Location));
    }

    [Fact]
    public async Task Looks_at_no_password_after_five_wrong_ones()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);
        for (var i = 0; i < LockOut.Tries; i++)
        {
            await browser.SubmitAsync(Confirmation, "confirm", ("Password", "wrong"));
        }

        var answer = await browser.SubmitAsync(Confirmation, "confirm", ("Password", TestServer.OwnerPassword));

        Assert.StartsWith("After 5 wrong passwords", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tells_a_script_by_a_code()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);
        var token = await browser.AntiforgeryTokenAsync();
        browser.Headers["Accept"] = "application/json";

        var answer = await browser.PostAsync("/account/sign-out-everywhere", ("__RequestVerificationToken", token));

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
        Assert.Contains("sign_in_not_recent", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://evil.example/account")]
    [InlineData("//evil.example/")]
    public async Task Leads_back_to_this_server_only(string returnUrl)
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await SignInLongAgoAsync(server);

        var answer = await browser.SubmitAsync(
            $"/confirm?returnUrl={Uri.EscapeDataString(returnUrl)}", "confirm", ("Password", TestServer.OwnerPassword));

        Assert.Equal("/", answer.Location);
    }

    private static async Task<Visitor> SignInLongAgoAsync(TestServer server)
    {
        var browser = await server.SignInAsync();
        server.Time.Advance(RecentSignIn.Limit);
        return browser;
    }

    private static Task<PageAnswer> DoItAsync(Visitor browser)
    {
        browser.Headers["Referer"] = new Uri(browser.Http.BaseAddress!, "/account").AbsoluteUri;
        return browser.SubmitAsync("/account", "/account/sign-out-everywhere");
    }
}
