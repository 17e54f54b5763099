using System.Text.RegularExpressions;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;
using ReSciSandbox;

namespace ReSciCredentials.BrowserTests;

public sealed class SavingAKeyThatReSciRefuses(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task Keeps_what_was_typed_and_says_so_next_to_the_key()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-refused-1", "Orders, every night.");
        await Tab.SaveAsync();

        await Expect(Tab.KeyField).ToHaveAccessibleDescriptionAsync(new Regex("refused", RegexOptions.IgnoreCase));
        await Expect(Tab.KeyField).ToBeFocusedAsync();
        await Expect(Tab.KeyField).ToHaveValueAsync("sandbox-refused-1");
        await Expect(Tab.NameField).ToHaveValueAsync("Shop key");
        await Expect(Tab.DescriptionField).ToHaveValueAsync("Orders, every night.");
        Assert.Equal(0, await CountCredentialsAsync());
    }

    [Fact]
    public async Task Can_be_put_right_and_saved()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-refused-1");
        await Tab.SaveAsync();
        await Expect(Tab.KeyField).ToBeFocusedAsync();

        await Tab.KeyField.FillAsync("sandbox-accepted-1");
        await Tab.SaveAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
    }
}

public sealed class SavingWhileReSciCannotTell(Chromium chromium) : BrowserTest(chromium)
{
    [Theory]
    [InlineData(SandboxMode.Down)]
    [InlineData(SandboxMode.Slow)]
    [InlineData(SandboxMode.Garbage)]
    public async Task Offers_to_save_without_verifying(SandboxMode mode)
    {
        Server.ReSci.Mode = mode;
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        await Tab.SaveAsync();

        await Tab.InOverlay("Save without verifying").ClickAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
        await Expect(Tab.TileBody("Shop key")).ToContainTextAsync("UNVERIFIED");
    }

    [Fact]
    public async Task Stores_nothing_by_itself()
    {
        Server.ReSci.Mode = SandboxMode.Garbage;
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        await Tab.SaveAsync();
        await Expect(Tab.InOverlay("Save without verifying")).ToBeVisibleAsync();

        Assert.Equal(0, await CountCredentialsAsync());
    }
}

public sealed class FillingTheOverlay(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task Test_tells_the_verdict_and_stores_nothing()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.KeyField.FillAsync("sandbox-accepted-1");
        await Tab.InOverlay("Test").ClickAsync();

        await Expect(Tab.Overlay.GetByText("accepted")).ToBeVisibleAsync();
        Assert.Equal(0, await CountCredentialsAsync());
    }

    [Fact]
    public async Task Says_that_there_is_one_like_it_and_saves_it_anyway()
    {
        await Elsewhere.AddCredentialAsync("Shop key", "sandbox-accepted-1");
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        await Tab.SaveAsync();

        await Tab.InOverlay("Save anyway").ClickAsync();

        await Expect(Tab.Overlay).ToBeHiddenAsync();
        await Expect(Tab.Tile("Shop key")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task Names_what_is_missing_and_goes_there()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.KeyField.FillAsync("sandbox-accepted-1");
        await Tab.SaveAsync();

        await Expect(Tab.NameField).ToBeFocusedAsync();
        await Expect(Tab.NameField).ToHaveAccessibleDescriptionAsync(new Regex("Enter a name"));
    }

    [Fact]
    public async Task Shows_the_key_only_while_asked_to()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.KeyField.FillAsync("sandbox-accepted-1");
        await Expect(Tab.KeyField).ToHaveAttributeAsync("type", "password");
        await Tab.InOverlay("Show the key").ClickAsync();
        await Expect(Tab.KeyField).ToHaveAttributeAsync("type", "text");
        await Tab.InOverlay("Show the key").ClickAsync();
        await Expect(Tab.KeyField).ToHaveAttributeAsync("type", "password");
    }

    [Fact]
    public async Task Keeps_what_was_typed_before_the_circuit_was_up()
    {
        var release = new TaskCompletionSource();
        await Page.RouteAsync("**/_blazor/negotiate**", async route =>
        {
            await release.Task;
            await route.ContinueAsync();
        });
        await Tab.GoToAsync("/sources/new/resci/authenticate");
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        release.SetResult();
        await Expect(Page.Locator(Tab.Live)).ToBeAttachedAsync();

        await Expect(Tab.NameField).ToHaveValueAsync("Shop key");
        await Tab.SaveAsync();
        await Tab.ShowsChosenTileAsync("Shop key");
    }
}

public sealed class LeavingTheOverlay(Chromium chromium) : BrowserTest(chromium)
{
    private ILocator Question => Tab.Overlay.GetByRole(AriaRole.Group, new() { Name = "Discard what you typed?" });

