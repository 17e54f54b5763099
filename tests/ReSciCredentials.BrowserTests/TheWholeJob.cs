using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

public sealed class TheWholeJobByMouse(Chromium chromium) : BrowserTest(chromium)
{
    [Fact]
    public async Task Ends_with_a_source_that_uses_the_new_credential()
    {
        await AddAndConfigureAsync("source");

        await Tab.Sample.GetByRole(AriaRole.Button, new() { Name = "Test" }).ClickAsync();
        await Expect(Tab.Sample.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await Tab.Sample.GetByText("As JSON").ClickAsync();
        await Expect(Tab.Sample.GetByLabel("Sample as JSON")).ToContainTextAsync("import_type");

        await SaveAndListAsync("source");
    }

    [Fact]
    public async Task Ends_with_a_destination_that_uses_the_new_credential()
    {
        await AddAndConfigureAsync("destination");
        await SaveAndListAsync("destination");
    }

    private async Task AddAndConfigureAsync(string noun)
    {
        await Tab.OpenAsync("/");
        await Tab.Link($"New data {noun}").ClickAsync();
        await Expect(Tab.Heading($"New data {noun}")).ToBeVisibleAsync();
        await Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link, new() { Name = "ReSci" }).ClickAsync();
        await Expect(Tab.Heading("Authenticate")).ToBeVisibleAsync();
        await Tab.IsLiveAsync();
        await Tab.AddCredentialAsync("Shop key", "sandbox-accepted-by-mouse", "Orders, every night.");
        await Expect(Tab.TileBody("Shop key")).ToContainTextAsync("VERIFIED");
        await Tab.GoOnToConfigureAsync(noun);
    }

    private async Task SaveAndListAsync(string noun)
    {
        await Tab.FlowName.FillAsync("Nightly orders");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();

        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = "Details" })).ToContainTextAsync("Shop key");
        await Tab.OpenAsync("/");
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = $"Data {noun}s" }).GetByRole(AriaRole.Link, new() { Name = "Nightly orders" }))
            .ToBeVisibleAsync();
    }
}

public sealed class TheWholeJobByKeyboardAlone(Chromium chromium) : BrowserTest(chromium)
{
    [Theory]
    [InlineData("source")]
    [InlineData("destination")]
    public async Task Ends_where_the_mouse_would(string noun)
    {
        await Tab.OpenAsync("/");
        await Tab.TabToAsync(Tab.Link($"New data {noun}"));
        await Tab.PressAsync("Enter");
        await Expect(Tab.Heading($"New data {noun}")).ToBeFocusedAsync();
        await Tab.TabToAsync(Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link, new() { Name = "ReSci" }));
        await Tab.PressAsync("Enter");
        await Expect(Tab.Heading("Authenticate")).ToBeFocusedAsync();
        await Tab.IsLiveAsync();

        await Tab.TabToAsync(Tab.AddCredential);
        await Tab.PressAsync("Enter");
        await Expect(Tab.NameField).ToBeFocusedAsync();
        await Page.Keyboard.TypeAsync("Shop key");
        await Tab.TabToAsync(Tab.KeyField);
        await Page.Keyboard.TypeAsync("sandbox-accepted-by-keyboard");
        await Tab.PressAsync("Enter");
        await Tab.ShowsChosenTileAsync("Shop key");

        await Tab.PressAsync("Enter");
        await Expect(Tab.Heading($"Configure the {noun}")).ToBeFocusedAsync();
        await Tab.IsLiveAsync();
        await Tab.TabToAsync(Tab.FlowName);
        await Page.Keyboard.TypeAsync("Nightly orders");
        await Tab.PressAsync("Enter");
        await Expect(Tab.Heading("Nightly orders")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Moves_from_tile_to_tile_with_the_arrow_keys()
    {
        await Elsewhere.AddCredentialAsync("First key");
        await Elsewhere.AddCredentialAsync("Second key");
        await Tab.OpenAuthenticateAsync();

        await Tab.TabToAsync(Tab.Tile("Second key"));
        await Tab.PressAsync("Space");
        await Expect(Tab.Tile("Second key")).ToBeCheckedAsync();
        await Tab.PressAsync("ArrowDown");

        await Expect(Tab.Tile("First key")).ToBeFocusedAsync();
        await Expect(Tab.Tile("First key")).ToBeCheckedAsync();
    }

    [Fact]
    public async Task Returns_from_the_overlay_to_where_it_was_opened()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.TabToAsync(Tab.AddCredential);
        await Tab.PressAsync("Enter");
        await Expect(Tab.NameField).ToBeFocusedAsync();

        await Tab.PressAsync("Escape");

        await Expect(Tab.Overlay).ToBeHiddenAsync();
        await Expect(Tab.AddCredential).ToBeFocusedAsync();
    }
}

public sealed class TheWholeJobOnAPhone(Chromium chromium) : BrowserTest(chromium)
{
    private protected override BrowserNewContextOptions Window =>
        new() { ViewportSize = new() { Width = 390, Height = 844 }, HasTouch = true };

    [Theory]
    [InlineData("source")]
    [InlineData("destination")]
    public async Task Ends_where_the_desk_would_and_nobody_scrolls_sideways(string noun)
    {
        await Tab.OpenAsync("/");
        await Tab.FitsAsync();
        await Tab.Link($"New data {noun}").TapAsync();
        await Expect(Tab.Heading($"New data {noun}")).ToBeVisibleAsync();
        await Tab.FitsAsync();
        await Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link, new() { Name = "ReSci" }).TapAsync();
        await Expect(Tab.Heading("Authenticate")).ToBeVisibleAsync();
        await Tab.IsLiveAsync();
        await Tab.AddCredential.TapAsync();
        await Tab.FillOverlayAsync("Shop key", "sandbox-accepted-on-a-phone");
        await Tab.FitsAsync();
        await Tab.InOverlay("Save").TapAsync();
        await Tab.ShowsChosenTileAsync("Shop key");
        await Tab.FitsAsync();
        await Tab.GoOnToConfigureAsync(noun);
        await Tab.FlowName.FillAsync("Nightly orders");
        if (noun == "source")
        {
            await Tab.Sample.GetByRole(AriaRole.Button, new() { Name = "Test" }).TapAsync();
            await Expect(Tab.Sample.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        }

        await Tab.FitsAsync();
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).TapAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        await Tab.FitsAsync();
    }
}
