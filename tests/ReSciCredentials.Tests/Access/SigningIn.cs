using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

public sealed class SigningIn
{
    [Fact]
    public async Task Leads_an_anonymous_page_to_the_sign_in_and_back()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        Assert.Equal("/sign-in?returnUrl=%2Fcredentials%3Fq%3Da%2520b", (await server.NewVisitor().GetAsync("/credentials?q=a%20b")).Location);
    }

    [Theory]
    [InlineData("GET", "*/*")]
    [InlineData("POST", "text/html")]
    public async Task Answers_what_is_not_a_page_with_401(string method, string accept)
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = server.NewVisitor();
        browser.Headers["Accept"] = accept;

        var answer = method == "GET" ? await browser.GetAsync("/antiforgery-token") : await browser.PostAsync("/sign-out");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
    }

    [Fact]
    public async Task Refuses_a_circuit()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var answer = await server.NewVisitor().GetAsync("/_blazor", ("Origin", server.Origin));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
    }

    [Fact]
    public async Task Takes_the_right_password()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var browser = server.NewVisitor();
        await browser.SignInAsync(TestServer.OwnerEmail, TestServer.OwnerPassword);

        Assert.Contains(TestServer.OwnerName, (await browser.GetAsync("/account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_any_spelling_of_the_address()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        Assert.Equal(SignInOutcome.SignedIn, await TryAsync(server, " OWNER@Example.com "));
    }

    [Fact]
    public async Task Answers_the_same_to_a_wrong_password_and_an_unknown_account()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var wrong = await SubmitAsync(server, TestServer.OwnerEmail, "wrong");
        var unknown = await SubmitAsync(server, "nobody@example.com", "wrong");

        Assert.Equal((wrong.Status, wrong.Error), (unknown.Status, unknown.Error));
    }

    [Fact]
    public async Task Says_that_it_is_not_right()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        Assert.Equal("The e-mail or the password is not right. Try again.", (await SubmitAsync(server, TestServer.OwnerEmail, "wrong")).Error);
    }

    [Fact]
    public async Task Never_sends_back_what_was_typed_as_a_password()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var answer = await SubmitAsync(server, TestServer.OwnerEmail, "planted-password");

        Assert.DoesNotContain("planted", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_successes_and_failures_into_the_audit_log()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        await TryAsync(server, TestServer.OwnerEmail, "wrong");
        await TryAsync(server, "nobody@example.com", "wrong");
        await TryAsync(server, TestServer.OwnerEmail);

        Assert.Equal(["create", "sign_in_failed", "sign_in_failed", "sign_in"], await server.AuditAsync());
    }

    [Fact]
    public async Task Keeps_nothing_of_what_a_stranger_typed()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        await TryAsync(server, "my secret typed into the wrong field", "wrong");

        Assert.Equal(
            "not signed in",
            await server.InStorageAsync(storage => storage.AuditEntries.OrderBy(e => e.Id).Select(e => e.ActorName).LastAsync()));
    }

    [Fact]
    public async Task Hashes_a_weakly_hashed_password_anew()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        using var weaker = new Passwords(
            Options.Create(new PasswordHasherOptions { IterationCount = 10 }));
        using var turn = await weaker.TryTakeTurnAsync(CancellationToken.None);
        var weak = turn!.Hash(TestServer.OwnerPassword);
        await server.InStorageAsync(storage => storage.Users.ExecuteUpdateAsync(a => a.SetProperty(x => x.PasswordHash, weak)));

        await TryAsync(server, TestServer.OwnerEmail);

        Assert.NotEqual(weak, await server.InStorageAsync(storage => storage.Users.Select(a => a.PasswordHash).SingleAsync()));
    }

    [Theory]
    [InlineData("/credentials?q=a", "/credentials?q=a")]
    [InlineData("https://evil.example/", "/")]
    [InlineData("//evil.example/", "/")]
    [InlineData("/\\evil.example/", "/")]
    [InlineData("/\t/evil.example/", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("evil", "/")]
    [InlineData("", "/")]
    public async Task Goes_on_to_an_address_on_this_server_only(string returnUrl, string expected)
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var answer = await SubmitAsync(server, TestServer.OwnerEmail, TestServer.OwnerPassword, "/sign-in?returnUrl=" + Uri.EscapeDataString(returnUrl));

        Assert.Equal(expected, answer.Location);
    }

    [Fact]
    public async Task Leads_who_is_signed_in_already_on()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        Assert.Equal("/signed-in", (await browser.GetAsync("/sign-in?returnUrl=/signed-in")).Location);
    }

    [Fact]
    public async Task Shows_the_form_anew_when_somebody_signed_in_in_another_tab()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();

        var answer = await browser.PostAsync("/sign-in", ("_handler", "sign-in"), ("Email", TestServer.OwnerEmail), ("Password", TestServer.OwnerPassword));

        Assert.Equal((HttpStatusCode.SeeOther, "/sign-in"), (answer.Status, answer.Location));
    }

    [Fact]
    public async Task Takes_no_password_over_an_open_line()
    {
        await using var server = await AccessServer.StartOwnedAsync("--Server:PublicAddress=http://keys.example.com");
        var browser = server.NewVisitor();
        browser.Headers["Host"] = "keys.example.com";

        var page = await browser.GetAsync("/sign-in");

        Assert.Equal((true, false), (page.Error.Contains("not encrypted", StringComparison.Ordinal), page.Text.Contains("<form", StringComparison.Ordinal)));
    }

    private static Task<PageAnswer> SubmitAsync(TestServer server, string email, string password, string page = "/sign-in") =>
        server.NewVisitor().SubmitAsync(page, "sign-in", ("Email", email), ("Password", password));

    private static async Task<SignInOutcome> TryAsync(TestServer server, string email, string password = TestServer.OwnerPassword)
    {
        var (outcome, _) = await server.WithAsync<Accounts, (SignInOutcome, SignInSession?)>(
            accounts => accounts.SignInAsync(email, password, new Client("", ""), CancellationToken.None));
        return outcome;
    }
}

