using System.Text.RegularExpressions;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Credentials;

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
        await Tab.Link("EU warehouse").ClickAsync();
        await Expect(Drawer).ToBeVisibleAsync();
        await InspectAsync("Drawer, narrow");
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
    public async Task Tells_two_people_who_edit_the_same_name_and_loses_neither_text()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop");
        await Tab.OpenAsync($"/credentials/{id}");
        await Name.FillAsync("Mine");

        await RenameElsewhereAsync(id, "Shop", "Theirs");
        // The list beside it shows the other name at once; the field keeps what is being typed.
        await Expect(Tab.Link("Theirs")).ToBeVisibleAsync();
        await Expect(Name).ToHaveValueAsync("Mine");
        await Tab.PressAsync("Tab");
        await Expect(Drawer.GetByText("Somebody else changed this meanwhile to “Theirs”")).ToBeVisibleAsync();
        await InspectAsync("Drawer, a conflict");
        await Tab.Button("Save mine").ClickAsync();
        await Expect(Tab.Link("Mine")).ToBeVisibleAsync();

        await Name.FillAsync("Mine again");
        await RenameElsewhereAsync(id, "Mine", "Theirs again");
        await Expect(Tab.Link("Theirs again")).ToBeVisibleAsync();
        await Tab.PressAsync("Tab");
        await Tab.Button("Take theirs").ClickAsync();
        await Expect(Name).ToHaveValueAsync("Theirs again");

        // Nobody types: what somebody else stores is shown.
        await RenameElsewhereAsync(id, "Theirs again", "Last");
        await Expect(Name).ToHaveValueAsync("Last");
        FoundNothing();
    }

    [Fact]
    public async Task Holds_back_what_looks_like_a_key()
    {
        const string Key = "4f0c1b7a9e2d4c6f8a0b1c2d3e4f5a6b";
        var frames = new System.Collections.Concurrent.ConcurrentQueue<string>();
        Page.WebSocket += (_, socket) => socket.FrameSent += (_, frame) =>
            frames.Enqueue(System.Text.Encoding.UTF8.GetString(frame.Binary ?? System.Text.Encoding.UTF8.GetBytes(frame.Text ?? "")));
        var id = await Elsewhere.AddCredentialAsync("Shop");
        await Tab.OpenAsync($"/credentials/{id}");

        await Search.FillAsync(Key);
        Assert.Contains("looks like an API key", await ValidationAsync(Search), StringComparison.Ordinal);
        await InspectAsync("Credentials, held back");
        await Search.FillAsync("key:4f0c");
        await Expect(Page.GetByText("No credential matches")).ToBeVisibleAsync();
        Assert.Equal("", await ValidationAsync(Search));
        await Search.FillAsync("");
        await Expect(Tab.Link("Shop")).ToBeVisibleAsync();

        await Name.FillAsync($"Shop {Key}");
        await Tab.PressAsync("Tab");
        Assert.Contains("put a space into it", await ValidationAsync(Name), StringComparison.Ordinal);
        await Name.FillAsync("Web shop");
        await Tab.PressAsync("Tab");
        await Expect(Tab.Link("Web shop")).ToBeVisibleAsync();

        Assert.NotEmpty(frames);
        Assert.DoesNotContain(frames, frame => frame.Contains(Key, StringComparison.Ordinal));
        FoundNothing();

        static Task<string> ValidationAsync(ILocator field) => field.EvaluateAsync<string>("field => field.validationMessage");
    }

    [Fact]
    public async Task Shows_more_tiles_and_further_pages()
    {
        const int Tiles = 48;
        const int Rows = 50;
        var id = await Elsewhere.AddCredentialAsync("Shop");
        var owner = await Server.OwnerAsync();
        for (var copy = 0; copy < Rows; copy++)
        {
            await Server.Service<CredentialVault>().CopyAsync(owner, id, Guid.NewGuid(), TestContext.Current.CancellationToken);
        }

        await Tab.OpenAuthenticateAsync();
        await Expect(Page.GetByRole(AriaRole.Article)).ToHaveCountAsync(Tiles);
        await Tab.Button("Show more").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Article)).ToHaveCountAsync(Rows + 1);
        await Expect(Tab.Button("Show more")).ToBeHiddenAsync();

        await Tab.OpenAsync("/credentials");
        await Expect(Tab.Link("Copy of Shop")).ToHaveCountAsync(Rows);
        await Tab.Link("Next").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "Shop", Exact = true })).ToBeVisibleAsync();
        await Tab.Link("Previous").ClickAsync();
        await Expect(Tab.Link("Copy of Shop")).ToHaveCountAsync(Rows);
        FoundNothing();
    }

    private async Task RenameElsewhereAsync(int id, string seen, string name) => Assert.IsType<EditOutcome.Done>(
        await Server.Service<CredentialVault>().EditAsync(
            await Server.OwnerAsync(), id, CredentialField.Name, seen, name, TestContext.Current.CancellationToken));

    [Fact]
    public async Task Copies_then_deletes_the_copy_and_brings_it_back()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop");
        await Tab.OpenAsync($"/credentials/{id}");

        await Tab.Button("Copy").ClickAsync();
        await Expect(Name).ToHaveValueAsync("Copy of Shop");
        await Page.Locator("[data-drawer]").GetByRole(AriaRole.Link, new() { Name = "Activity" }).ClickAsync();
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
