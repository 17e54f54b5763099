using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;

namespace ReSciCredentials.BrowserTests;

/// <summary>What the stories about replacing a key have in common.</summary>
public abstract class AKeyToReplace(Chromium chromium) : BrowserTest(chromium)
{
    private protected ILocator Dialog => Page.GetByRole(AriaRole.Dialog, new() { Name = "Replace key" });

    private protected ILocator NewKey => Dialog.GetByLabel("API Key Value");

    private protected ILocator Drawer => Page.GetByRole(AriaRole.Complementary);

    private protected ILocator ReplaceKey => Page.GetByRole(AriaRole.Button, new() { Name = "Replace key" });

    private protected ILocator Section(string name) => Page.GetByRole(AriaRole.Heading, new() { Name = name, Level = 2 });

    private protected ILocator InDrawer(string button) => Drawer.GetByRole(AriaRole.Button, new() { Name = button, Exact = true });

    private protected ILocator InDialog(string button) => Dialog.GetByRole(AriaRole.Button, new() { Name = button, Exact = true });

    /// <summary>A credential that a source uses.</summary>
    private protected async Task<int> MakeAsync()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop key", "sandbox-accepted-first-0001");
        var outcome = await Server.Service<FlowService>().CreateAsync(
            await Server.OwnerAsync(),
            new NewFlow(FlowKind.Source, "Nightly orders", null, "list_import_jobs", id, Guid.NewGuid()),
            TestContext.Current.CancellationToken);
        Assert.IsType<FlowOutcome.Done>(outcome);
        return id;
    }

    private protected async Task<CredentialKeys> KeysAsync(int id) =>
        (await Server.Service<KeyRotation>().FindAsync(await Server.OwnerAsync(), id, TestContext.Current.CancellationToken))!;
}

public sealed class ReplacingAKeyByMouse(Chromium chromium) : AKeyToReplace(chromium)
{
    private protected override BrowserNewContextOptions Window => new() { ViewportSize = new() { Width = 1280, Height = 900 } };

    [Fact]
    public async Task Lets_it_wait_tests_it_promotes_it_and_rolls_back()
    {
        var id = await MakeAsync();
        await Tab.OpenAsync($"/credentials/{id}");

        await ReplaceKey.ClickAsync();
        await Expect(Dialog.GetByRole(AriaRole.Link, new() { Name = "Nightly orders" })).ToHaveAttributeAsync("href", "/sources/1");
        await Expect(NewKey).ToBeFocusedAsync();
        await NewKey.FillAsync("sandbox-refused-1");
        await InDialog("Save").ClickAsync();
        await Expect(NewKey).ToHaveAccessibleDescriptionAsync(new System.Text.RegularExpressions.Regex("ReSci refused this key"));
        await Expect(NewKey).ToHaveValueAsync("sandbox-refused-1");
        await NewKey.FillAsync("sandbox-accepted-second-0002");
        await InDialog("Save").ClickAsync();

        await Expect(Dialog).ToBeHiddenAsync();
        await Expect(Section("A new key is waiting")).ToBeFocusedAsync();
        await InDrawer("Test").Nth(1).ClickAsync();
        await Expect(Drawer.GetByText("The new key: ReSci accepted this key.")).ToBeVisibleAsync();
        await InDrawer("Promote").ClickAsync();
        await Expect(Drawer.GetByRole(AriaRole.Radio, new() { Name = "Keep the old key for 24 hours" })).ToBeFocusedAsync();
        await InDrawer("Promote").ClickAsync();
        await Expect(Section("The key in use")).ToBeFocusedAsync();
        await Expect(Drawer.GetByText("is wiped in 23 hours")).ToBeVisibleAsync();
        Assert.Equal(("0002", 2), ((await KeysAsync(id)).Current.LastFour, (await KeysAsync(id)).Version));

        await InDrawer("Roll back").ClickAsync();
        await InDrawer("Roll back").ClickAsync();
        await Expect(Section("A new key is waiting")).ToBeVisibleAsync();
        Assert.Equal(("0001", 3), ((await KeysAsync(id)).Current.LastFour, (await KeysAsync(id)).Version));

        // Somebody else decides: the panel follows.
        await Server.Service<KeyRotation>().DropAsync(
            await Server.OwnerAsync(), id, (await KeysAsync(id)).Pending!.Key.Uid, TestContext.Current.CancellationToken);
        await Expect(Section("A new key is waiting")).ToBeHiddenAsync();
    }
}

