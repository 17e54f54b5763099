using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using AngleSharp.Html.Parser;

namespace ReSciCredentials.Tests.Harness;

/// <summary>A browser without a screen: cookies, forms, no redirects followed.</summary>
internal sealed class Visitor : IDisposable
{
    private readonly HttpClientHandler _handler = new() { AllowAutoRedirect = false, UseProxy = false };

    public Visitor(Uri address)
    {
        Http = new HttpClient(_handler) { BaseAddress = address };
        Http.DefaultRequestHeaders.Add("Accept", "text/html");
        Http.DefaultRequestHeaders.Add("Sec-Fetch-Dest", "document");
        Http.DefaultRequestHeaders.Add("Sec-Fetch-Mode", "navigate");
    }

    public HttpClient Http { get; }

    public CookieContainer Cookies => _handler.CookieContainer;

    /// <summary>The cookies as the browser sends them.</summary>
    public string Cookie => Cookies.GetCookieHeader(Http.BaseAddress!);

    /// <summary>Sent with every page that is asked for and every form that is posted, in place of the usual ones.</summary>
    public Dictionary<string, string> Headers { get; } = [];

    public async Task SignInAsync(string email, string password)
    {
        var answer = await SubmitAsync("/sign-in", "sign-in", ("Email", email), ("Password", password));
        Assert.Equal((HttpStatusCode.Redirect, "/"), (answer.Status, answer.Location));
    }

    public async Task<PageAnswer> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request, headers);
    }

    public async Task<PageAnswer> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        return await SendAsync(request, []);
    }

    /// <summary>Loads a page and posts one of its forms, as a person would.</summary>
    /// <param name="form">The form's name or its action.</param>
    public async Task<PageAnswer> SubmitAsync(string page, string form, params (string Name, string Value)[] fields)
    {
        var loaded = await GetAsync(page);
        var document = await new HtmlParser().ParseDocumentAsync(loaded.Text);
        var found = document.QuerySelectorAll("form").FirstOrDefault(candidate =>
            candidate.GetAttribute("action") == form || candidate.QuerySelector($"input[name='_handler'][value='{form}']") is not null);
        Assert.True(found is not null, $"{page} has no form {form}: {loaded.Status} {loaded.Text}");
        var hidden = found.QuerySelectorAll("input[type=hidden]")
            .Select(input => (input.GetAttribute("name")!, input.GetAttribute("value") ?? ""));
        return await PostAsync(found.GetAttribute("action") ?? page, [.. hidden, .. fields]);
    }

    /// <summary>Opens a circuit's connection; throws when it is refused.</summary>
    public async Task<ClientWebSocket> ConnectAsync(string? origin)
    {
        var socket = new ClientWebSocket();
        socket.Options.Cookies = Cookies;
        if (origin is not null)
        {
            socket.Options.SetRequestHeader("Origin", origin);
        }

        await socket.ConnectAsync(
            new UriBuilder(Http.BaseAddress!) { Scheme = "ws", Path = "/_blazor" }.Uri, TestContext.Current.CancellationToken);
        return socket;
    }

    /// <summary>Presses Save in the overlay.</summary>
    public Task<Answer> SaveCredentialAsync(
        string name, string key, string description = "", Guid? operation = null, bool unverified = false, bool same = false) =>
        PostOverlayAsync("/credentials/save", name, key, description, operation, unverified, same);

    /// <summary>Presses Test in the overlay.</summary>
    public Task<Answer> TestCredentialAsync(string key, string name = "") => PostOverlayAsync("/credentials/test", name, key, "", null, false, false);

    /// <summary>Presses Save in the <i>Replace key</i> dialog.</summary>
    /// <param name="then">What to do when ReSci accepts the key: wait, keep or wipe.</param>
    public Task<Answer> ReplaceKeyAsync(
        int id, string key, string then = "wait", Guid? operation = null, bool unverified = false, bool same = false, string instead = "") =>
        PostDialogAsync($"/credentials/{id}/replace", new()
        {
            ["operation"] = (operation ?? Guid.NewGuid()).ToString(),
            ["key"] = key,
            ["then"] = then,
            ["unverified"] = unverified ? "true" : "",
            ["same"] = same ? "true" : "",
            ["instead"] = instead,
        });

    /// <summary>Chooses a file on the import page.</summary>
    public Task<ImportAnswer> PreviewImportAsync(string file) =>
        ImportAsync("/credentials/import/preview", file, TestContext.Current.CancellationToken);

    /// <summary>Presses Import on the import page.</summary>
    /// <param name="import">The same for every attempt with the same file.</param>
    public Task<ImportAnswer> ImportAsync(
        Guid import, string file, bool duplicates = false, bool unverified = false, CancellationToken cancellation = default) =>
        ImportAsync($"/credentials/import/run?id={import}&duplicates={duplicates}&unverified={unverified}", file, cancellation);

    /// <summary>Sends a file with the token of a form.</summary>
    public async Task<PageAnswer> SendFileAsync(string address, HttpContent content, CancellationToken cancellation = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
        request.Headers.Add("RequestVerificationToken", await AntiforgeryTokenAsync());
        request.Headers.Add("Sec-Fetch-Dest", "empty");
        request.Headers.Add("Sec-Fetch-Mode", "cors");
        return await SendAsync(request, [("Accept", "application/x-ndjson")], cancellation);
    }

    /// <summary>Saves a credential that ReSci accepts and returns its id.</summary>
    public async Task<int> AddCredentialAsync(string name, string? key = null)
    {
        var answer = await SaveCredentialAsync(name, key ?? $"sandbox-accepted-{Guid.NewGuid():N}", same: true);
        Assert.Equal("saved", answer.Outcome);
        return answer.Id!.Value;
    }

    public async Task<string> AntiforgeryTokenAsync() =>
        (await Http.GetFromJsonAsync<JsonElement>("/antiforgery-token")).GetProperty("token").GetString()!;

    public void Dispose() => Http.Dispose();

    private async Task<ImportAnswer> ImportAsync(string address, string file, CancellationToken cancellation)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(file));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        var answer = await SendFileAsync(address, content, cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var lines = answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
        var end = lines.LastOrDefault(line => line.TryGetProperty("end", out _));
        return new ImportAnswer(
            [.. lines.Where(line => line.TryGetProperty("line", out _)).Select(line => line.Deserialize<ImportAnswerRow>(JsonSerializerOptions.Web)!)],
            end.ValueKind is JsonValueKind.Object ? end.GetProperty("end").GetString() : null,
            end.ValueKind is JsonValueKind.Object && end.TryGetProperty("text", out var text) ? text.GetString() : null,
            answer.Text);
    }

    private async Task<PageAnswer> SendAsync(HttpRequestMessage request, (string Name, string Value)[] headers, CancellationToken cancellation = default)
    {
        foreach (var (name, value) in Headers.Select(header => (header.Key, header.Value)).Concat(headers))
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await Http.SendAsync(request, cancellation);
        return new PageAnswer(
            answer.StatusCode,
            answer.Headers.Location?.OriginalString.Replace(Http.BaseAddress!.GetLeftPart(UriPartial.Authority), "", StringComparison.Ordinal),
            await answer.Content.ReadAsStringAsync(cancellation),
            answer.Headers.Concat(answer.Content.Headers)
                .ToDictionary(header => header.Key, header => string.Join('\n', header.Value), StringComparer.OrdinalIgnoreCase));
    }

    private Task<Answer> PostOverlayAsync(
        string address, string name, string key, string description, Guid? operation, bool unverified, bool same) =>
        PostDialogAsync(address, new()
        {
            ["operation"] = (operation ?? Guid.NewGuid()).ToString(),
            ["name"] = name,
            ["description"] = description,
            ["key"] = key,
            ["unverified"] = unverified ? "true" : "",
            ["same"] = same ? "true" : "",
        });

    /// <summary>Posts the form of a dialog as its script does.</summary>
    public async Task<Answer> PostDialogAsync(string address, Dictionary<string, string> fields)
    {
        fields["__RequestVerificationToken"] = await AntiforgeryTokenAsync();
        using var content = new FormUrlEncodedContent(fields);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
        request.Headers.Add("Accept", "application/json");
        request.Headers.Add("Sec-Fetch-Dest", "empty");
        request.Headers.Add("Sec-Fetch-Mode", "cors");
        using var answer = await Http.SendAsync(request);
        return answer.StatusCode is HttpStatusCode.OK
            ? (await answer.Content.ReadFromJsonAsync<Answer>())! with { Status = answer.StatusCode, CacheControl = answer.Headers.CacheControl?.ToString() }
            : new Answer($"http {(int)answer.StatusCode}", Status: answer.StatusCode);
    }
}

