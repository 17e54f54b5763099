using System.Text.RegularExpressions;
using Microsoft.Playwright;
using ReSciCredentials.Audit;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>The Activity screen: who did what.</summary>
public sealed class LookingAtTheActivity(Chromium chromium) : AccessibleToEveryone(chromium)
{
    private ILocator Entries => Page.Locator(".activity > li");

    [Fact]
    public async Task Narrows_it_goes_further_back_and_takes_it_away_by_keyboard_too()
    {
        var id = await Elsewhere.AddCredentialAsync("Shop");
        await WriteAsync(120);
        await Tab.OpenAsync("/");
        await Tab.Link("Activity").ClickAsync();
        await Expect(Tab.Heading("Activity")).ToBeVisibleAsync();
        await Tab.IsLiveAsync();
        await Expect(Entries).ToHaveCountAsync(50);
        await InspectAsync("Activity");

        await Tab.TabToAsync(Tab.Button("Show more"));
        await Tab.PressAsync("Enter");
        await Expect(Entries).ToHaveCountAsync(100);
        await Expect(Tab.Button("Show more")).ToBeFocusedAsync();
        await Expect(Page).ToHaveURLAsync(new Regex(@"\?show=100$"));

        await Page.GetByLabel("Did", new() { Exact = true }).SelectOptionAsync("Made");
        await Page.GetByLabel("With").SelectOptionAsync("Credential");
        await Expect(Entries).ToHaveCountAsync(1);
        await Expect(Page).ToHaveURLAsync(new Regex(@"\?kind=credential&event=create$|\?event=create&kind=credential$"));
        await Page.ReloadAsync();
        await Tab.IsLiveAsync();
        await Expect(Page.GetByLabel("Did", new() { Exact = true })).ToHaveValueAsync("create");
        await Expect(Tab.Link($"credential {id}, Shop")).ToBeVisibleAsync();
        await InspectAsync("Activity, narrowed");

        var download = await Page.RunAndWaitForDownloadAsync(() => Tab.Button("Export as CSV").ClickAsync());
        Assert.Equal("activity.csv", download.SuggestedFilename);
        var lines = await File.ReadAllLinesAsync(await download.PathAsync());
        Assert.Contains(",\"create\",\"credential\",", Assert.Single(lines.Skip(1)), StringComparison.Ordinal);

        await Page.GetByLabel("From day").FillAsync("2020-01-01");
        await Page.GetByLabel("To day").FillAsync("2020-01-02");
        await Expect(Page.GetByText("Nothing of that kind was done")).ToBeVisibleAsync();
        await InspectAsync("Activity, nothing found");
        await Tab.Button("Clear the filters").ClickAsync();
        await Expect(Page.GetByText("exported activity as CSV")).ToBeVisibleAsync();
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();
        FoundNothing();
    }

    private async Task WriteAsync(int entries)
    {
        var owner = await Server.OwnerAsync();
        await using var storage = await Server.StorageAsync();
        for (var entry = 0; entry < entries; entry++)
        {
            Server.Service<AuditLog>().AddChanges(
                storage, owner, AuditEvents.Update, AuditItems.Source, 4711, [AuditChange.Of(AuditField.Name, $"Orders {entry}", $"Orders {entry + 1}")]);
        }

        await storage.SaveChangesAsync(TestContext.Current.CancellationToken);
    }
}
