using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Routing;
using Microsoft.AspNetCore.Components.Server;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

public sealed class EndingASession
{
    private const string NewPassword = "nine patient rivers beyond Oslo";

    [Fact]
    public async Task Makes_a_copied_cookie_worthless_at_sign_out()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        var cookie = browser.Cookie;

        await SignOutThisBrowserAsync(browser);

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.NewVisitor().GetAsync("/session", ("Cookie", cookie))).Status);
    }

    [Fact]
    public async Task Leaves_other_browsers_signed_in()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var (one, other) = (await server.SignInAsync(), await server.SignInAsync());

        await SignOutThisBrowserAsync(one);

        Assert.Equal((false, true), (await IsSignedInAsync(one), await IsSignedInAsync(other)));
    }

    [Fact]
    public async Task Ends_another_browser_from_the_account_page()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var other = await server.SignInAsync();
        var others = await server.InStorageAsync(storage => storage.Sessions.Select(s => s.Id).SingleAsync());
        var one = await server.SignInAsync();

        await one.SubmitAsync("/account", $"/account/sessions/{others}/end");

        Assert.Equal((true, false), (await IsSignedInAsync(one), await IsSignedInAsync(other)));
    }

    [Fact]
    public async Task Ends_all_browsers_everywhere()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var (one, other) = (await server.SignInAsync(), await server.SignInAsync());

        await one.SubmitAsync("/account", "/account/sign-out-everywhere");

        Assert.Equal((false, false), (await IsSignedInAsync(one), await IsSignedInAsync(other)));
    }

    [Fact]
    public async Task Ends_all_others_when_the_password_changes()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var (one, other) = (await server.SignInAsync(), await server.SignInAsync());

        await ChangePasswordAsync(one, TestServer.OwnerPassword);

        Assert.Equal((true, false), (await IsSignedInAsync(one), await IsSignedInAsync(other)));
    }

    [Fact]
    public async Task Gives_this_browser_a_new_session_when_the_password_changes()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        var cookie = browser.Cookie;

        await ChangePasswordAsync(browser, TestServer.OwnerPassword);

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.NewVisitor().GetAsync("/session", ("Cookie", cookie))).Status);
    }

    [Fact]
    public async Task Changes_no_password_without_the_present_one()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var answer = await ChangePasswordAsync(await server.SignInAsync(), "not the present one");

        Assert.Equal("This is not your present password.", answer.Error);
    }

    [Fact]
    public async Task Takes_the_new_password_afterwards()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await ChangePasswordAsync(await server.SignInAsync(), TestServer.OwnerPassword);

        var answer = await server.NewVisitor().SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", NewPassword));

        Assert.Equal("/", answer.Location);
    }

    [Fact]
    public async Task Comes_after_twelve_hours_without_use()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        server.Time.Advance(Sessions.IdleLimit);

        Assert.False(await IsSignedInAsync(browser));
    }

    [Fact]
    public async Task Comes_after_a_week_however_busy()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        List<bool> days = [];

        for (var halfDay = 1; halfDay <= 15; halfDay++)
        {
            server.Time.Advance(TimeSpan.FromHours(11.9));
            days.Add(await IsSignedInAsync(browser));
        }

        Assert.Equal([.. Enumerable.Repeat(true, 14), false], days);
    }

    [Fact]
    public async Task Notes_use_at_most_once_a_minute()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        var signedInAt = server.Time.GetUtcNow();

        server.Time.Advance(TimeSpan.FromSeconds(59));
        await IsSignedInAsync(browser);

        Assert.Equal(signedInAt, await server.InStorageAsync(storage => storage.Sessions.Select(s => s.SeenAt).SingleAsync()));
    }

    [Fact]
    public async Task Leaves_no_row_for_longer_than_a_day()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await SignOutThisBrowserAsync(await server.SignInAsync());
        await server.Time.RingsForAsync<EndedSessions>();

        server.Time.Advance(Sessions.KeptAfterEnd + TimeSpan.FromSeconds(1));

        await Until.TrueAsync(async () => await server.InStorageAsync(storage => storage.Sessions.CountAsync()) == 0, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Removes_the_row_of_no_session_that_lives()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await SignOutThisBrowserAsync(await server.SignInAsync());
        var browser = await server.SignInAsync();
        server.Time.Advance(Sessions.IdleLimit - TimeSpan.FromHours(1));
        await server.Service<Sessions>().RemoveEndedAsync(CancellationToken.None);

        Assert.True(await IsSignedInAsync(browser));
    }

    [Fact]
    public async Task Cuts_the_circuit_at_once_when_it_ends_here()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        using var circuit = await browser.ConnectAsync(server.Origin);

        await SignOutThisBrowserAsync(browser);

        await AssertCutAsync(circuit);
    }

    [Fact]
    public async Task Cuts_the_circuit_within_ten_seconds_when_another_process_ends_it()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        using var circuit = await browser.ConnectAsync(server.Origin);
        await server.Time.RingsForAsync<EndedSessions>();
        var now = server.Time.GetUtcNow();
        await server.InStorageAsync(storage => storage.Sessions.ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now)));

        server.Time.Advance(TimeSpan.FromSeconds(10));

        await AssertCutAsync(circuit);
    }

    [Fact]
    public async Task Refuses_the_circuits_reconnection()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        await SignOutThisBrowserAsync(browser);

        var refusal = await Assert.ThrowsAsync<WebSocketException>(() => browser.ConnectAsync(server.Origin));

        Assert.Contains("401", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stops_what_a_running_circuit_asks_for()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var session = await server.WithAsync<Accounts, (SignInOutcome, Storage.SignInSession? Session)>(
            accounts => accounts.SignInAsync(TestServer.OwnerEmail, TestServer.OwnerPassword, new Client("192.0.2.1", "Test"), CancellationToken.None));
        await using var circuit = server.Services.CreateAsyncScope();
        var person = await server.Services.GetRequiredService<Sessions>()
            .FindAsync(session.Session!.Id, new Client("192.0.2.1", "Test"), CancellationToken.None);
        ((ServerAuthenticationStateProvider)circuit.ServiceProvider.GetRequiredService<AuthenticationStateProvider>())
            .SetAuthenticationState(Task.FromResult(new AuthenticationState(SessionClaims.For(person!))));
        ((IHostEnvironmentNavigationManager)circuit.ServiceProvider.GetRequiredService<NavigationManager>())
            .Initialize(server.Address.AbsoluteUri, new Uri(server.Address, "/credentials").AbsoluteUri);
        var current = circuit.ServiceProvider.GetRequiredService<CurrentPerson>();
        Assert.Equal(person! with { Path = "/credentials" }, await current.GetAsync(CancellationToken.None));

        await server.Services.GetRequiredService<Sessions>().EndAllAsync(person!, CancellationToken.None);

        await Assert.ThrowsAsync<SignedOutException>(async () => await current.GetAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Does_not_end_the_session_of_somebody_else()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        var session = await server.InStorageAsync(storage => storage.Sessions.Select(s => s.Id).SingleAsync());
        var stranger = new Person(4711, "Stranger", "stranger@example.com", AccountRole.Member, Guid.NewGuid(), "", "");

        await server.Services.GetRequiredService<Sessions>().EndAsync(stranger, session, CancellationToken.None);

        Assert.True(await IsSignedInAsync(browser));
    }

    [Fact]
    public async Task Writes_sign_out_and_the_change_of_password_into_the_audit_log()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        await ChangePasswordAsync(browser, TestServer.OwnerPassword);
        await SignOutThisBrowserAsync(browser);

        Assert.Equal(["create", "sign_in", "password_changed", "sign_in", "sign_out"], await server.AuditAsync());
    }

    private static async Task<bool> IsSignedInAsync(Visitor browser) =>
        (await browser.GetAsync("/session")).Status is HttpStatusCode.NoContent;

    private static async Task SignOutThisBrowserAsync(Visitor browser) =>
        Assert.Equal("/sign-in", (await browser.SubmitAsync("/account", "/sign-out")).Location);

    private static Task<PageAnswer> ChangePasswordAsync(Visitor browser, string present) => browser.SubmitAsync(
        "/account",
        "change-password",
        ("PresentPassword", present),
        ("Password", NewPassword),
        ("RepeatedPassword", NewPassword));

    private static async Task AssertCutAsync(ClientWebSocket circuit)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        await Assert.ThrowsAsync<WebSocketException>(() => circuit.ReceiveAsync(new byte[1], limit.Token));
    }
}

