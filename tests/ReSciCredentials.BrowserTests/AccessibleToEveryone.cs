using Deque.AxeCore.Commons;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using ReSciCredentials.Access;
using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>axe finds nothing, whichever colours the person prefers.</summary>
public abstract class AccessibleToEveryone(Chromium chromium) : BrowserTest(chromium)
{
    private static readonly string Axe = new BundledAxeScriptProvider().GetScript();

    private readonly List<string> _found = [];

    private protected void FoundNothing() => Assert.Empty(_found);

    /// <summary>Looks at the page as it stands, in light and in dark colours.</summary>
    private protected async Task InspectAsync(string place)
    {
        foreach (var colours in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await Page.EmulateMediaAsync(new() { ColorScheme = colours });
            // Once a document: to send axe takes longer than to run it.
            if (!await Page.EvaluateAsync<bool>("'axe' in window"))
            {
                await Page.EvaluateAsync($"{Axe}; undefined");
            }

            var violations = await Page.EvaluateAsync<string[]>(
                """
                async () => (await axe.run({ resultTypes: ['violations'] })).violations
                  .flatMap(violation => violation.nodes.map(node => `${violation.id} at ${node.target}: ${node.html}`))
                """);
            _found.AddRange(violations.Select(violation => $"{place}, {colours}: {violation}"));
        }
    }
}

public sealed class AccessibleBeforeTheServerHasAnOwner(Chromium chromium) : AccessibleToEveryone(chromium)
{
    private protected override bool HasOwner => false;

    [Fact]
    public async Task On_the_set_up_form_and_the_recovery_sheet()
    {
        var link = await Server.WithAsync<SetupLinks, string?>(
            links => links.IssueAsync(Server.Address, TestContext.Current.CancellationToken));
        await Page.GotoAsync(link!);
        await Expect(Page.GetByLabel("Set-up token")).Not.ToHaveValueAsync("");
        await InspectAsync("Set up");
        await FillAsync("short");
        await Expect(Page.GetByText("It needs at least 15")).ToBeVisibleAsync();
        await InspectAsync("Set up, with a fault");

        await Page.GotoAsync("about:blank");
        await Page.GotoAsync(link!);
        await FillAsync(TestServer.OwnerPassword);
        await Expect(Tab.Heading("Store the recovery sheet")).ToBeVisibleAsync();
        await InspectAsync("Recovery sheet");

        FoundNothing();
    }

    private async Task FillAsync(string password)
    {
        await Page.GetByLabel("Name").FillAsync(TestServer.OwnerName);
        await Page.GetByLabel("E-mail").FillAsync(TestServer.OwnerEmail);
        await Page.GetByLabel("Password", new() { Exact = true }).FillAsync(password);
        await Page.GetByLabel("Password, again").FillAsync(password);
        await Tab.Button("Make the account").ClickAsync();
    }
}