/// <summary>What the dialogs' scripts read.</summary>
internal sealed record Answer(
    string Outcome,
    int? Id = null,
    string? Title = null,
    string? Advice = null,
    Dictionary<string, string>? Errors = null,
    int? RetryAfter = null,
    string? Instead = null,
    string? Name = null,
    string? Token = null,
    IReadOnlyList<ReSciCredentials.Broker.Snippet>? Snippets = null,
    string? CacheControl = null,
    HttpStatusCode Status = HttpStatusCode.OK);

/// <summary>What the import page reads.</summary>
/// <param name="End">What the last line says; null when it did not come.</param>
internal sealed record ImportAnswer(IReadOnlyList<ImportAnswerRow> Rows, string? End, string? EndText, string Raw)
{
    public IEnumerable<string> States => Rows.Select(row => row.State);
}

internal sealed record ImportAnswerRow(
    int Line, string State, string? Text, string? Name, string? Description, string? Fingerprint, string? LastFour, int? Id);

/// <summary>A page, or what came in its place.</summary>
/// <param name="Location">Where the answer leads, without this server's own origin.</param>
internal sealed record PageAnswer(HttpStatusCode Status, string? Location, string Text, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>What is read aloud or shown in red.</summary>
    public string Error => string.Join(' ', Regex.Matches(Text, "<p class=\"error\"[^>]*>(.*?)</p>", RegexOptions.Singleline)
        .Select(match => WebUtility.HtmlDecode(match.Groups[1].Value).Trim())).Trim();

    /// <summary>The cookie of that name as it was set, with its attributes; null when it was not.</summary>
    public string? SetCookie(string name) =>
        Headers.GetValueOrDefault("Set-Cookie")?.Split('\n').FirstOrDefault(cookie => cookie.StartsWith(name + "=", StringComparison.Ordinal));
}