public sealed class GuessingAPassword
{
    [Theory]
    [InlineData(TestServer.OwnerEmail)]
    [InlineData("nobody@example.com")]
    public async Task Closes_the_sign_in_after_five_failures_whatever_the_spelling(string email)
    {
        await using var server = await AccessServer.StartOwnedAsync();
        string[] spellings = [email, email.ToUpperInvariant(), $" {email}", $"{email} ", email];

        foreach (var spelling in spellings)
        {
            Assert.Equal(SignInOutcome.Refused, await TryAsync(server, spelling, "wrong"));
        }

        Assert.Equal(SignInOutcome.LockedOut, await TryAsync(server, email, TestServer.OwnerPassword));
    }

    [Fact]
    public async Task Opens_it_again_after_five_minutes()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await FailAsync(server, TestServer.OwnerEmail, 5);

        server.Time.Advance(LockOut.Duration);

        Assert.Equal(SignInOutcome.SignedIn, await TryAsync(server, TestServer.OwnerEmail, TestServer.OwnerPassword));
    }

    [Theory]
    [InlineData(TestServer.OwnerEmail)]
    [InlineData("nobody@example.com")]
    public async Task Gives_five_tries_anew_after_the_five_minutes(string email)
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await FailAsync(server, email, 5);
        server.Time.Advance(LockOut.Duration);

        await FailAsync(server, email, 5);

        Assert.Equal(SignInOutcome.LockedOut, await TryAsync(server, email, "wrong"));
    }

    [Fact]
    public async Task Forgets_failures_at_the_right_password()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        await FailAsync(server, TestServer.OwnerEmail, 4);
        await TryAsync(server, TestServer.OwnerEmail, TestServer.OwnerPassword);

        await FailAsync(server, TestServer.OwnerEmail, 4);

        Assert.Equal(SignInOutcome.SignedIn, await TryAsync(server, TestServer.OwnerEmail, TestServer.OwnerPassword));
    }

    [Theory]
    [InlineData(TestServer.OwnerEmail)]
    [InlineData("nobody@example.com")]
    public async Task Looks_at_no_more_than_five_of_many_at_once(string email)
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 15).Select(i => Task.Run(() => TryAsync(server, email, $"guess {i}"))));

        Assert.Equal(5, outcomes.Count(outcome => outcome is SignInOutcome.Refused));
    }

    [Fact]
    public async Task Is_held_up_by_address_however_many_accounts_are_tried()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        for (var i = 0; i < FailedSignIns.Limit; i++)
        {
            await TryFromAsync(server, $"nobody{i}@example.com", "127.0.0.1");
        }

        var answer = await server.NewVisitor().SubmitAsync(
            "/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", TestServer.OwnerPassword));

        Assert.Equal((HttpStatusCode.TooManyRequests, true), (answer.Status, answer.Headers.ContainsKey("Retry-After")));
        Assert.StartsWith("Too many sign-ins from your network have failed.", answer.Error, StringComparison.Ordinal);
        Assert.Equal(SignInOutcome.SignedIn, await TryFromAsync(server, TestServer.OwnerEmail, "192.0.2.7"));
    }

    [Fact]
    public void Is_held_up_by_the_network_where_one_person_has_many_addresses()
    {
        using var failed = new FailedSignIns();
        for (var i = 1; i <= FailedSignIns.Limit; i++)
        {
            failed.Count($"2001:db8:0:1::{i:x}");
        }

        Assert.Equal((true, false), (failed.WaitOf("2001:db8:0:1:ffff::1") is not null, failed.WaitOf("2001:db8:0:2::1") is not null));
    }

    [Fact]
    public async Task Is_refused_plainly_while_too_many_hash()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var passwords = server.Services.GetRequiredService<Passwords>();
        List<Task<Passwords.Turn?>> turns = [];
        do
        {
            turns.Add(passwords.TryTakeTurnAsync(CancellationToken.None));
        }
        while (!turns[^1].IsCompleted || await turns[^1] is not null);

        var answer = await server.NewVisitor().SubmitAsync("/sign-in", "sign-in", ("Email", TestServer.OwnerEmail), ("Password", TestServer.OwnerPassword));

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "The server is busy with other sign-ins. Nothing was checked; try again in a few seconds."),
            (answer.Status, answer.Error));
    }

    [Fact]
    public async Task Is_counted_when_an_open_browser_is_used_for_it()
    {
        await using var server = await AccessServer.StartOwnedAsync();
        var browser = await server.SignInAsync();
        for (var i = 0; i < 5; i++)
        {
            await ChangeAsync(browser, "wrong");
        }

        var answer = await ChangeAsync(browser, TestServer.OwnerPassword);

        Assert.StartsWith("After 5 wrong passwords", answer.Error, StringComparison.Ordinal);
    }

    private static async Task<SignInOutcome> TryFromAsync(TestServer server, string email, string address)
    {
        var (outcome, _) = await server.WithAsync<Accounts, (SignInOutcome, SignInSession?)>(
            accounts => accounts.SignInAsync(email, TestServer.OwnerPassword, new Client(address, ""), CancellationToken.None));
        return outcome;
    }

    private static Task<PageAnswer> ChangeAsync(Visitor browser, string present) => browser.SubmitAsync(
        "/account",
        "change-password",
        ("PresentPassword", present),
        ("Password", "nine patient rivers beyond Oslo"),
        ("RepeatedPassword", "nine patient rivers beyond Oslo"));

    private static async Task FailAsync(TestServer server, string email, int times)
    {
        for (var i = 0; i < times; i++)
        {
            Assert.Equal(SignInOutcome.Refused, await TryAsync(server, email, "wrong"));
        }
    }

    private static async Task<SignInOutcome> TryAsync(TestServer server, string email, string password)
    {
        var (outcome, _) = await server.WithAsync<Accounts, (SignInOutcome, SignInSession?)>(
            accounts => accounts.SignInAsync(email, password, new Client("", ""), CancellationToken.None));
        return outcome;
    }
}
