using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
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

    public async Task SignInAsync(string email, string password)
    {
        using var answer = await PostFormAsync("/sign-in", "sign-in", new() { ["Email"] = email, ["Password"] = password });
        Assert.Equal((HttpStatusCode.Redirect, "/"), (answer.StatusCode, new Uri(Http.BaseAddress!, answer.Headers.Location!).PathAndQuery));
    }

    /// <summary>Loads a page and posts one of its forms, as a person would.</summary>
    public async Task<HttpResponseMessage> PostFormAsync(string page, string form, Dictionary<string, string> fields)
    {
        var html = await Http.GetStringAsync(page);
        var hidden = new HtmlParser().ParseDocument(html).QuerySelectorAll("form")
            .Single(candidate => candidate.QuerySelector($"input[name='_handler'][value='{form}']") is not null)
            .QuerySelectorAll("input[type=hidden]");
        foreach (var input in hidden)
        {
            fields[input.GetAttribute("name")!] = input.GetAttribute("value") ?? "";
        }

        using var content = new FormUrlEncodedContent(fields);
        return await Http.PostAsync(page, content);
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
        PostAsync($"/credentials/{id}/replace", new()
        {
            ["operation"] = (operation ?? Guid.NewGuid()).ToString(),
            ["key"] = key,
            ["then"] = then,
            ["unverified"] = unverified ? "true" : "",
            ["same"] = same ? "true" : "",
            ["instead"] = instead,
        });

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

    private Task<Answer> PostOverlayAsync(
        string address, string name, string key, string description, Guid? operation, bool unverified, bool same) =>
        PostAsync(address, new()
        {
            ["operation"] = (operation ?? Guid.NewGuid()).ToString(),
            ["name"] = name,
            ["description"] = description,
            ["key"] = key,
            ["unverified"] = unverified ? "true" : "",
            ["same"] = same ? "true" : "",
        });

    private async Task<Answer> PostAsync(string address, Dictionary<string, string> fields)
    {
        fields["__RequestVerificationToken"] = await AntiforgeryTokenAsync();
        using var content = new FormUrlEncodedContent(fields);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content };
        request.Headers.Add("Sec-Fetch-Dest", "empty");
        request.Headers.Add("Sec-Fetch-Mode", "cors");
        using var answer = await Http.SendAsync(request);
        return answer.StatusCode is HttpStatusCode.OK
            ? (await answer.Content.ReadFromJsonAsync<Answer>())! with { Status = answer.StatusCode }
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
    HttpStatusCode Status = HttpStatusCode.OK);