    [Fact]
    public async Task By_Escape_asks_when_something_was_typed()
    {
        await OpenTypedAsync();

        await Tab.PressAsync("Escape");

        await Expect(Question).ToBeVisibleAsync();
        await Expect(Tab.InOverlay("Keep editing")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task By_a_click_outside_asks_when_something_was_typed()
    {
        await OpenTypedAsync();

        await Page.Mouse.ClickAsync(5, 5);

        await Expect(Question).ToBeVisibleAsync();
    }

    [Fact]
    public async Task By_Escape_twice_changes_nothing()
    {
        await OpenTypedAsync();

        await Tab.PressAsync("Escape");
        await Expect(Question).ToBeVisibleAsync();
        await Tab.PressAsync("Escape");

        await Expect(Question).ToBeHiddenAsync();
        await Expect(Tab.KeyField).ToHaveValueAsync("sandbox-accepted-1");
    }

    [Fact]
    public async Task Can_be_taken_back()
    {
        await OpenTypedAsync();

        await Tab.InOverlay("Cancel").ClickAsync();
        await Tab.InOverlay("Keep editing").ClickAsync();

        await Expect(Tab.NameField).ToHaveValueAsync("Shop key");
        await Expect(Tab.KeyField).ToHaveValueAsync("sandbox-accepted-1");
    }

    [Fact]
    public async Task Forgets_what_was_typed_once_confirmed()
    {
        await OpenTypedAsync();

        await Tab.InOverlay("Cancel").ClickAsync();
        await Tab.InOverlay("Discard").ClickAsync();
        await Expect(Tab.Overlay).ToBeHiddenAsync();

        await Tab.OpenOverlayAsync();
        await Expect(Tab.NameField).ToHaveValueAsync("");
        await Expect(Tab.KeyField).ToHaveValueAsync("");
    }

    [Fact]
    public async Task With_nothing_typed_does_not_ask()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();

        await Page.Mouse.ClickAsync(5, 5);

        await Expect(Tab.Overlay).ToBeHiddenAsync();
    }

    private async Task OpenTypedAsync()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
    }
}

public sealed class SavingTwice(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task By_a_double_click_makes_one()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");

        await Tab.InOverlay("Save").DblClickAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
        Assert.Equal(1, await CountCredentialsAsync());
    }

    [Fact]
    public async Task Because_the_answer_was_lost_makes_one()
    {
        Tolerate("Failed to load resource");
        await Tab.OpenAuthenticateAsync();
        // The server does its work; the browser never hears of it.
        await Page.RouteAsync(
            "**/credentials/save",
            async route =>
            {
                await route.FetchAsync();
                await route.AbortAsync("connectionreset");
            },
            new() { Times = 1 });
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        await Tab.SaveAsync();
        await Expect(Tab.Overlay.GetByText("The connection was lost")).ToBeVisibleAsync();

        await Tab.SaveAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
        Assert.Equal(1, await CountCredentialsAsync());
    }

    [Fact]
    public async Task After_a_time_without_a_network_makes_one()
    {
        Tolerate("Failed to load resource", "WebSocket", "Connection", "connection");
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        await Page.Context.SetOfflineAsync(true);
        await Tab.SaveAsync();
        await Expect(Tab.Overlay.GetByText("The connection was lost")).ToBeVisibleAsync();

        await Page.Context.SetOfflineAsync(false);
        await Tab.SaveAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
        Assert.Equal(1, await CountCredentialsAsync());
    }
}

public sealed class TheSessionEndsWithTheOverlayOpen(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task Sign_in_in_another_tab_and_save_again()
    {
        Tolerate("401", "WebSocket", "Connection", "connection", "Failed to start");
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");
        await EndSessionsAsync();
        await Tab.SaveAsync();
        await Expect(Tab.Overlay.GetByText("Your session ended")).ToBeVisibleAsync();

        var other = await Page.RunAndWaitForPopupAsync(() => Tab.Overlay.GetByRole(AriaRole.Link, new() { Name = "Sign in" }).ClickAsync());
        await other.GetByLabel("E-mail").FillAsync(Tests.Harness.TestServer.OwnerEmail);
        await other.GetByLabel("Password").FillAsync(Tests.Harness.TestServer.OwnerPassword);
        await other.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(other.GetByRole(AriaRole.Heading, new() { Name = "You are signed in" })).ToBeVisibleAsync();
        await other.CloseAsync();

        await Expect(Tab.KeyField).ToHaveValueAsync("sandbox-accepted-1");
        await Tab.SaveAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
        Assert.Equal(1, await CountCredentialsAsync());
    }
}
