using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.BrowserTests.Harness;

/// <summary>A server of its own that has its owner, and a window in which the owner is signed in. Afterwards no window may have complained.</summary>
public abstract class BrowserTest(Chromium chromium) : IAsyncLifetime
{
    /// <summary>How long anything may take before the test gives up, in milliseconds: enough for a slow and busy machine.</summary>
    private const int Patience = 45_000;

    private readonly List<(IBrowserContext Window, Watch Watch)> _windows = [];
    private readonly TestDirectory _directory = new();

    internal TestServer Server { get; private set; } = null!;

    /// <summary>The owner without a browser: for what somebody else does meanwhile.</summary>
    internal Visitor Elsewhere { get; private set; } = null!;

    internal Tab Tab { get; private set; } = null!;

    internal IPage Page => Tab.Page;

    /// <summary>How the window of <see cref="Tab"/> differs from the usual one.</summary>
    private protected virtual BrowserNewContextOptions Window => new();

    /// <summary>Without one the server is as new, and nobody is signed in.</summary>
    private protected virtual bool HasOwner => true;

    public async ValueTask InitializeAsync()
    {
        // First, because it skips the test when there is no browser.
        var window = await OpenWindowAsync(Window);
        if (HasOwner)
        {
            (Server, Elsewhere) = await TestServer.StartOwnedAsync(_directory);
            await SignInAsync(window);
        }
        else
        {
            Server = await TestServer.StartAsync(_directory);
            Elsewhere = Server.NewVisitor();
        }

        Tab = await OpenTabAsync(window);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (window, _) in _windows)
        {
            await window.CloseAsync();
        }

        Elsewhere?.Dispose();
        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        _directory.Dispose();
        GC.SuppressFinalize(this);
        foreach (var (_, watch) in _windows)
        {
            watch.FindsNothing();
        }
    }

    private protected async Task<IBrowserContext> OpenWindowAsync(BrowserNewContextOptions options)
    {
        options.ReducedMotion = ReducedMotion.Reduce;
        options.Locale = "en-GB";
        var window = await chromium.OpenWindowAsync(options);
        window.SetDefaultTimeout(Patience);
        SetDefaultExpectTimeout(Patience);
        _windows.Add((window, await Watch.StartAsync(window)));
        return window;
    }

    private protected async Task<Tab> OpenTabAsync(IBrowserContext window) => new(await window.NewPageAsync(), Server.Address);

    /// <summary>Gives a window the session of the owner; the form is tried by a test of its own.</summary>
    private protected Task SignInAsync(IBrowserContext window) => SignInAsync(window, Elsewhere);

    /// <summary>Gives a window the session of whoever is signed in with <paramref name="visitor"/>.</summary>
    private protected Task SignInAsync(IBrowserContext window, Visitor visitor) => window.AddCookiesAsync(
        visitor.Cookies.GetCookies(Server.Address)
            .Where(cookie => cookie.Name == "session")
            .Select(cookie => new Cookie { Name = cookie.Name, Value = cookie.Value, Url = Server.Address.AbsoluteUri }));

    /// <summary>What the owner's window may complain of, because the test brings it about.</summary>
    private protected void Tolerate(params string[] complaints) => _windows[0].Watch.Tolerate(complaints);

    /// <summary>Stops the server and starts it again at the same address, on the same data.</summary>
    private protected async Task RestartServerAsync()
    {
        var address = Server.Address;
        await Server.DisposeAsync();
        Server = await TestServer.StartAsync(_directory, settings: $"--urls={address.GetLeftPart(UriPartial.Authority)}");
    }

    private protected async Task<int> CountCredentialsAsync()
    {
        await using var storage = await Server.StorageAsync();
        return await storage.Credentials.CountAsync();
    }

    private protected async Task<int> CountFlowsAsync()
    {
        await using var storage = await Server.StorageAsync();
        return await storage.Flows.CountAsync();
    }

    /// <summary>Ends all sessions behind the server's back, as the command line does.</summary>
    private protected async Task EndSessionsAsync()
    {
        await using var storage = await Server.StorageAsync();
        await storage.Sessions.ExecuteUpdateAsync(session => session.SetProperty(row => row.EndedAt, DateTimeOffset.UtcNow));
    }
}
