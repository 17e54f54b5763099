using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

[assembly: AssemblyFixture(typeof(Chromium))]

namespace ReSciCredentials.BrowserTests.Harness;

/// <summary>
/// The one browser that all tests share: the Chromium of this machine, nothing is downloaded. Without one the tests are skipped,
/// unless <c>RESCI_REQUIRE_BROWSER=1</c> says that they must run.
/// </summary>
public sealed class Chromium : IAsyncLifetime
{
    private const string HowToGetOne =
        "There is no Chromium. Install one (apt-get install chromium), or set CHROMIUM to the path of Chromium or Chrome.";

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (Find() is not { } path)
        {
            return;
        }

        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = path,
            Headless = true,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
            ],
        });
        // A Chromium that is a whole browser ends with its last window, and between two tests there may be none.
        await _browser.NewPageAsync();
    }

    /// <summary>A window without cookies or history.</summary>
    internal Task<IBrowserContext> OpenWindowAsync(BrowserNewContextOptions options)
    {
        if (_browser is null && Environment.GetEnvironmentVariable("RESCI_REQUIRE_BROWSER") != "1")
        {
            Assert.Skip(HowToGetOne);
        }

        return _browser?.NewContextAsync(options) ?? throw new InvalidOperationException(HowToGetOne);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named)
        {
            return File.Exists(named) ? named : null;
        }

        string[] names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Append("/usr/bin");
        return folders.SelectMany(_ => names, Path.Combine).FirstOrDefault(File.Exists);
    }
}
