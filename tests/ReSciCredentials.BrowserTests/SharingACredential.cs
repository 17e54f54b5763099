using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>Two people, each at a browser of their own.</summary>
public sealed class SharingACredential(Chromium chromium) : AccessibleToEveryone(chromium)
{
    private ILocator Email => Page.GetByLabel("E-mail");

    private ILocator Removing => Page.GetByRole(AriaRole.Group, new() { Name = "Remove Bea Beier?" });

    [Fact]
    public async Task Appears_with_the_other_person_who_uses_it_and_cannot_change_it_and_goes_when_it_ends()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop key");
        var (_, visitor) = await Server.AddPersonAsync("Bea Beier");
        var window = await OpenWindowAsync(new());
        await SignInAsync(window, visitor);
        var hers = await OpenTabAsync(window);
        await hers.OpenAuthenticateAsync();
        await Expect(hers.AddCredential).ToBeVisibleAsync();
        await Expect(hers.Tile("Shop key")).ToBeHiddenAsync();

        // Shared by keyboard.
        await Tab.OpenAsync($"/credentials/{id}");
        await Tab.TabToAsync(Tab.Link("Share"));
        await Tab.PressAsync("Enter");
        await Expect(Email).ToBeFocusedAsync();
        await Page.Keyboard.TypeAsync("nobody@example.com");
        await Tab.PressAsync("Enter");
        await Expect(Email).ToHaveAccessibleDescriptionAsync(new System.Text.RegularExpressions.Regex("Nobody here has"));
        await InspectAsync("Access, a fault");
        await Email.FillAsync("bea@example.com");
        await Tab.PressAsync("Enter");
        await Expect(Page.GetByText("bea@example.com has it now, as collaborator.")).ToBeVisibleAsync();
        await InspectAsync("Access, shared");

        // There without a reload, to be used.
        await Expect(hers.Tile("Shop key")).ToBeVisibleAsync();
        await Expect(hers.TileBody("Shop key").GetByText("Owner: Olga Owner")).ToBeVisibleAsync();
        await Expect(hers.TileBody("Shop key").GetByRole(AriaRole.Button)).ToHaveCountAsync(0);
        await hers.Tile("Shop key").CheckAsync();
        await hers.GoOnToConfigureAsync();
        await Expect(hers.Sample).ToBeHiddenAsync();
        await hers.FlowName.FillAsync("Bea's orders");
        await hers.Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(hers.Heading("Bea's orders")).ToBeVisibleAsync();
        var source = new Uri(hers.Page.Url).AbsolutePath;

        // And not to be changed.
        await hers.OpenAsync($"/credentials/{id}");
        await Expect(hers.Page.GetByText("Olga Owner shares it with you, as collaborator.")).ToBeVisibleAsync();
        await Expect(hers.Page.GetByRole(AriaRole.Textbox, new() { Name = "Credential Name" })).ToHaveAttributeAsync("readonly", "");
        foreach (var button in new[] { "Test", "Replace key", "Copy", "Delete" })
        {
            await Expect(hers.Page.Locator("[data-drawer]").GetByRole(AriaRole.Button, new() { Name = button, Exact = true })).ToHaveCountAsync(0);
        }

        // Its owner learns that it is in use, and not by what.
        await Tab.Link("Used by").ClickAsync();
        await Expect(Page.GetByText("1 source of somebody else")).ToBeVisibleAsync();
        await Expect(Page.GetByText("Bea's orders")).ToHaveCountAsync(0);
        await InspectAsync("Used by somebody else");

        await Tab.Link("Access").ClickAsync();
        await Page.GetByLabel("Role of Bea Beier").SelectOptionAsync("Operator");
        await Tab.Button("Change the role of Bea Beier").ClickAsync();
        await Expect(hers.Page.Locator("[data-drawer]").GetByRole(AriaRole.Button, new() { Name = "Test", Exact = true })).ToBeVisibleAsync();

        await Tab.Button("Remove Bea Beier").ClickAsync();
        await Expect(Removing).ToContainTextAsync("What they made with it stands still: 1 source or destination.");
        await Expect(Removing.GetByRole(AriaRole.Button, new() { Name = "Keep" })).ToBeFocusedAsync();
        await InspectAsync("Access, remove?");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();
        await Removing.GetByRole(AriaRole.Button, new() { Name = "Remove" }).ClickAsync();

        // Gone without a reload.
        await Expect(hers.Page.GetByText("There is no such credential")).ToBeVisibleAsync();
        await hers.OpenAsync(source);
        await Expect(hers.Page.GetByText("It stands still")).ToBeVisibleAsync();
        await Expect(hers.Page.GetByText("Shop key")).ToHaveCountAsync(0);
        FoundNothing();
    }

    [Fact]
    public async Task Shows_whom_a_source_is_shared_with_on_its_page()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.AddCredentialAsync("Shop key", "sandbox-accepted-1");
        await Tab.GoOnToConfigureAsync();
        await Tab.FlowName.FillAsync("Nightly orders");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        var (_, visitor) = await Server.AddPersonAsync("Bea Beier");
        var window = await OpenWindowAsync(new());
        await SignInAsync(window, visitor);
        var hers = await OpenTabAsync(window);
        await hers.OpenAsync("/");

        await Tab.IsLiveAsync();
        await Email.FillAsync("bea@example.com");
        await Page.GetByLabel("Role", new() { Exact = true }).SelectOptionAsync("Operator");
        await Tab.Button("Share").ClickAsync();
        await hers.Link("Nightly orders").ClickAsync();
        await Expect(hers.Page.GetByText("One that is not shared with you")).ToBeVisibleAsync();
        await hers.IsLiveAsync();
        await hers.Button("Pause").ClickAsync();

        await Expect(Tab.Button("Activate")).ToBeVisibleAsync();
        await Expect(hers.Button("Change credential")).ToHaveCountAsync(0);
        await InspectAsync("Source, shared");
        FoundNothing();
    }
}