public sealed class ResettingTheSignIn
{
    private const string NewPassword = "nine patient rivers beyond Oslo";

    [Fact]
    public async Task Ends_every_session()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        await ResetAsync(server);

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.GetAsync("/session")).Status);
    }

    [Fact]
    public async Task Takes_the_old_password_away()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        await ResetAsync(server);

        Assert.StartsWith(
            "The e-mail or the password is not right",
            (await server.NewVisitor().SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", TestServer.OwnerPassword))).Error,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lets_the_owner_choose_a_new_password_by_the_link()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = server.NewVisitor();

        await ChooseAsync(browser, await ResetAsync(server));

        Assert.Contains(TestServer.OwnerName, (await browser.GetAsync("/account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lets_the_link_be_used_once()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var token = await ResetAsync(server);
        await ChooseAsync(server.NewVisitor(), token);

        var page = await server.NewVisitor().GetAsync("/setup");

        Assert.Contains("there is nothing left to set up", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_wrong_token()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await ResetAsync(server);

        Assert.StartsWith("The set-up token is not right", (await ChooseAsync(server.NewVisitor(), "wrong")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_new_password_made_of_the_owners_name()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var answer = await ChooseAsync(server.NewVisitor(), await ResetAsync(server), $"{TestServer.OwnerName} {TestServer.OwnerName}");

        Assert.Contains("name or e-mail", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Opens_a_locked_sign_in()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        for (var i = 0; i < 5; i++)
        {
            await server.NewVisitor().SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", "wrong"));
        }

        await ChooseAsync(server.NewVisitor(), await ResetAsync(server));

        Assert.Equal(
            "/",
            (await server.NewVisitor().SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", NewPassword))).Location);
    }

    [Fact]
    public async Task Does_nothing_without_an_owner()
    {
        await using var server = await AccessServer.StartAsync();

        Assert.Null(await server.WithAsync<Owners, string?>(owners => owners.ResetSignInAsync(server.Address, CancellationToken.None)));
    }

    private static async Task<string> ResetAsync(TestServer server) =>
        (await server.WithAsync<Owners, string?>(owners => owners.ResetSignInAsync(server.Address, CancellationToken.None)))!.Split("#token=")[1];

    private static Task<PageAnswer> ChooseAsync(Visitor browser, string token, string password = NewPassword) =>
        browser.SubmitAsync("/setup", "setup", ("Token", token), ("Password", password), ("RepeatedPassword", password));
}
