using System.Buffers.Binary;
using System.Net;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Access;

public sealed class SigningIn
{
    [Fact]
    public async Task Leads_an_anonymous_page_to_the_sign_in_and_back()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        Assert.Equal("/sign-in?returnUrl=%2Fcredentials%3Fq%3Da%2520b", (await host.NewBrowser().GetAsync("/credentials?q=a%20b")).Location);
    }

    [Theory]
    [InlineData("GET", "*/*")]
    [InlineData("POST", "text/html")]
    public async Task Answers_what_is_not_a_page_with_401(string method, string accept)
    {
        await using var host = await AccessHost.StartOwnedAsync();
        var browser = host.NewBrowser();
        browser.Headers["Accept"] = accept;

        var answer = method == "GET" ? await browser.GetAsync("/antiforgery-token") : await browser.PostAsync("/change");

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
    }

    [Fact]
    public async Task Refuses_a_circuit()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        var answer = await host.NewBrowser().GetAsync("/_blazor", ("Origin", host.Address.GetLeftPart(UriPartial.Authority)));

        Assert.Equal(HttpStatusCode.Unauthorized, answer.Status);
    }

    [Fact]
    public async Task Takes_the_right_password()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        var browser = await host.SignInAsync();

        Assert.Equal($"Welcome {AccessHost.Name}", (await browser.GetAsync("/welcome")).Text);
    }

    [Fact]
    public async Task Takes_any_spelling_of_the_address()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        Assert.Equal(SignInOutcome.SignedIn, await TryAsync(host, " OWNER@Example.com "));
    }

    [Fact]
    public async Task Answers_the_same_to_a_wrong_password_and_an_unknown_account()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        var wrong = await SubmitAsync(host, AccessHost.Email, "wrong");
        var unknown = await SubmitAsync(host, "nobody@example.com", "wrong");

        Assert.Equal((wrong.Status, wrong.Error), (unknown.Status, unknown.Error));
    }

    [Fact]
    public async Task Says_that_it_is_not_right()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        Assert.Equal("The e-mail or the password is not right. Try again.", (await SubmitAsync(host, AccessHost.Email, "wrong")).Error);
    }

    [Fact]
    public async Task Never_sends_back_what_was_typed_as_a_password()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        var answer = await SubmitAsync(host, AccessHost.Email, "planted-password");

        Assert.DoesNotContain("planted", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_successes_and_failures_into_the_audit_log()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        await TryAsync(host, AccessHost.Email, "wrong");
        await TryAsync(host, "nobody@example.com", "wrong");
        await TryAsync(host, AccessHost.Email);

        Assert.Equal(["create", "sign_in_failed", "sign_in_failed", "sign_in"], await host.AuditAsync());
    }

    [Fact]
    public async Task Keeps_nothing_of_what_a_stranger_typed()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        await TryAsync(host, "my secret typed into the wrong field", "wrong");

        Assert.Equal(
            "not signed in",
            await host.InStorageAsync(storage => storage.AuditEntries.OrderBy(e => e.Id).Select(e => e.ActorName).LastAsync()));
    }

    [Fact]
    public async Task Hashes_with_at_least_210_000_iterations()
    {
        using var passwords = new Passwords(
            Options.Create(new PasswordHasherOptions { IterationCount = Passwords.Iterations }));
        using var turn = await passwords.TryTakeTurnAsync(CancellationToken.None);

        var hash = Convert.FromBase64String(turn!.Hash("any"));

        // PasswordHasher's format: a marker, the function (2 is SHA-512), the count.
        Assert.Equal((2, 210_000), (BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(1)), BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(5))));
    }

    [Fact]
    public async Task Hashes_a_weakly_hashed_password_anew()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        using var weaker = new Passwords(
            Options.Create(new PasswordHasherOptions { IterationCount = 10 }));
        using var turn = await weaker.TryTakeTurnAsync(CancellationToken.None);
        var weak = turn!.Hash(AccessHost.Password);
        await host.InStorageAsync(storage => storage.Users.ExecuteUpdateAsync(a => a.SetProperty(x => x.PasswordHash, weak)));

        await TryAsync(host, AccessHost.Email);

        Assert.NotEqual(weak, await host.InStorageAsync(storage => storage.Users.Select(a => a.PasswordHash).SingleAsync()));
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
        await using var host = await AccessHost.StartOwnedAsync();

        var answer = await SubmitAsync(host, AccessHost.Email, AccessHost.Password, "/sign-in?returnUrl=" + Uri.EscapeDataString(returnUrl));

        Assert.Equal(expected, answer.Location);
    }

    [Fact]
    public async Task Leads_who_is_signed_in_already_on()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        var browser = await host.SignInAsync();

        Assert.Equal("/signed-in", (await browser.GetAsync("/sign-in?returnUrl=/signed-in")).Location);
    }

    [Fact]
    public async Task Shows_the_form_anew_when_somebody_signed_in_in_another_tab()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        var browser = await host.SignInAsync();

        var answer = await browser.PostAsync("/sign-in", ("_handler", "sign-in"), ("Email", AccessHost.Email), ("Password", AccessHost.Password));

        Assert.Equal((HttpStatusCode.SeeOther, "/sign-in"), (answer.Status, answer.Location));
    }

    [Fact]
    public async Task Takes_no_password_over_an_open_line()
    {
        await using var host = await AccessHost.StartOwnedAsync(("Server:PublicAddress", "http://keys.example.com"));
        var browser = host.NewBrowser();
        browser.Headers["Host"] = "keys.example.com";

        var page = await browser.GetAsync("/sign-in");

        Assert.Equal((true, false), (page.Error.Contains("not encrypted", StringComparison.Ordinal), page.Text.Contains("<form", StringComparison.Ordinal)));
    }

    private static Task<Answer> SubmitAsync(AccessHost host, string email, string password, string page = "/sign-in") =>
        host.NewBrowser().SubmitAsync(page, "sign-in", ("Email", email), ("Password", password));

    private static async Task<SignInOutcome> TryAsync(AccessHost host, string email, string password = AccessHost.Password)
    {
        var (outcome, _) = await host.WithAsync<Accounts, (SignInOutcome, SignInSession?)>(
            accounts => accounts.SignInAsync(email, password, new Client("", ""), CancellationToken.None));
        return outcome;
    }
}

