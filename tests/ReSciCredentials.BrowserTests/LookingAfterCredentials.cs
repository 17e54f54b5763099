using System.Text.RegularExpressions;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>The Credentials screen: finding one among others, and changing, copying and deleting it.</summary>
public sealed class LookingAfterCredentials(Chromium chromium) : AccessibleToEveryone(chromium)
{
    private ILocator Drawer => Page.Locator("[data-drawer]");

    private ILocator Name => Page.GetByRole(AriaRole.Textbox, new() { Name = "Credential Name" });

    private ILocator Search => Page.GetByRole(AriaRole.Combobox, new() { Name = "Search credentials" });

    [Fact]
    public async Task Finds_one_by_keyboard_and_the_address_keeps_what_was_looked_for()
    {
        await Elsewhere.AddCredentialAsync("EU warehouse");
        await Elsewhere.AddCredentialAsync("Shop");
        await Tab.OpenAsync("/credentials");
        await InspectAsync("Credentials, table");

        await Tab.PressAsync("/");
        await Expect(Search).ToBeFocusedAsync();
        await Page.Keyboard.TypeAsync("ware status:verified");
        await Expect(Tab.Link("EU warehouse")).ToBeVisibleAsync();
        await Expect(Tab.Link("Shop")).ToBeHiddenAsync();
        await Expect(Page).ToHaveURLAsync(new Regex(@"\?q=ware.*verified$"));
        await Page.ReloadAsync();
        await Tab.IsLiveAsync();
        await Expect(Search).ToHaveValueAsync("ware status:verified");

        await Tab.TabToAsync(Tab.Link("EU warehouse"));
        await Tab.PressAsync("Enter");
        await Expect(Drawer).ToBeFocusedAsync();
        await Tab.PressAsync("Escape");
        await Expect(Drawer).ToBeHiddenAsync();
        await Expect(Tab.Link("EU warehouse")).ToBeFocusedAsync();

        await Tab.Button("Tiles").ClickAsync();
        await InspectAsync("Credentials, tiles");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();
        FoundNothing();
    }

    [Fact]
    public async Task Edits_a_name_in_place_with_undo_and_tells_a_conflict()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop");
        await Tab.OpenAsync($"/credentials/{id}");

        await Name.FillAsync("Web shop");
        await Tab.PressAsync("Tab");
        await Expect(Drawer.GetByText("Saved.")).ToBeVisibleAsync();
        await Tab.Button("Undo the change of Credential Name").ClickAsync();
        await Expect(Name).ToHaveValueAsync("Shop");

        await Name.FillAsync(" ");
        await Tab.PressAsync("Tab");
        await Expect(Drawer.GetByText("Enter a name.")).ToBeVisibleAsync();
        await InspectAsync("Drawer, a fault");
        FoundNothing();
    }

    [Fact]
    public async Task Copies_then_deletes_the_copy_and_brings_it_back()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop");
        await Tab.OpenAsync($"/credentials/{id}");

        await Tab.Button("Copy").ClickAsync();
        await Expect(Name).ToHaveValueAsync("Copy of Shop");
        await Tab.Link("Activity").ClickAsync();
        await Expect(Drawer.GetByText("made it")).ToBeVisibleAsync();
        await InspectAsync("Drawer, activity");
        await Tab.Button("Delete").ClickAsync();
        await InspectAsync("Drawer, delete?");
        await Tab.Button("Delete it").ClickAsync();
        await Expect(Tab.Link("Copy of Shop")).ToBeHiddenAsync();
        await InspectAsync("Credentials, one deleted");
        await Tab.Button("Undo").ClickAsync();
        await Expect(Name).ToHaveValueAsync("Copy of Shop");
        FoundNothing();
    }
}