public sealed class AccessibleOnEveryPage(Chromium chromium) : AccessibleToEveryone(chromium)
{
    [Fact]
    public async Task Before_anybody_is_signed_in()
    {
        await Page.Context.ClearCookiesAsync();
        await Tab.GoToAsync("/sign-in");
        await InspectAsync("Sign in");
        await Page.GetByLabel("E-mail").FillAsync("nobody@example.com");
        await Page.GetByLabel("Password").FillAsync("not the password");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Alert).First).ToBeVisibleAsync();
        await InspectAsync("Sign in, refused");
        await Tab.GoToAsync("/setup");
        await InspectAsync("Set up, done");

        FoundNothing();
    }

    [Fact]
    public async Task On_an_empty_server()
    {
        Tolerate("404");
        await Tab.OpenAsync("/");
        await InspectAsync("Integrate, empty");
        await Tab.OpenAsync("/sources/new");
        await InspectAsync("Select");
        await Tab.OpenAuthenticateAsync();
        await InspectAsync("Authenticate, empty");
        await Tab.GoToAsync("/account");
        await InspectAsync("Account");
        await Tab.GoToAsync("/error");
        await InspectAsync("Error");
        await Tab.GoToAsync("/nowhere");
        await InspectAsync("Not found");

        FoundNothing();
    }

    [Fact]
    public async Task On_the_reference_of_the_API()
    {
        await Tab.GoToAsync("/settings/service-keys");
        await Page.GetByRole(AriaRole.Link, new() { Name = "Reference of the REST API" }).ClickAsync();
        await Expect(Tab.Heading("REST API")).ToBeVisibleAsync();
        await InspectAsync("Reference");
        await Page.GetByText("Add a credential").ClickAsync();
        await Expect(Page.Locator("#create_data_credential").GetByText("A template’s form")).ToBeVisibleAsync();
        await Tab.FitsAsync();
        await InspectAsync("Reference, with an operation");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();
        await InspectAsync("Reference, narrow");

        FoundNothing();
    }

    [Fact]
    public async Task Where_the_password_is_asked_for_again()
    {
        await using (var storage = await Server.StorageAsync())
        {
            await storage.Sessions.ExecuteUpdateAsync(
                session => session.SetProperty(row => row.CreatedAt, DateTimeOffset.UtcNow - (2 * RecentSignIn.Limit)), TestContext.Current.CancellationToken);
        }

        await Tab.GoToAsync("/confirm?returnUrl=/account");
        await Expect(Tab.Heading("Confirm that it is you")).ToBeVisibleAsync();
        await InspectAsync("Confirm");
        await Page.GetByLabel("Password").FillAsync("not the password");
        await Tab.Button("Confirm").ClickAsync();
        await Expect(Page.GetByText("This is not your password.")).ToBeVisibleAsync();
        await InspectAsync("Confirm, refused");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();
        await Page.GetByLabel("Password").FillAsync(TestServer.OwnerPassword);
        await Tab.PressAsync("Enter");
        await Expect(Tab.Heading("Account")).ToBeVisibleAsync();

        FoundNothing();
    }

    [Fact]
    public async Task With_tiles_in_every_state()
    {
        await AddOneInEveryStateAsync();
        await Tab.OpenAuthenticateAsync();
        await Expect(Page.GetByRole(AriaRole.Article)).ToHaveCountAsync(4);
        await InspectAsync("Authenticate");
        await Tab.OpenAsync("/");
        await InspectAsync("Integrate, with attention");

        FoundNothing();
    }

    private async Task AddOneInEveryStateAsync()
    {
        await Elsewhere.AddCredentialAsync("Verified");
        var failed = await Elsewhere.AddCredentialAsync("Failed");
        var undecryptable = await Elsewhere.AddCredentialAsync("Undecryptable");
        var answer = await Elsewhere.SaveCredentialAsync("Unverified", "sandbox-garbage-1", "Orders, every night.", unverified: true);
        Assert.Equal("saved", answer.Outcome);
        await using var storage = await Server.StorageAsync();
        await storage.Credentials.Where(credential => credential.Id == failed)
            .ExecuteUpdateAsync(credential => credential.SetProperty(row => row.VerifiedStatus, VerifiedStatus.Failed));
        await storage.CredentialKeys.Where(key => key.CredentialId == undecryptable)
            .ExecuteUpdateAsync(key => key.SetProperty(row => row.Ciphertext, new byte[64]));
    }
}

public sealed class AccessibleInEveryStep(Chromium chromium) : AccessibleToEveryone(chromium)
{
    [Fact]
    public async Task In_the_overlay()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await InspectAsync("Overlay, empty");
        await Tab.SaveAsync();
        await InspectAsync("Overlay, incomplete");
        await Tab.FillOverlayAsync("Shop key", "sandbox-refused-1");
        await Tab.SaveAsync();
        await Expect(Tab.KeyField).ToBeFocusedAsync();
        await InspectAsync("Overlay, refused");
        await Tab.KeyField.FillAsync("sandbox-garbage-1");
        await Tab.SaveAsync();
        await Expect(Tab.InOverlay("Save without verifying")).ToBeVisibleAsync();
        await InspectAsync("Overlay, cannot tell");
        await Tab.PressAsync("Escape");
        await Expect(Tab.InOverlay("Keep editing")).ToBeVisibleAsync();
        await InspectAsync("Overlay, discard");

