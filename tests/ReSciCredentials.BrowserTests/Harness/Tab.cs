using Microsoft.Playwright;

namespace ReSciCredentials.BrowserTests.Harness;

/// <summary>What a person does in a tab of the browser, and finds by what stands on the screen.</summary>
internal sealed class Tab(IPage page, Uri address)
{
    public const string Live = ".page[data-interactive]";

    public IPage Page { get; } = page;

    public ILocator Overlay => Page.GetByRole(AriaRole.Dialog, new() { Name = "Add New Credential" });

    public ILocator NameField => Overlay.GetByRole(AriaRole.Textbox, new() { Name = "Credential Name" });

    public ILocator DescriptionField => Overlay.GetByRole(AriaRole.Textbox, new() { Name = "Credential Description" });

    public ILocator KeyField => Overlay.GetByLabel("API Key Value");

    public ILocator AddCredential => Button("Add Credential");

    public ILocator FlowName => Page.GetByRole(AriaRole.Textbox, new() { Name = "Name", Exact = true });

    public ILocator FlowDescription => Page.GetByRole(AriaRole.Textbox, new() { Name = "Description", Exact = true });

    public ILocator Sample => Page.GetByRole(AriaRole.Region, new() { Name = "Sample of the data" });

    public async Task OpenAsync(string path)
    {
        await GoToAsync(path);
        await IsLiveAsync();
    }

    /// <summary>Opens a page that has no circuit, or does not wait for it.</summary>
    public Task GoToAsync(string path) => Page.GotoAsync(new Uri(address, path).AbsoluteUri);

    public Task IsLiveAsync() => Expect(Page.Locator(Live)).ToBeVisibleAsync();

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name });

    public ILocator Link(string name) => Page.GetByRole(AriaRole.Link, new() { Name = name });

    public ILocator Heading(string name) => Page.GetByRole(AriaRole.Heading, new() { Name = name, Level = 1 });

    public ILocator Tile(string name) => Page.GetByRole(AriaRole.Radio, new() { Name = name });

    /// <summary>The whole of a tile: what is said about the credential, and its buttons.</summary>
    public ILocator TileBody(string name) => Page.GetByRole(AriaRole.Article).Filter(new() { Has = Tile(name) });

    public ILocator InOverlay(string button) => Overlay.GetByRole(AriaRole.Button, new() { Name = button, Exact = true });

    /// <summary>Goes to the step Authenticate of a source.</summary>
    public Task OpenAuthenticateAsync(string noun = "source") => OpenAsync($"/{noun}s/new/resci/authenticate");

    public async Task OpenOverlayAsync()
    {
        await AddCredential.ClickAsync();
        await Expect(Overlay).ToBeVisibleAsync();
    }

    public async Task FillOverlayAsync(string name, string key, string description = "")
    {
        await NameField.FillAsync(name);
        await DescriptionField.FillAsync(description);
        await KeyField.FillAsync(key);
    }

    public Task SaveAsync() => InOverlay("Save").ClickAsync();

    /// <summary>Adds a credential on the Authenticate screen, and waits for its tile.</summary>
    public async Task AddCredentialAsync(string name, string key, string description = "")
    {
        await OpenOverlayAsync();
        await FillOverlayAsync(name, key, description);
        await SaveAsync();
        await ShowsChosenTileAsync(name);
    }

    public async Task ShowsChosenTileAsync(string name)
    {
        await Expect(Overlay).ToBeHiddenAsync();
        await Expect(Tile(name)).ToBeCheckedAsync();
        await Expect(Tile(name)).ToBeFocusedAsync();
    }

    /// <summary>From the Authenticate screen, with a tile chosen, to Configure.</summary>
    public async Task GoOnToConfigureAsync(string noun = "source")
    {
        await Button("Next").ClickAsync();
        await Expect(Heading($"Configure the {noun}")).ToBeVisibleAsync();
        await IsLiveAsync();
    }

    /// <summary>Presses Tab until <paramref name="target"/> has the focus, as a person who cannot use a mouse.</summary>
    public async Task TabToAsync(ILocator target)
    {
        const int Enough = 40;
        for (var presses = 0; presses < Enough; presses++)
        {
            if (await target.EvaluateAsync<bool>("element => element === document.activeElement"))
            {
                return;
            }

            await Page.Keyboard.PressAsync("Tab");
        }

        Assert.Fail($"{target} cannot be reached with the Tab key.");
    }

    public Task PressAsync(string key) => Page.Keyboard.PressAsync(key);

    /// <summary>Nothing sticks out to the right: nobody has to scroll sideways.</summary>
    public async Task FitsAsync() => Assert.Empty(
        await Page.EvaluateAsync<string[]>(
            """
            () => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll('body *')]
              .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
              .map(element => `${element.tagName}.${element.className} ${Math.round(element.getBoundingClientRect().right)}`)
            """));
}
