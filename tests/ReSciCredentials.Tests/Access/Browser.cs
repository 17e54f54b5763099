using System.Net;
using System.Net.WebSockets;
using System.Text.RegularExpressions;

namespace ReSciCredentials.Tests.Access;

/// <summary>A browser without script: keeps cookies, posts the forms that it was sent, follows no redirect by itself.</summary>
internal sealed partial class Browser(AccessHost host)
{
    private readonly CookieContainer _cookies = new();

    /// <summary>Sent with every request.</summary>
    public Dictionary<string, string> Headers { get; } = new() { ["Accept"] = "text/html" };

    /// <summary>The cookies as the browser sends them.</summary>
    public string Cookie => _cookies.GetCookieHeader(host.Address);

    public async Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request, headers);
    }

    public async Task<Answer> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = FormOf(fields) };
        return await SendAsync(request, []);
    }

    /// <summary>Loads a page and posts one of its forms with these fields.</summary>
    /// <param name="form">The form's name or its action.</param>
    public async Task<Answer> SubmitAsync(string page, string form, params (string Name, string Value)[] fields)
    {
        var loaded = await GetAsync(page);
        var html = Form().Matches(loaded.Text).Select(m => m.Value)
            .FirstOrDefault(f => f.Contains($"value=\"{form}\"", StringComparison.Ordinal) || f.Contains($"action=\"{form}\"", StringComparison.Ordinal));
        Assert.True(html is not null, $"{page} has no form {form}: {loaded.Status} {loaded.Text}");
        var action = Action().Match(html) is { Success: true } match ? match.Groups[1].Value : page;
        var hidden = Hidden().Matches(html).Select(m => (m.Groups[1].Value, WebUtility.HtmlDecode(m.Groups[2].Value)));
        return await PostAsync(action, [.. hidden, .. fields]);
    }

    /// <summary>Opens a circuit's connection; throws when it is refused.</summary>
    public async Task<ClientWebSocket> ConnectAsync(string? origin)
    {
        var socket = new ClientWebSocket();
        socket.Options.Cookies = _cookies;
        if (origin is not null)
        {
            socket.Options.SetRequestHeader("Origin", origin);
        }

        await socket.ConnectAsync(new UriBuilder(host.Address) { Scheme = "ws", Path = "/_blazor" }.Uri, CancellationToken.None);
        return socket;
    }

    private static FormUrlEncodedContent FormOf(IEnumerable<(string Name, string Value)> fields) =>
        new(fields.Select(f => KeyValuePair.Create(f.Name, f.Value)));

    private async Task<Answer> SendAsync(HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        using var handler = new SocketsHttpHandler { CookieContainer = _cookies, AllowAutoRedirect = false };
        using var http = new HttpClient(handler) { BaseAddress = host.Address };
        foreach (var (name, value) in Headers.Select(h => (h.Key, h.Value)).Concat(headers))
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var answer = await http.SendAsync(request);
        return new Answer(
            answer.StatusCode,
            answer.Headers.Location?.OriginalString.Replace(host.Address.GetLeftPart(UriPartial.Authority), "", StringComparison.Ordinal),
            await answer.Content.ReadAsStringAsync(),
            answer.Headers.Concat(answer.Content.Headers).ToDictionary(h => h.Key, h => string.Join('\n', h.Value), StringComparer.OrdinalIgnoreCase));
    }

    [GeneratedRegex("<form.*?</form>", RegexOptions.Singleline)]
    private static partial Regex Form();

    [GeneratedRegex("<form[^>]* action=\"([^\"]*)\"")]
    private static partial Regex Action();

    [GeneratedRegex("<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\"")]
    private static partial Regex Hidden();
}

/// <param name="Location">Where the answer leads, without this server's own origin.</param>
internal sealed record Answer(HttpStatusCode Status, string? Location, string Text, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>What is read aloud or shown in red.</summary>
    public string Error => string.Join(' ', Regex.Matches(Text, "<p class=\"error\"[^>]*>(.*?)</p>", RegexOptions.Singleline)
        .Select(m => WebUtility.HtmlDecode(m.Groups[1].Value).Trim())).Trim();

    /// <summary>The cookie of that name as it was set, with its attributes; null when it was not.</summary>
    public string? SetCookie(string name) =>
        Headers.GetValueOrDefault("Set-Cookie")?.Split('\n').FirstOrDefault(c => c.StartsWith(name + "=", StringComparison.Ordinal));
}