public sealed class ReplacingAKeyByKeyboardAlone(Chromium chromium) : AKeyToReplace(chromium)
{
    private protected override BrowserNewContextOptions Window => new() { ViewportSize = new() { Width = 390, Height = 844 } };

    [Fact]
    public async Task Uses_it_at_once_from_another_part_of_the_drawer_and_asks_before_leaving()
    {
        var id = await MakeAsync();
        await Tab.OpenAsync($"/credentials/{id}?tab=used");
        await Tab.TabToAsync(ReplaceKey);
        await Tab.PressAsync("Enter");
        await Expect(NewKey).ToBeFocusedAsync();
        await Expect(Dialog.GetByText("1 source or destination uses")).ToBeVisibleAsync();
        await Tab.FitsAsync();
        await Page.Keyboard.TypeAsync("sandbox-accepted-second-0002");
        await Tab.PressAsync("Escape");
        await Expect(InDialog("Keep editing")).ToBeFocusedAsync();
        await Tab.PressAsync("Enter");

        await Tab.TabToAsync(Dialog.GetByRole(AriaRole.Radio, new() { Name = "Let it wait" }));
        await Tab.PressAsync("ArrowDown");
        await Tab.TabToAsync(InDialog("Save"));
        await Tab.PressAsync("Enter");

        await Expect(Dialog).ToBeHiddenAsync();
        await Expect(Section("The key in use")).ToBeFocusedAsync();
        await Expect(Section("The key before")).ToBeVisibleAsync();
        await Tab.FitsAsync();
        await Tab.TabToAsync(InDrawer("Wipe now"));
        await Tab.PressAsync("Enter");
        await Expect(InDrawer("Keep it")).ToBeFocusedAsync();
        await Tab.PressAsync("Tab");
        await Tab.PressAsync("Enter");
        await Expect(Section("The key in use")).ToBeFocusedAsync();
        await Expect(Section("The key before")).ToBeHiddenAsync();
        Assert.Equal(("0002", null), ((await KeysAsync(id)).Current.LastFour, (await KeysAsync(id)).Previous));
    }
}

public sealed class AKeyThatWasLeaked(Chromium chromium) : AKeyToReplace(chromium)
{
    [Fact]
    public async Task Is_replaced_without_a_way_back_and_reported()
    {
        var id = await MakeAsync();
        var leaked = (await KeysAsync(id)).Current.Fingerprint!;
        await Tab.OpenAsync($"/credentials/{id}");
        await Drawer.GetByRole(AriaRole.Link, new() { Name = "This key was leaked" }).ClickAsync();
        await Expect(Tab.Heading("Make a new key in ReSci")).ToBeVisibleAsync();
        await Expect(Page.GetByText("1 source or destination uses it")).ToBeVisibleAsync();
        await Tab.Link("I have the new key").ClickAsync();
        await Expect(Tab.Heading("Enter the new key")).ToBeVisibleAsync();
        await Tab.IsLiveAsync();

        await ReplaceKey.ClickAsync();
        await Expect(Dialog.GetByRole(AriaRole.Radio)).ToHaveCountAsync(0);
        await NewKey.FillAsync("sandbox-accepted-second-0002");
        await InDialog("Save").ClickAsync();
        await Expect(Page.GetByText("The leaked key is gone from here")).ToBeVisibleAsync();
        Assert.Equal((2, null), ((await KeysAsync(id)).Version, (await KeysAsync(id)).Previous));

        await Tab.Link("Report").Last.ClickAsync();
        await Expect(Tab.Heading("Look where the leaked key was used")).ToBeVisibleAsync();
        await Expect(Page.GetByRole(AriaRole.Link, new() { Name = "Nightly orders" })).ToBeVisibleAsync();
        await Expect(Page.GetByRole(AriaRole.Row, new() { Name = "wiped the old one" })).ToBeVisibleAsync();
        var text = await Tab.Button("Copy the report as text").GetAttributeAsync("data-copy") ?? "";
        Assert.Contains($"Fingerprint of the key: {leaked}", text, StringComparison.Ordinal);
        Assert.Contains("source 1: Nightly orders", text, StringComparison.Ordinal);

        // Nothing was done since tomorrow.
        await Page.GetByLabel("Since (UTC)").EvaluateAsync("(field, day) => { field.removeAttribute('max'); field.value = day; }", "2999-01-01");
        await Tab.Button("Show").ClickAsync();
        await Expect(Page.GetByText("Nothing since then.")).ToBeVisibleAsync();
    }
}
