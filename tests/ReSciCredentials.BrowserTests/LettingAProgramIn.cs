using System.Collections.Concurrent;
using System.Text;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>A service key from its making to its end, on a phone and by keyboard alone.</summary>
public sealed class LettingAProgramIn(Chromium chromium) : AccessibleToEveryone(chromium)
{
    private readonly ConcurrentQueue<string> _frames = [];

    private protected override BrowserNewContextOptions Window => new()
    {
        ViewportSize = new() { Width = 390, Height = 844 },
        Permissions = ["clipboard-read", "clipboard-write"],
    };

    private ILocator Row(int id) => Page.Locator($"#service-key-{id}");

    [Fact]
    public async Task Makes_copies_uses_rotates_and_revokes_a_service_key()
    {
        Page.WebSocket += (_, socket) =>
        {
            socket.FrameSent += (_, frame) => Note(frame);
            socket.FrameReceived += (_, frame) => Note(frame);
        };
        await Tab.GoToAsync("/settings");
        await InspectAsync("Settings");
        await Tab.FitsAsync();
        await Tab.GoToAsync("/settings/people");
        await InspectAsync("People");
        await Tab.FitsAsync();

        await Tab.OpenAsync("/settings/service-keys");
        await Tab.TabToAsync(Tab.Button("New service key"));
        await Tab.PressAsync("Enter");
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "New service key" });
        await Expect(dialog.GetByRole(AriaRole.Textbox, new() { Name = "Name" })).ToBeFocusedAsync();
        await InspectAsync("New service key");
        await Page.Keyboard.TypeAsync("Airflow");
        await Tab.PressAsync("Enter");
        var first = await CopyAsync(dialog);
        await Expect(Row(1)).ToBeFocusedAsync();
        await Expect(Row(1)).ToContainTextAsync("not used yet");
        using var old = new SdkProgram(Server.Address, first);
        await old.CallAsync("GET", "/users/current");
        await InspectAsync("Service keys");
        await Tab.FitsAsync();

        await Tab.TabToAsync(Tab.Button("Rotate Airflow"));
        await Tab.PressAsync("Enter");
        var rotation = Page.GetByRole(AriaRole.Dialog, new() { Name = "Rotate service key" });
        await Expect(rotation.GetByLabel("The old key")).ToBeFocusedAsync();
        await Tab.TabToAsync(rotation.GetByRole(AriaRole.Button, new() { Name = "Make the new key" }));
        await Tab.PressAsync("Enter");
        var second = await CopyAsync(rotation);
        await Expect(Row(2)).ToBeFocusedAsync();
        using var successor = new SdkProgram(Server.Address, second);
        await successor.CallAsync("GET", "/users/current");
        await old.CallAsync("GET", "/users/current");

        await Tab.TabToAsync(Row(1).GetByRole(AriaRole.Button, new() { Name = "Revoke Airflow" }));
        await Tab.PressAsync("Enter");
        await InspectAsync("Revoke?");
        await Tab.TabToAsync(Tab.Button("Revoke it"));
        await Tab.FitsAsync();
        await Tab.PressAsync("Enter");
        await Expect(Page.Locator("#service-keys")).ToBeFocusedAsync();
        await Expect(Page.GetByText("Revoked and expired (1)")).ToBeVisibleAsync();
        var refused = await Assert.ThrowsAsync<SdkException>(() => old.CallAsync("GET", "/users/current"));
        Assert.Equal(SdkError.Authentication, refused.Error);
        await successor.CallAsync("GET", "/users/current");
        await InspectAsync("Service keys, one revoked");
        await Tab.FitsAsync();

        FoundNothing();
        Assert.NotEmpty(_frames);
        Assert.DoesNotContain(_frames, frame => frame.Contains(first, StringComparison.Ordinal) || frame.Contains(second, StringComparison.Ordinal));
    }

    private void Note(IWebSocketFrame frame) => _frames.Enqueue(frame.Text ?? Encoding.Latin1.GetString(frame.Binary ?? []));

    /// <summary>Copies the key that is shown, and closes the dialog.</summary>
    private async Task<string> CopyAsync(ILocator dialog)
    {
        var copy = dialog.GetByRole(AriaRole.Button, new() { Name = "Copy the key" });
        await Expect(copy).ToBeFocusedAsync();
        await InspectAsync("A key that was made");
        await Tab.FitsAsync();
        await Tab.PressAsync("Escape");
        await Expect(dialog.GetByRole(AriaRole.Button, new() { Name = "Keep it open" })).ToBeFocusedAsync();
        await Tab.PressAsync("Enter");
        await Expect(copy).ToBeFocusedAsync();
        await Tab.PressAsync("Enter");
        var key = (await dialog.Locator("[data-token]").TextContentAsync())!;
        await Expect(dialog.GetByText("Copied")).ToHaveCountAsync(1);
        Assert.Equal(key, await Page.EvaluateAsync<string>("navigator.clipboard.readText()"));
        await Tab.TabToAsync(dialog.GetByRole(AriaRole.Button, new() { Name = "Done" }));
        await Tab.PressAsync("Enter");
        await Expect(dialog).ToBeHiddenAsync();
        Assert.DoesNotContain(key, await Page.ContentAsync(), StringComparison.Ordinal);
        return key;
    }
}