public sealed class GuessingAPassword
{
    [Theory]
    [InlineData(AccessHost.Email)]
    [InlineData("nobody@example.com")]
    public async Task Closes_the_sign_in_after_five_failures_whatever_the_spelling(string email)
    {
        await using var host = await AccessHost.StartOwnedAsync();
        string[] spellings = [email, email.ToUpperInvariant(), $" {email}", $"{email} ", email];

        foreach (var spelling in spellings)
        {
            Assert.Equal(SignInOutcome.Refused, await TryAsync(host, spelling, "wrong"));
        }

        Assert.Equal(SignInOutcome.LockedOut, await TryAsync(host, email, AccessHost.Password));
    }

    [Fact]
    public async Task Opens_it_again_after_five_minutes()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        await FailAsync(host, AccessHost.Email, 5);

        host.Time.Advance(LockOut.Duration);

        Assert.Equal(SignInOutcome.SignedIn, await TryAsync(host, AccessHost.Email, AccessHost.Password));
    }

    [Theory]
    [InlineData(AccessHost.Email)]
    [InlineData("nobody@example.com")]
    public async Task Gives_five_tries_anew_after_the_five_minutes(string email)
    {
        await using var host = await AccessHost.StartOwnedAsync();
        await FailAsync(host, email, 5);
        host.Time.Advance(LockOut.Duration);

        await FailAsync(host, email, 5);

        Assert.Equal(SignInOutcome.LockedOut, await TryAsync(host, email, "wrong"));
    }

    [Fact]
    public async Task Forgets_failures_at_the_right_password()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        await FailAsync(host, AccessHost.Email, 4);
        await TryAsync(host, AccessHost.Email, AccessHost.Password);

        await FailAsync(host, AccessHost.Email, 4);

        Assert.Equal(SignInOutcome.SignedIn, await TryAsync(host, AccessHost.Email, AccessHost.Password));
    }

    [Theory]
    [InlineData(AccessHost.Email)]
    [InlineData("nobody@example.com")]
    public async Task Looks_at_no_more_than_five_of_many_at_once(string email)
    {
        await using var host = await AccessHost.StartOwnedAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 15).Select(i => Task.Run(() => TryAsync(host, email, $"guess {i}"))));

        Assert.Equal(5, outcomes.Count(outcome => outcome is SignInOutcome.Refused));
    }

    [Fact]
    public async Task Is_refused_plainly_while_too_many_hash()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        var passwords = host.Services.GetRequiredService<Passwords>();
        List<Task<Passwords.Turn?>> turns = [];
        do
        {
            turns.Add(passwords.TryTakeTurnAsync(CancellationToken.None));
        }
        while (!turns[^1].IsCompleted || await turns[^1] is not null);

        var answer = await host.NewBrowser().SubmitAsync("/sign-in", "sign-in", ("Email", AccessHost.Email), ("Password", AccessHost.Password));

        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, "The server is busy with other sign-ins. Nothing was checked; try again in a few seconds."),
            (answer.Status, answer.Error));
    }

    [Fact]
    public async Task Is_counted_when_an_open_browser_is_used_for_it()
    {
        await using var host = await AccessHost.StartOwnedAsync();
        var browser = await host.SignInAsync();
        for (var i = 0; i < 5; i++)
        {
            await ChangeAsync(browser, "wrong");
        }

        var answer = await ChangeAsync(browser, AccessHost.Password);

        Assert.StartsWith("After 5 wrong passwords", answer.Error, StringComparison.Ordinal);
    }

    private static Task<Answer> ChangeAsync(Browser browser, string present) => browser.SubmitAsync(
        "/account",
        "change-password",
        ("PresentPassword", present),
        ("Password", "nine patient rivers beyond Oslo"),
        ("RepeatedPassword", "nine patient rivers beyond Oslo"));

    private static async Task FailAsync(AccessHost host, string email, int times)
    {
        for (var i = 0; i < times; i++)
        {
            Assert.Equal(SignInOutcome.Refused, await TryAsync(host, email, "wrong"));
        }
    }

    private static async Task<SignInOutcome> TryAsync(AccessHost host, string email, string password)
    {
        var (outcome, _) = await host.WithAsync<Accounts, (SignInOutcome, SignInSession?)>(
            accounts => accounts.SignInAsync(email, password, new Client("", ""), CancellationToken.None));
        return outcome;
    }
}
