using System.Collections.Concurrent;
using System.Text;
using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.BrowserTests;

/// <summary>A key that can be recognised goes through the whole job, and everything that passes between browser and server is looked through.</summary>
public sealed class APlantedKey(Chromium chromium) : BrowserTest(chromium)
{
    private readonly PlantedKey _key = new("sandbox-accepted");
    private readonly PlantedKey _newKey = new("sandbox-accepted");
    private PlantedKey _token = PlantedKey.Made("not made yet");
    private readonly PlantedKey _importedKey = new("sandbox-accepted");
    private readonly ConcurrentQueue<byte[]> _frames = [];
    private readonly ConcurrentQueue<Task<(string Path, byte[] Headers, byte[] Body)>> _answers = [];
    private readonly ConcurrentQueue<IRequest> _requests = [];

    [Fact]
    public async Task Is_in_no_frame_of_the_circuit()
    {
        await DoTheWholeJobAsync();

        Assert.NotEmpty(_frames);
        Assert.DoesNotContain(_frames, frame => Holds(frame) || _token.IsIn(frame));
    }

    [Fact]
    public async Task Is_in_no_answer_of_the_server()
    {
        await DoTheWholeJobAsync();

        var answers = await Task.WhenAll(_answers);
        Assert.Contains(answers, answer => answer.Path == "/credentials/save");
        Assert.Contains(answers, answer => answer.Path == "/credentials/1/replace");
        Assert.Contains(answers, answer => answer.Path == "/credentials/import/run");
        Assert.DoesNotContain(answers, answer => Holds(answer.Headers) || Holds(answer.Body));
        // An access token is in the one answer that shows it.
        Assert.Equal(["/access-tokens/make"], answers.Where(answer => _token.IsIn(answer.Headers) || _token.IsIn(answer.Body)).Select(answer => answer.Path));
    }

    [Fact]
    public async Task Is_sent_once_and_in_a_body_alone_and_for_an_import_once_more_to_look_at_it()
    {
        await DoTheWholeJobAsync();

        var holding = _requests.Where(request =>
            Holds(Encoding.UTF8.GetBytes(request.Url)) || (request.PostDataBuffer is { } body && Holds(body))).Select(request => new Uri(request.Url).AbsolutePath);
        Assert.Equal(["/credentials/save", "/credentials/1/replace", "/credentials/import/preview", "/credentials/import/run"], holding);
    }

    private async Task DoTheWholeJobAsync()
    {
        Page.WebSocket += (_, socket) =>
        {
            socket.FrameSent += (_, frame) => Note(frame);
            socket.FrameReceived += (_, frame) => Note(frame);
        };
        // At once: the browser forgets bodies as soon as it leaves a page.
        Page.Response += (_, answer) => _answers.Enqueue(ReadAsync(answer));
        Page.Request += (_, request) => _requests.Enqueue(request);

        await Tab.OpenAuthenticateAsync();
        await Tab.AddCredentialAsync("Planted", _key.Text, "Orders, every night.");
        await Tab.TileBody("Planted").GetByRole(AriaRole.Button, new() { Name = "Test" }).ClickAsync();
        await Tab.GoOnToConfigureAsync();
        await Tab.Sample.GetByRole(AriaRole.Button, new() { Name = "Test" }).ClickAsync();
        await Expect(Tab.Sample.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await Tab.FlowName.FillAsync("Nightly orders");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        await MakeATokenAsync();

        await Tab.OpenAsync("/credentials/1");
        await Tab.Button("Replace key").ClickAsync();
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "Replace key" });
        await dialog.GetByLabel("API Key Value").FillAsync(_newKey.Text);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Page.Locator("#pending-key")).ToBeFocusedAsync();
        await Tab.Button("Promote").ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Radio, new() { Name = "Keep the old key" })).ToBeFocusedAsync();
        await Tab.Button("Promote").ClickAsync();
        await Expect(Page.Locator("#previous-key")).ToBeVisibleAsync();

        // Into fields that the page sends at once: they keep it to themselves.
        await Page.GetByRole(AriaRole.Textbox, new() { Name = "Credential Description" }).FillAsync(_newKey.Text);
        await Page.GetByRole(AriaRole.Combobox, new() { Name = "Search credentials" }).FillAsync(_newKey.Text);
        await Page.Keyboard.PressAsync("Tab");

        await Tab.GoToAsync("/credentials/import");
        await Page.GetByLabel("File", new() { Exact = true }).SetInputFilesAsync(new FilePayload
        {
            Name = "keys.csv",
            MimeType = "text/csv",
            Buffer = Encoding.UTF8.GetBytes($"Imported,,{_importedKey.Text}"),
        });
        await Page.GetByRole(AriaRole.Button, new() { Name = "Import 1 credential" }).ClickAsync();
        await Expect(Page.GetByRole(AriaRole.Heading, new() { Name = "1 imported" })).ToBeVisibleAsync();
    }

    // And looks at the page anew, which lists it.
    private async Task MakeATokenAsync()
    {
        await Tab.IsLiveAsync();
        await Tab.Button("New access token").ClickAsync();
        var dialog = Page.GetByRole(AriaRole.Dialog, new() { Name = "New access token" });
        await dialog.GetByRole(AriaRole.Textbox, new() { Name = "Name" }).FillAsync("Airflow");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Make token" }).ClickAsync();
        await Expect(dialog.GetByRole(AriaRole.Button, new() { Name = "Copy the token" })).ToBeFocusedAsync();
        _token = PlantedKey.Made((await dialog.Locator("[data-token]").TextContentAsync())!);
        await Tab.PressAsync("Escape");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Close", Exact = true }).Last.ClickAsync();
        await Expect(Page.Locator("#token-1")).ToBeFocusedAsync();
        Assert.DoesNotContain(_token.Text, await Page.ContentAsync(), StringComparison.Ordinal);
        await Tab.OpenAsync("/sources/1");
    }

    private async Task<(string Path, byte[] Headers, byte[] Body)> ReadAsync(IResponse answer)
    {
        var path = new Uri(answer.Url).AbsolutePath;
        var headers = string.Join('\n', (await answer.AllHeadersAsync()).Values);
        try
        {
            return (path, Encoding.UTF8.GetBytes(headers), await answer.BodyAsync());
        }
        catch (PlaywrightException) when (answer.Request.Method == "GET")
        {
            // The browser keeps no page that a script took in as a stream, as on the way to Configure. The same is asked for again.
            var again = await Page.APIRequest.GetAsync(answer.Url);
            return (path, Encoding.UTF8.GetBytes(headers), await again.BodyAsync());
        }
        catch (PlaywrightException) when (path.StartsWith("/credentials/import/", StringComparison.Ordinal))
        {
            // Nor this, which a script takes in line by line; the test of the server looks through it.
            return (path, Encoding.UTF8.GetBytes(headers), []);
        }
    }

    private void Note(IWebSocketFrame frame) =>
        _frames.Enqueue(frame.Binary ?? Encoding.UTF8.GetBytes(frame.Text ?? ""));

    private bool Holds(ReadOnlySpan<byte> bytes) => _key.IsIn(bytes) || _newKey.IsIn(bytes) || _importedKey.IsIn(bytes);
}
