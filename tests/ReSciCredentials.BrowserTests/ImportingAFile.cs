using System.Text;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>The import page: from the file to the credentials, by keyboard, stopped on the way and gone on with.</summary>
public sealed class ImportingAFile(Chromium chromium) : AccessibleToEveryone(chromium)
{
    private const string Csv = """
        name;description;key
        EU warehouse;"Orders; every night";sandbox-accepted-4f0c1b7a9e2d
        Shop;;sandbox-accepted-b81e55aa0c31
        Loyalty;;sandbox-accepted-77de10b3ffff
        Shop again;;sandbox-accepted-b81e55aa0c31
        Old;;sandbox-refused-77de10b3aaaa
        Broken;
        """;

    private ILocator Title => Page.Locator("#import-title");

    private ILocator Rows => Page.GetByRole(AriaRole.List, new() { Name = "Rows of the file" }).GetByRole(AriaRole.Listitem);

    [Fact]
    public async Task Shows_what_will_be_made_stops_and_goes_on()
    {
        await Tab.OpenAsync("/credentials");
        await Tab.Link("Import").ClickAsync();
        await Expect(Tab.Heading("Import credentials")).ToBeVisibleAsync();
        await InspectAsync("Import, empty");

        await ChooseAsync("keys.csv", Csv);
        await Expect(Title).ToHaveTextAsync("4 credentials to import");
        await Expect(Title).ToBeFocusedAsync();
        await Expect(Rows).ToHaveCountAsync(6);
        await Expect(Rows.Nth(3)).ToContainTextAsync("The same key is in line 3.");
        await Expect(Rows.Nth(5)).ToContainTextAsync("2 of 3 columns");
        await InspectAsync("Import, preview");
        Assert.Equal(0, await CountCredentialsAsync());

        await Tab.TabToAsync(Tab.Button("Import 4 credentials"));
        await Tab.PressAsync("Enter");
        await Expect(Tab.Button("Stop")).ToBeFocusedAsync();
        await Expect(Rows.Nth(0)).ToContainTextAsync("Imported");
        await InspectAsync("Import, running");
        await Tab.PressAsync("Enter");
        await Expect(Page.GetByText("Stopped. What is marked as imported is saved")).ToBeVisibleAsync();
        await Expect(Title).ToBeFocusedAsync();
        Assert.InRange(await CountCredentialsAsync(), 1, 3);

        await Tab.TabToAsync(Page.Locator("[data-do=import]"));
        await Tab.PressAsync("Enter");
        await Expect(Title).ToHaveTextAsync("3 imported, 1 refused by ReSci, 1 left out, 1 not possible");
        Assert.Equal(3, await CountCredentialsAsync());
        await InspectAsync("Import, done");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();

        await ChooseAsync("config.json", """{"api_key":"sandbox-garbage-1234567890","site_id":42}""");
        await Expect(Title).ToHaveTextAsync("1 credential to import");
        await Page.GetByLabel("When ReSci cannot tell").CheckAsync();
        await Tab.Button("Import 1 credential").ClickAsync();
        await Expect(Title).ToHaveTextAsync("0 imported, 1 imported without verifying");
        await Tab.Link("Back to the credentials").ClickAsync();
        await Expect(Tab.Link("target-resci, site 42")).ToBeVisibleAsync();
        FoundNothing();
    }

    [Fact]
    public async Task Keeps_the_file_when_the_session_ends_and_says_what_is_wrong_with_one()
    {
        Tolerate("401");
        await Tab.GoToAsync("/credentials/import");
        await ChooseAsync("empty.csv", "");
        await Expect(Page.GetByText("The file is empty.")).ToBeVisibleAsync();
        await InspectAsync("Import, a fault");
        await ChooseAsync("keys.csv", "Shop,,sandbox-accepted-b81e55aa0c31");
        await Expect(Title).ToHaveTextAsync("1 credential to import");

        await EndSessionsAsync();
        await Tab.Button("Import 1 credential").ClickAsync();
        await Expect(Page.GetByText("Your session ended.")).ToBeVisibleAsync();
        await InspectAsync("Import, session ended");
        using var again = await Server.SignInAsync();
        await Page.Context.AddCookiesAsync(again.Cookies.GetCookies(Server.Address).Where(cookie => cookie.Name == "session")
            .Select(cookie => new Cookie { Name = cookie.Name, Value = cookie.Value, Url = Server.Address.AbsoluteUri }));
        await Tab.Button("Try the other 1").ClickAsync();

        await Expect(Title).ToHaveTextAsync("1 imported");
        FoundNothing();
    }

    private Task ChooseAsync(string name, string text) =>
        Page.GetByLabel("File", new() { Exact = true }).SetInputFilesAsync(new FilePayload { Name = name, MimeType = "text/csv", Buffer = Encoding.UTF8.GetBytes(text) });
}
