using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Access;

public sealed class ClaimingTheServer
{
    [Theory]
    [InlineData("/welcome")]
    [InlineData("/sign-in")]
    [InlineData("/nowhere")]
    public async Task Leads_every_page_to_the_set_up_until_there_is_an_owner(string page)
    {
        await using var host = await AccessHost.StartAsync();

        Assert.Equal("/setup", (await host.NewBrowser().GetAsync(page)).Location);
    }

    [Fact]
    public async Task Refuses_what_is_not_a_page_until_there_is_an_owner()
    {
        await using var host = await AccessHost.StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await host.NewBrowser().GetAsync("/session", ("Accept", "*/*"))).Status);
    }

    [Fact]
    public async Task Makes_the_owner_and_signs_them_in()
    {
        await using var host = await AccessHost.StartAsync();
        var browser = host.NewBrowser();

        await ClaimAsync(browser, await host.IssueTokenAsync());

        Assert.Equal($"Welcome {AccessHost.Name}", (await browser.GetAsync("/welcome")).Text);
    }

    [Fact]
    public async Task Shows_the_recovery_sheet_in_that_one_answer()
    {
        await using var host = await AccessHost.StartAsync();
        var browser = host.NewBrowser();
        var group = host.Services.GetRequiredService<ServerSeal>().RecoveryKey.SheetGroups[0];

        var claimed = await ClaimAsync(browser, await host.IssueTokenAsync());
        var again = await browser.GetAsync("/setup");

        Assert.Equal((true, false), (claimed.Text.Contains(group, StringComparison.Ordinal), again.Text.Contains(group, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Takes_the_whole_link_in_place_of_the_token()
    {
        await using var host = await AccessHost.StartAsync();
        var token = await host.IssueTokenAsync();

        var answer = await ClaimAsync(host.NewBrowser(), $" https://keys.example.com/setup#token={token} ");

        Assert.Equal("", answer.Error);
    }

    [Fact]
    public async Task Keeps_the_token_in_a_file_for_the_servers_user_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes.");
            return;
        }

        await using var host = await AccessHost.StartAsync();
        await File.WriteAllTextAsync(host.SetupLinkFile, "an older file that everybody can read");

        var token = await host.IssueTokenAsync();

        Assert.Equal(
            ($"{host.Address}setup#token={token}\n", UnixFileMode.UserRead | UnixFileMode.UserWrite),
            (await File.ReadAllTextAsync(host.SetupLinkFile), File.GetUnixFileMode(host.SetupLinkFile)));
    }

    [Fact]
    public async Task Removes_the_file_once_the_link_is_used()
    {
        await using var host = await AccessHost.StartAsync();

        await ClaimAsync(host.NewBrowser(), await host.IssueTokenAsync());

        Assert.False(File.Exists(host.SetupLinkFile));
    }

    [Fact]
    public async Task Refuses_a_wrong_token()
    {
        await using var host = await AccessHost.StartAsync();
        await host.IssueTokenAsync();

        var answer = await ClaimAsync(host.NewBrowser(), "AAAAAAAAAAAAAAAAAAAAAA");

        Assert.StartsWith("The set-up token is not right", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_the_right_token_after_five_wrong_ones()
    {
        await using var host = await AccessHost.StartAsync();
        var token = await host.IssueTokenAsync();
        for (var i = 0; i < 5; i++)
        {
            await ClaimAsync(host, "wrong");
        }

        Assert.Equal(OwnerOutcome.LinkNotValid, await ClaimAsync(host, token));
    }

    [Fact]
    public async Task Takes_the_right_token_after_four_wrong_ones()
    {
        await using var host = await AccessHost.StartAsync();
        var token = await host.IssueTokenAsync();
        for (var i = 0; i < 4; i++)
        {
            await ClaimAsync(host, "wrong");
        }

        Assert.Equal(OwnerOutcome.Done, await ClaimAsync(host, token));
    }

    [Theory]
    [InlineData(29, nameof(OwnerOutcome.Done))]
    [InlineData(30, nameof(OwnerOutcome.LinkNotValid))]
    public async Task Takes_the_token_for_thirty_minutes(int minutes, string expected)
    {
        await using var host = await AccessHost.StartAsync();
        var token = await host.IssueTokenAsync();

        host.Time.Advance(TimeSpan.FromMinutes(minutes));

        Assert.Equal(expected, (await ClaimAsync(host, token)).ToString());
    }

    [Fact]
    public async Task Refuses_the_link_that_a_newer_one_replaced()
    {
        await using var host = await AccessHost.StartAsync();
        var older = await host.IssueTokenAsync();
        await host.IssueTokenAsync();

        Assert.Equal(OwnerOutcome.LinkNotValid, await ClaimAsync(host, older));
    }

    [Fact]
    public async Task Makes_one_owner_of_fifty_claims_at_once()
    {
        await using var host = await AccessHost.StartAsync();
        var token = await host.IssueTokenAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => ClaimAsync(host, token, $"owner{i}@example.com"))));

        Assert.Equal(
            (1, 1),
            (outcomes.Count(o => o is OwnerOutcome.Done), await host.InStorageAsync(storage => storage.Users.CountAsync())));
    }

    [Fact]
    public async Task Says_plainly_that_there_is_an_owner()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        var page = await host.NewBrowser().GetAsync("/setup");

        Assert.Contains("there is nothing left to set up", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Issues_no_link_once_there_is_an_owner()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        Assert.Null(await host.WithAsync<SetupLinks, string?>(links => links.IssueAsync(host.Address, CancellationToken.None)));
    }

    [Fact]
    public async Task Makes_no_second_owner_from_the_command_line()
    {
        await using var host = await AccessHost.StartOwnedAsync();

        Assert.Equal(OwnerOutcome.Exists, await host.CreateOwnerAsync());
    }

    [Fact]
    public async Task Says_what_is_wrong_with_each_field_and_keeps_what_is_no_secret()
    {
        await using var host = await AccessHost.StartAsync();

        var answer = await ClaimAsync(host.NewBrowser(), await host.IssueTokenAsync(), email: "no address", password: "too short");

        Assert.Multiple(
            () => Assert.Contains("Enter an e-mail address", answer.Error, StringComparison.Ordinal),
            () => Assert.Contains("It needs at least 15", answer.Error, StringComparison.Ordinal),
            () => Assert.Contains($"value=\"{AccessHost.Name}\"", answer.Text, StringComparison.Ordinal),
            () => Assert.DoesNotContain("too short", answer.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tells_a_stranger_nothing_about_the_fields()
    {
        await using var host = await AccessHost.StartAsync();

        var answer = await ClaimAsync(host.NewBrowser(), "wrong", password: "short");

        Assert.DoesNotContain("It needs at least", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_who_did_it_into_the_audit_log()
    {
        await using var host = await AccessHost.StartAsync();

        await ClaimAsync(host.NewBrowser(), await host.IssueTokenAsync());

        Assert.Equal(["create", "sign_in"], await host.AuditAsync());
    }

    private static Task<Answer> ClaimAsync(
        Browser browser, string token, string email = AccessHost.Email, string password = AccessHost.Password) =>
        browser.SubmitAsync(
            "/setup",
            "setup",
            ("Token", token),
            ("Name", AccessHost.Name),
            ("Email", email),
            ("Password", password),
            ("RepeatedPassword", password));

    private static async Task<OwnerOutcome> ClaimAsync(AccessHost host, string token, string email = AccessHost.Email)
    {
        var (outcome, _) = await host.WithAsync<Owners, (OwnerOutcome, SignInSession?)>(
            owners => owners.ClaimAsync(token, email, AccessHost.Name, AccessHost.Password, new Client("", ""), CancellationToken.None));
        return outcome;
    }
}
