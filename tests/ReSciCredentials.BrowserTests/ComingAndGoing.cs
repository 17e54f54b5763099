using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>The circuit is gone for good: whatever the page shows afterwards, it has from the address and the browser's own memory.</summary>
public sealed class TheServerRestarts(Chromium chromium) : BrowserTest(chromium)
{
    private static readonly string[] Lost = ["WebSocket", "Connection", "connection", "Failed to load resource", "Failed to start", "Failed to complete", "Circuit not initialized"];

    [Fact]
    public async Task Keeps_the_draft_on_Configure()
    {
        Tolerate(Lost);
        await Elsewhere.AddCredentialAsync("Shop key");
        await Tab.OpenAuthenticateAsync();
        await Tab.Tile("Shop key").CheckAsync();
        await Tab.GoOnToConfigureAsync();
        await Tab.FlowName.FillAsync("Nightly orders");

        await RestartAndReloadAsync();

        await Expect(Tab.FlowName).ToHaveValueAsync("Nightly orders");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        Assert.Equal(1, await CountFlowsAsync());
    }

    [Fact]
    public async Task Keeps_the_tile_that_was_just_added_chosen()
    {
        Tolerate(Lost);
        await Tab.OpenAuthenticateAsync();
        await Tab.AddCredentialAsync("Shop key", "sandbox-accepted-1");

        await RestartAndReloadAsync();

        await Expect(Tab.Tile("Shop key")).ToBeCheckedAsync();
    }

    [Fact]
    public async Task Keeps_an_overlay_that_holds_something_typed_and_saves_it()
    {
        Tolerate(Lost);
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-1");

        await RestartServerAsync();
        await Expect(Tab.KeyField).ToHaveValueAsync("sandbox-accepted-1");
        await Tab.SaveAsync();

        await Tab.ShowsChosenTileAsync("Shop key");
    }

    [Fact]
    public async Task Stops_without_waiting_for_pages_that_are_open()
    {
        // Less than the server has to end what it does.
        var limit = TimeSpan.FromSeconds(20);
        Tolerate(Lost);
        await Tab.OpenAuthenticateAsync();
        var started = TimeProvider.System.GetTimestamp();

        await RestartServerAsync();

        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.Zero, limit);
    }

    // Nobody presses anything: the page finds out by itself that its circuit cannot come back.
    private async Task RestartAndReloadAsync()
    {
        var reloaded = new TaskCompletionSource();
        Page.Load += (_, _) => reloaded.TrySetResult();
        await RestartServerAsync();
        await reloaded.Task.WaitAsync(TimeSpan.FromMinutes(1));
        await Tab.IsLiveAsync();
    }
}

