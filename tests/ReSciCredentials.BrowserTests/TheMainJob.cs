using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.EntityFrameworkCore;
using Microsoft.Playwright;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>What a person comes for, done as a person does it.</summary>
public sealed partial class TheMainJob(Chromium chromium)
{
    private const string PlantedKey = "sandbox-accepted-planted-7d1f0c";

    [Theory]
    [InlineData("source", 1280)]
    [InlineData("destination", 1280)]
    [InlineData("source", 390)]
    public async Task Makes_a_credential_and_what_uses_it(string kind, int width)
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateOwnerAsync();
        var page = await SignInAsync(server, width);

        await page.GetByRole(AriaRole.Link, new() { Name = $"New data {kind}" }).ClickAsync();
        await page.Locator("a.choice", new() { HasText = "ReSci" }).Filter(new() { HasText = "API key" }).ClickAsync();
        await AddCredentialAsync(page, "Production", PlantedKey);
        await page.GetByRole(AriaRole.Button, new() { Name = "Next" }).ClickAsync();
        await Assertions.Expect(page.Locator("form [name=name]")).ToBeEditableAsync();
        await page.Locator("[data-interactive] form [name=name]").FillAsync("Orders");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Orders" })).ToBeVisibleAsync();
        Assert.Matches($"/{kind}s/[0-9]+$", new Uri(page.Url).AbsolutePath);
    }

    [Fact]
    public async Task Keeps_the_overlay_open_when_the_key_is_refused_and_stores_nothing()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateOwnerAsync();
        var page = await SignInAsync(server);
        await page.GotoAsync(new Uri(server.Address, "/authenticate").AbsoluteUri);

        await OpenOverlayAsync(page, "Production", "sandbox-refused");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();

        await Assertions.Expect(page.Locator("[data-error=key]")).ToContainTextAsync("ReSci refused this key (HTTP 401)");
        await using var storage = await server.StorageAsync();
        Assert.Equal((0, "Production"), (await storage.Credentials.CountAsync(), await page.GetByLabel("Credential Name").InputValueAsync()));
    }

    [Fact]
    public async Task Offers_to_save_without_verifying_when_ReSci_is_down()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateOwnerAsync();
        var page = await SignInAsync(server);
        await page.GotoAsync(new Uri(server.Address, "/authenticate").AbsoluteUri);

        await OpenOverlayAsync(page, "Production", "sandbox-failing");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save without verifying" }).ClickAsync();

        await Assertions.Expect(page.Locator(".tile")).ToContainTextAsync("UNVERIFIED");
    }

    [Fact]
    public async Task Shows_the_key_in_no_frame_of_the_circuit_and_in_no_answer()
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateOwnerAsync();
        var page = await SignInAsync(server);
        var seen = new List<string>();
        page.WebSocket += (_, socket) =>
        {
            socket.FrameSent += (_, frame) => seen.Add(frame.Text ?? Convert.ToHexString(frame.Binary ?? []));
            socket.FrameReceived += (_, frame) => seen.Add(frame.Text ?? Convert.ToHexString(frame.Binary ?? []));
        };

        await page.GotoAsync(new Uri(server.Address, "/authenticate").AbsoluteUri);
        await AddCredentialAsync(page, "Production", PlantedKey);
        seen.Add(await page.ContentAsync());

        Assert.NotEmpty(seen);
        Assert.DoesNotContain(seen, text => Spellings(PlantedKey).Any(spelling => text.Contains(spelling, StringComparison.OrdinalIgnoreCase)));
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task Has_no_accessibility_violation_on_the_way(ColorScheme scheme)
    {
        await using var server = await TestServer.StartAsync();
        await server.CreateOwnerAsync();
        var page = await SignInAsync(server, scheme: scheme);
        var violations = new List<string>();
        await InspectAsync("Integrate");
        await page.GotoAsync(new Uri(server.Address, "/sources/new").AbsoluteUri);
        await InspectAsync("Select");
        await page.GotoAsync(new Uri(server.Address, "/authenticate").AbsoluteUri);
        await OpenOverlayAsync(page, "Production", PlantedKey);
        await InspectAsync("Overlay");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator(".tile input:checked")).ToBeFocusedAsync();
        await InspectAsync("Authenticate");

        Assert.Empty(violations);

        async Task InspectAsync(string where) =>
            violations.AddRange((await page.RunAxe()).Violations.Select(violation => $"{where}: {violation.Id}"));
    }

    private async Task<IPage> SignInAsync(TestServer server, int width = 1280, ColorScheme scheme = ColorScheme.Light)
    {
        var page = await chromium.OpenAsync(width, scheme);
        await page.GotoAsync(new Uri(server.Address, "/sign-in").AbsoluteUri);
        await page.GetByLabel("E-mail").FillAsync(TestServer.OwnerEmail);
        await page.GetByLabel("Password").FillAsync(TestServer.OwnerPassword);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Integrate" })).ToBeVisibleAsync();
        return page;
    }

    private static async Task OpenOverlayAsync(IPage page, string name, string key)
    {
        await page.GetByRole(AriaRole.Button, new() { NameRegex = AddCredential() }).ClickAsync();
        await page.GetByLabel("Credential Name").FillAsync(name);
        await page.Locator("#add-credential-key").FillAsync(key);
    }

    private static async Task AddCredentialAsync(IPage page, string name, string key)
    {
        await OpenOverlayAsync(page, name, key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Assertions.Expect(page.Locator(".tile input:checked")).ToBeFocusedAsync();
    }

    private static IEnumerable<string> Spellings(string key)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(key);
        // Frames are binary and compared as hexadecimal; a base64 text of any alignment shares its middle.
        yield return key;
        yield return Convert.ToHexString(bytes);
        yield return Convert.ToHexString(System.Text.Encoding.Unicode.GetBytes(key));
        for (var skipped = 0; skipped < 3; skipped++)
        {
            var middle = Convert.ToBase64String(bytes.AsSpan(skipped, (bytes.Length - skipped) / 3 * 3));
            yield return middle;
            yield return Convert.ToHexString(System.Text.Encoding.ASCII.GetBytes(middle));
        }
    }

    [GeneratedRegex("^Add Credential")]
    private static partial Regex AddCredential();
}
