using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>What the server finds out about a key, and the days a person sets for it: where both are seen.</summary>
public sealed class LookingAfterAKey(Chromium chromium) : AccessibleToEveryone(chromium)
{
    [Fact]
    public async Task Shows_a_refused_key_and_a_day_that_is_near_on_Integrate_and_why_in_the_drawer()
    {
        var near = DateTime.UtcNow.AddDays(3).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        await Tab.OpenAuthenticateAsync();
        await Tab.OpenOverlayAsync();
        await Tab.FillOverlayAsync("Near its end", "sandbox-accepted-1");
        await Tab.Overlay.GetByText("Dates (optional)").ClickAsync();
        await Tab.Overlay.GetByLabel("Expires on").FillAsync("2020-01-01");
        await Tab.SaveAsync();
        await Expect(Tab.Overlay.GetByLabel("Expires on")).ToHaveAccessibleDescriptionAsync(new System.Text.RegularExpressions.Regex("That day is over"));
        await InspectAsync("Overlay, a day that is over");
        await Tab.Overlay.GetByLabel("Expires on").FillAsync(near);
        await Tab.SaveAsync();
        await Tab.ShowsChosenTileAsync("Near its end");

        var refused = (await Elsewhere.SaveCredentialAsync("Refused", "sandbox-refused-1", unverified: true)).Id!.Value;
        await Tab.OpenAsync($"/credentials/{refused}");
        await Tab.Button("Test").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Img, new() { Name = "One check: refused 1." })).ToBeVisibleAsync();
        await Page.GetByText("All as a table").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Region, new() { Name = "Checks as a table" })).ToContainTextAsync("ReSci refused this key (HTTP 401).");

        await Page.GetByRole(AriaRole.Textbox, new() { Name = "Review on" }).FillAsync(near);
        await Tab.Button("Save dates").ClickAsync();
        await Expect(Page.GetByText("Saved.", new() { Exact = true })).ToBeVisibleAsync();
        await InspectAsync("Drawer with checks and dates");

        await Tab.OpenAsync("/");
        var attention = Page.GetByRole(AriaRole.Region, new() { Name = "Credentials that need attention" });
        await Expect(attention.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(2);
        await Expect(attention.GetByRole(AriaRole.Listitem).First).ToContainTextAsync("ReSci refused this key");
        await Expect(attention.GetByRole(AriaRole.Listitem).First).ToContainTextAsync("To be reviewed by");
        await Expect(attention.GetByRole(AriaRole.Listitem).Last).ToContainTextAsync("The key expires on");
        await InspectAsync("Integrate, with reasons");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();

        FoundNothing();
    }
}