        FoundNothing();
    }

    [Fact]
    public async Task On_Configure_and_the_page_of_a_source()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.AddCredentialAsync("Shop key", "sandbox-accepted-1");
        await InspectAsync("Authenticate, chosen");
        await Tab.GoOnToConfigureAsync();
        await InspectAsync("Configure");
        await Tab.Sample.GetByRole(AriaRole.Button, new() { Name = "Test" }).ClickAsync();
        await Expect(Tab.Sample.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await Tab.Sample.GetByText("As JSON").ClickAsync();
        await InspectAsync("Configure, sample");
        await Tab.FlowName.FillAsync("Nightly orders");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        await InspectAsync("Source");
        await Tab.Button("Change credential").ClickAsync();
        await Expect(Tab.Tile("Shop key")).ToBeVisibleAsync();
        await InspectAsync("Source, changing");

        FoundNothing();
    }

    [Fact]
    public async Task While_a_token_is_made_used_and_revoked()
    {
        await Tab.OpenAsync(await Elsewhere.MakeFlowAsync(Server, FlowKind.Destination));
        await Page.GetByText("How a program calls ReSci").ClickAsync();
        await InspectAsync("Destination, examples");
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "New access token" });
        var make = dialog.GetByRole(AriaRole.Button, new() { Name = "Make token" });
        await Tab.Button("New access token").ClickAsync();
        await dialog.GetByText("Limits (optional)").ClickAsync();
        await dialog.GetByLabel("Network addresses").FillAsync("nonsense");
        await dialog.GetByLabel("Name", new() { Exact = true }).FillAsync("Airflow");
        await make.ClickAsync();
        await Expect(dialog.GetByText("is neither an address")).ToBeVisibleAsync();
        await InspectAsync("New token, with a fault");
        await dialog.GetByLabel("Network addresses").FillAsync("");
        await make.ClickAsync();
        await Expect(dialog.GetByRole(AriaRole.Button, new() { Name = "Copy the token" })).ToBeFocusedAsync();
        await InspectAsync("New token, made");
        var token = (await dialog.Locator("[data-token]").TextContentAsync())!;
        await Tab.PressAsync("Escape");
        await InspectAsync("New token, not copied");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Close", Exact = true }).Last.ClickAsync();
        await Elsewhere.CallAsync(HttpMethod.Get, token);
        await Expect(Page.GetByText("403 not_allowed")).ToBeVisibleAsync();
        await InspectAsync("Destination, used");
        await Tab.Button("Rotate Airflow").ClickAsync();
        await InspectAsync("Rotate a token");
        await Tab.PressAsync("Escape");
        await Tab.Button("Revoke Airflow").ClickAsync();
        await InspectAsync("Revoke a token?");
        await Tab.Button("Revoke it").ClickAsync();
        await Page.GetByText("Revoked and expired (1)").ClickAsync();
        await Elsewhere.CallAsync(HttpMethod.Get, token);
        await Expect(Page.GetByText("1 still in use")).ToBeVisibleAsync();
        await InspectAsync("Destination, a token that is revoked and used");
        await Tab.OpenAsync("/");
        await Expect(Page.GetByText("REFUSED", new() { Exact = true })).ToBeVisibleAsync();
        await InspectAsync("Integrate, a token in use that is revoked");

        FoundNothing();
    }

    [Fact]
    public async Task While_a_key_is_replaced()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop key", "sandbox-accepted-first-0001");
        await Tab.OpenAsync($"/credentials/{id}");
        await InspectAsync("Keys, one");
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "Replace key" });
        var key = dialog.GetByLabel("API Key Value");
        await Tab.Button("Replace key").ClickAsync();
        await Expect(dialog.GetByText("nothing is touched")).ToBeVisibleAsync();
        await InspectAsync("Replace key, empty");
        await key.FillAsync("sandbox-refused-1");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(key).ToHaveAttributeAsync("aria-invalid", "true");
        await InspectAsync("Replace key, refused");
        await key.FillAsync("sandbox-accepted-second-0002");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(Page.Locator("#pending-key")).ToBeFocusedAsync();
        await InspectAsync("Keys, one waits");
        await Tab.Button("Promote").ClickAsync();
        await InspectAsync("Keys, promote?");
        await Tab.Button("Promote").ClickAsync();
        await Expect(Page.Locator("#previous-key")).ToBeVisibleAsync();
        await Tab.Button("Roll back").ClickAsync();
        await InspectAsync("Keys, roll back?");
        await Tab.OpenAsync($"/credentials/{id}/leaked");
        await InspectAsync("Leaked, in ReSci");
        await Tab.Link("I have the new key").ClickAsync();
        await Expect(Page.Locator("#current-key")).ToBeVisibleAsync();
        await InspectAsync("Leaked, new key");
        await Tab.Link("Report first").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "What was done" })).ToBeVisibleAsync();
        await InspectAsync("Leaked, report");

        FoundNothing();
    }
}
