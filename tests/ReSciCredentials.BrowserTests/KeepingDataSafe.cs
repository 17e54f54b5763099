using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.BrowserTests;

/// <summary>The owner's morning: a backup, its rehearsal, and the sheet from the safe.</summary>
public sealed class KeepingDataSafe(Chromium chromium) : AccessibleToEveryone(chromium)
{
    [Fact]
    public async Task Backs_up_rehearses_a_restore_and_checks_the_recovery_sheet()
    {
        await Elsewhere.AddCredentialAsync("Kept");
        await Tab.GoToAsync("/settings/safekeeping");
        await InspectAsync("Safe keeping, nothing done yet");

        await Tab.Button("Back up now").ClickAsync();
        await Expect(Page.Locator("[data-job=Backup][data-state=done]")).ToBeVisibleAsync();
        await Tab.GoToAsync("/settings/safekeeping");
        await Tab.Button("Rehearse a restore").ClickAsync();
        await Expect(Page.Locator("[data-job=Drill][data-state=done]")).ToContainTextAsync("1 of 1 keys opened");
        await InspectAsync("Safe keeping, rehearsed");

        await Page.GetByLabel("The eight groups of your sheet").FillAsync(string.Join('\n', Server.Service<ServerSeal>().RecoveryKey.SheetGroups));
        await Tab.Button("Check").ClickAsync();
        await Expect(Page.GetByText("The sheet is right")).ToBeVisibleAsync();
        await Expect(Page.GetByLabel("The eight groups of your sheet")).ToHaveValueAsync("");
        await InspectAsync("Safe keeping, the sheet checked");
        await Page.SetViewportSizeAsync(390, 844);
        await Tab.FitsAsync();
        await Page.SetViewportSizeAsync(320, 640);
        await Tab.FitsAsync();

        FoundNothing();
    }
}
