using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

public sealed class ClaimingTheServer
{
    [Theory]
    [InlineData("/account")]
    [InlineData("/sign-in")]
    [InlineData("/nowhere")]
    public async Task Leads_every_page_to_the_set_up_until_there_is_an_owner(string page)
    {
        await using var server = await AccessServer.StartAsync();

        Assert.Equal("/setup", (await server.NewVisitor().GetAsync(page)).Location);
    }

    [Fact]
    public async Task Refuses_what_is_not_a_page_until_there_is_an_owner()
    {
        await using var server = await AccessServer.StartAsync();

        Assert.Equal(HttpStatusCode.Unauthorized, (await server.NewVisitor().GetAsync("/session", ("Accept", "*/*"))).Status);
    }

    [Fact]
    public async Task Makes_the_owner_and_signs_them_in()
    {
        await using var server = await AccessServer.StartAsync();
        var browser = server.NewVisitor();

        await ClaimAsync(browser, await server.IssueTokenAsync());

        Assert.Contains(TestServer.OwnerName, (await browser.GetAsync("/account")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_the_recovery_sheet_in_that_one_answer()
    {
        await using var server = await AccessServer.StartAsync();
        var browser = server.NewVisitor();
        var group = server.Services.GetRequiredService<ServerSeal>().RecoveryKey.SheetGroups[0];

        var claimed = await ClaimAsync(browser, await server.IssueTokenAsync());
        var again = await browser.GetAsync("/setup");

        Assert.Equal((true, false), (claimed.Text.Contains(group, StringComparison.Ordinal), again.Text.Contains(group, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Takes_the_whole_link_in_place_of_the_token()
    {
        await using var server = await AccessServer.StartAsync();
        var token = await server.IssueTokenAsync();

        var answer = await ClaimAsync(server.NewVisitor(), $" https://keys.example.com/setup#token={token} ");

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

        await using var server = await AccessServer.StartAsync();
        await File.WriteAllTextAsync(SetupLinkFileOf(server), "an older file that everybody can read");

        var token = await server.IssueTokenAsync();

        Assert.Equal(
            ($"{server.Address}setup#token={token}\n", UnixFileMode.UserRead | UnixFileMode.UserWrite),
            (await File.ReadAllTextAsync(SetupLinkFileOf(server)), File.GetUnixFileMode(SetupLinkFileOf(server))));
    }

    [Fact]
    public async Task Removes_the_file_once_the_link_is_used()
    {
        await using var server = await AccessServer.StartAsync();

        await ClaimAsync(server.NewVisitor(), await server.IssueTokenAsync());

        Assert.False(File.Exists(SetupLinkFileOf(server)));
    }

    [Fact]
    public async Task Refuses_a_wrong_token()
    {
        await using var server = await AccessServer.StartAsync();
        await server.IssueTokenAsync();

        var answer = await ClaimAsync(server.NewVisitor(), "AAAAAAAAAAAAAAAAAAAAAA");

        Assert.StartsWith("The set-up token is not right", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_the_right_token_after_five_wrong_ones()
    {
        await using var server = await AccessServer.StartAsync();
        var token = await server.IssueTokenAsync();
        for (var i = 0; i < 5; i++)
        {
            await ClaimAsync(server, "wrong");
        }

        Assert.Equal(OwnerOutcome.LinkNotValid, await ClaimAsync(server, token));
    }

    [Fact]
    public async Task Takes_the_right_token_after_four_wrong_ones()
    {
        await using var server = await AccessServer.StartAsync();
        var token = await server.IssueTokenAsync();
        for (var i = 0; i < 4; i++)
        {
            await ClaimAsync(server, "wrong");
        }

        Assert.Equal(OwnerOutcome.Done, await ClaimAsync(server, token));
    }

    [Theory]
    [InlineData(29, nameof(OwnerOutcome.Done))]
    [InlineData(30, nameof(OwnerOutcome.LinkNotValid))]
    public async Task Takes_the_token_for_thirty_minutes(int minutes, string expected)
    {
        await using var server = await AccessServer.StartAsync();
        var token = await server.IssueTokenAsync();

        server.Time.Advance(TimeSpan.FromMinutes(minutes));

        Assert.Equal(expected, (await ClaimAsync(server, token)).ToString());
    }

    [Fact]
    public async Task Refuses_the_link_that_a_newer_one_replaced()
    {
        await using var server = await AccessServer.StartAsync();
        var older = await server.IssueTokenAsync();
        await server.IssueTokenAsync();

        Assert.Equal(OwnerOutcome.LinkNotValid, await ClaimAsync(server, older));
    }

    [Fact]
    public async Task Makes_one_owner_of_fifty_claims_at_once()
    {
        await using var server = await AccessServer.StartAsync();
        var token = await server.IssueTokenAsync();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(() => ClaimAsync(server, token, $"owner{i}@example.com"))));

        Assert.Equal(
            (1, 1),
            (outcomes.Count(o => o is OwnerOutcome.Done), await server.InStorageAsync(storage => storage.Users.CountAsync())));
    }

    [Fact]
    public async Task Says_plainly_that_there_is_an_owner()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        var page = await server.NewVisitor().GetAsync("/setup");

        Assert.Contains("there is nothing left to set up", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Issues_no_link_once_there_is_an_owner()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        Assert.Null(await server.WithAsync<SetupLinks, string?>(links => links.IssueAsync(server.Address, CancellationToken.None)));
    }

    [Fact]
    public async Task Makes_no_second_owner_from_the_command_line()
    {
        await using var server = await AccessServer.StartOwnedAsync();

        Assert.Equal(OwnerOutcome.Exists, await server.CreateOwnerAsync());
    }

    [Fact]
    public async Task Says_what_is_wrong_with_each_field_and_keeps_what_is_no_secret()
    {
        await using var server = await AccessServer.StartAsync();

        var answer = await ClaimAsync(server.NewVisitor(), await server.IssueTokenAsync(), email: "no address", password: "too short");

        Assert.Multiple(
            () => Assert.Contains("Enter an e-mail address", answer.Error, StringComparison.Ordinal),
            () => Assert.Contains("It needs at least 15", answer.Error, StringComparison.Ordinal),
            () => Assert.Contains($"value=\"{TestServer.OwnerName}\"", answer.Text, StringComparison.Ordinal),
            () => Assert.DoesNotContain("too short", answer.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tells_a_stranger_nothing_about_the_fields()
    {
        await using var server = await AccessServer.StartAsync();

        var answer = await ClaimAsync(server.NewVisitor(), "wrong", password: "short");

        Assert.DoesNotContain("It needs at least", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_who_did_it_into_the_audit_log()
    {
        await using var server = await AccessServer.StartAsync();

        await ClaimAsync(server.NewVisitor(), await server.IssueTokenAsync());

        Assert.Equal(["create", "sign_in"], await server.AuditAsync());
    }

    private static string SetupLinkFileOf(TestServer server) => Path.Combine(server.Directory.Data, SetupLinks.FileName);

    private static Task<PageAnswer> ClaimAsync(
        Visitor browser, string token, string email = TestServer.OwnerEmail, string password = TestServer.OwnerPassword) =>
        browser.SubmitAsync(
            "/setup",
            "setup",
            ("Token", token),
            ("Name", TestServer.OwnerName),
            ("Email", email),
            ("Password", password),
            ("RepeatedPassword", password));

    private static async Task<OwnerOutcome> ClaimAsync(TestServer server, string token, string email = TestServer.OwnerEmail)
    {
        var (outcome, _) = await server.WithAsync<Owners, (OwnerOutcome, SignInSession?)>(
            owners => owners.ClaimAsync(token, email, TestServer.OwnerName, TestServer.OwnerPassword, new Client("", ""), CancellationToken.None));
        return outcome;
    }
}