public sealed class GoingBack(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task From_Configure_keeps_the_choice_and_what_was_typed()
    {
        await OpenConfigureAsync();
        await Tab.FlowName.FillAsync("Nightly orders");

        await Page.GoBackAsync();
        await Expect(Tab.Heading("Authenticate")).ToBeVisibleAsync();
        await Tab.IsLiveAsync();
        await Expect(Tab.Tile("Shop key")).ToBeCheckedAsync();
        await Tab.GoOnToConfigureAsync();

        await Expect(Tab.FlowName).ToHaveValueAsync("Nightly orders");
    }

    [Fact]
    public async Task From_Authenticate_leads_to_Select_and_forward_again()
    {
        await Tab.OpenAsync("/sources/new");
        await Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link, new() { Name = "ReSci" }).ClickAsync();
        await Expect(Tab.Heading("Authenticate")).ToBeVisibleAsync();

        await Page.GoBackAsync();
        await Expect(Tab.Heading("New data source")).ToBeVisibleAsync();
        await Page.GoForwardAsync();

        await Expect(Tab.Heading("Authenticate")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task After_Save_says_that_it_is_saved_and_makes_no_second_one()
    {
        await OpenConfigureAsync();
        await Tab.FlowName.FillAsync("Nightly orders");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();

        await Page.GoBackAsync();

        await Expect(Page.GetByText("This source is saved already")).ToBeVisibleAsync();
        await Page.GetByRole(AriaRole.Link, new() { Name = "Open it" }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        Assert.Equal(1, await CountFlowsAsync());
    }

    [Fact]
    public async Task Is_not_needed_after_a_reload_of_Configure()
    {
        await OpenConfigureAsync();
        await Tab.FlowName.FillAsync("Nightly orders");
        await Tab.FlowDescription.FillAsync("Every night.");

        await Page.ReloadAsync();
        await Tab.IsLiveAsync();

        await Expect(Tab.FlowName).ToHaveValueAsync("Nightly orders");
        await Expect(Tab.FlowDescription).ToHaveValueAsync("Every night.");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Is_no_way_to_save_a_source_twice_by_a_double_click()
    {
        await OpenConfigureAsync();
        await Tab.FlowName.FillAsync("Nightly orders");

        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).DblClickAsync();

        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        Assert.Equal(1, await CountFlowsAsync());
    }

    private async Task OpenConfigureAsync()
    {
        await Elsewhere.AddCredentialAsync("Shop key");
        await Tab.OpenAuthenticateAsync();
        await Tab.Tile("Shop key").CheckAsync();
        await Tab.GoOnToConfigureAsync();
    }
}

public sealed class MeanwhileElsewhere(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task A_tile_that_was_added_appears_without_a_reload()
    {
        await Tab.OpenAuthenticateAsync();
        await Page.EvaluateAsync("window.before = true");

        await Elsewhere.AddCredentialAsync("Added elsewhere");

        await Expect(Tab.Tile("Added elsewhere")).ToBeVisibleAsync();
        Assert.True(await Page.EvaluateAsync<bool>("window.before"));
    }

    [Fact]
    public async Task A_tile_that_was_added_leaves_the_choice_alone()
    {
        await Elsewhere.AddCredentialAsync("Shop key");
        await Tab.OpenAuthenticateAsync();
        await Tab.Tile("Shop key").CheckAsync();

        await Elsewhere.AddCredentialAsync("Added elsewhere");

        await Expect(Tab.Tile("Added elsewhere")).ToBeVisibleAsync();
        await Expect(Tab.Tile("Shop key")).ToBeCheckedAsync();
    }

    [Fact]
    public async Task A_session_that_ended_stops_the_page()
    {
        Tolerate("401", "WebSocket", "Connection", "connection", "Failed to start", "Failed to complete");
        await Tab.OpenAuthenticateAsync();
        await Expect(Page.Locator("reconnect-notice")).ToBeHiddenAsync();

        await EndSessionsAsync();

        await Expect(Page.Locator("reconnect-notice")).ToBeVisibleAsync();
        Assert.Equal([], Server.Service<Access.LiveConnections>().Sessions);
    }

    [Fact]
    public async Task Signing_in_by_the_form_leads_to_where_one_wanted_to_go()
    {
        await Page.Context.ClearCookiesAsync();
        await Tab.GoToAsync("/sources/new");
        await Page.GetByLabel("E-mail").FillAsync(Tests.Harness.TestServer.OwnerEmail);
        await Page.GetByLabel("Password").FillAsync(Tests.Harness.TestServer.OwnerPassword);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        await Expect(Tab.Heading("New data source")).ToBeVisibleAsync();
    }
}

/// <summary>The recovery key is lost while somebody has a page open.</summary>
public sealed class TheServerIsSealed(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task Tells_at_once_that_the_page_is_not_live_and_shows_why_on_reload()
    {
        Tolerate("WebSocket", "onnection", "Failed to load resource", "Failed to complete", "Failed to start");
        await Tab.OpenAuthenticateAsync();
        File.Move(Server.Directory.KeyFile, Server.Directory.KeyFile + ".away");

        await Expect(Page.Locator("reconnect-notice")).Not.ToHaveAttributeAsync("data-state", "hide");
        await Page.ReloadAsync();

        await Expect(Tab.Heading("The server is sealed")).ToBeVisibleAsync();
    }
}
