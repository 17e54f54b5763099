using System.Net;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Storage;

namespace ReSciCredentials.BrowserTests;

public sealed class GivingOutATokenByKeyboardAlone(Chromium chromium) : BrowserTest(chromium)
{
    private protected override BrowserNewContextOptions Window => new()
    {
        ViewportSize = new() { Width = 390, Height = 844 },
        Permissions = ["clipboard-read", "clipboard-write"],
    };

    private ILocator Row(int id) => Page.Locator($"#token-{id}");

    [Fact]
    public async Task Makes_copies_uses_rotates_and_revokes_it()
    {
        await Tab.OpenAsync(await Elsewhere.MakeFlowAsync(Server, FlowKind.Source));
        await Tab.TabToAsync(Tab.Button("New access token"));
        await Tab.PressAsync("Enter");
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "New access token" });
        await Expect(dialog.GetByRole(AriaRole.Textbox, new() { Name = "Name" })).ToBeFocusedAsync();
        await Page.Keyboard.TypeAsync("Airflow");
        await Tab.PressAsync("Enter");
        var first = await CopyAsync(dialog);
        await Expect(Row(1)).ToBeFocusedAsync();
        await Expect(Row(1)).ToContainTextAsync("not used yet");

        Assert.Equal(HttpStatusCode.OK, await Elsewhere.CallAsync(HttpMethod.Get, first));
        await Expect(Row(1)).ToContainTextAsync("last used just now · 1 call in 24 hours");
        await Expect(Page.GetByRole(AriaRole.Cell, new() { Name = "List Import Jobs" })).ToBeVisibleAsync();
        await Tab.FitsAsync();

        await Tab.TabToAsync(Tab.Button("Rotate Airflow"));
        await Tab.PressAsync("Enter");
        var rotation = Page.GetByRole(AriaRole.Dialog, new() { Name = "Rotate access token" });
        await Expect(rotation.GetByLabel("The old token")).ToBeFocusedAsync();
        await Tab.TabToAsync(rotation.GetByRole(AriaRole.Button, new() { Name = "Make the new token" }));
        await Tab.PressAsync("Enter");
        var second = await CopyAsync(rotation);
        await Expect(Row(2)).ToBeFocusedAsync();
        Assert.Equal(
            (HttpStatusCode.OK, HttpStatusCode.OK), (await Elsewhere.CallAsync(HttpMethod.Get, first), await Elsewhere.CallAsync(HttpMethod.Get, second)));

        await Tab.TabToAsync(Row(1).GetByRole(AriaRole.Button, new() { Name = "Revoke Airflow" }));
        await Tab.PressAsync("Enter");
        await Expect(Page.GetByText("with 2 calls in the last 24 hours: whatever sends it stops working at once.")).ToBeVisibleAsync();
        await Tab.TabToAsync(Tab.Button("Revoke it"));
        await Tab.FitsAsync();
        await Tab.PressAsync("Enter");
        await Expect(Page.Locator("#access-tokens")).ToBeFocusedAsync();
        Assert.Equal(
            (HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await Elsewhere.CallAsync(HttpMethod.Get, first), await Elsewhere.CallAsync(HttpMethod.Get, second)));
        await Expect(Page.GetByText("1 still in use")).ToBeVisibleAsync();
        await Tab.FitsAsync();
    }

    [Fact]
    public async Task Keeps_what_was_typed_when_the_session_ended()
    {
        Tolerate("401", "Unauthorized");
        await Tab.OpenAsync(await Elsewhere.MakeFlowAsync(Server, FlowKind.Source));
        await Tab.Button("New access token").ClickAsync();
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "New access token" });
        await Page.Keyboard.TypeAsync("Airflow");
        await EndSessionsAsync();
        await Tab.PressAsync("Enter");
        await Expect(dialog.GetByText("Your session ended")).ToBeVisibleAsync();
        await Expect(dialog.GetByRole(AriaRole.Textbox, new() { Name = "Name" })).ToHaveValueAsync("Airflow");
    }

    /// <summary>Asks to leave before it copies, and closes the dialog with the focus where it goes by itself.</summary>
    private async Task<string> CopyAsync(ILocator dialog)
    {
        var copy = dialog.GetByRole(AriaRole.Button, new() { Name = "Copy the token" });
        await Expect(copy).ToBeFocusedAsync();
        await Tab.FitsAsync();
        await Tab.PressAsync("Escape");
        await Expect(dialog.GetByRole(AriaRole.Button, new() { Name = "Keep it open" })).ToBeFocusedAsync();
        await Tab.PressAsync("Enter");
        await Expect(copy).ToBeFocusedAsync();
        await Tab.PressAsync("Enter");
        await Expect(dialog.GetByText("Copied")).ToHaveCountAsync(1);
        var token = (await dialog.Locator("[data-token]").TextContentAsync())!;
        Assert.Equal(token, await Page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        await Tab.TabToAsync(dialog.GetByRole(AriaRole.Button, new() { Name = "Done" }));
        await Tab.PressAsync("Enter");
        await Expect(dialog).ToBeHiddenAsync();
        Assert.DoesNotContain(token, await Page.ContentAsync(), StringComparison.Ordinal);
        return token;
    }
}
