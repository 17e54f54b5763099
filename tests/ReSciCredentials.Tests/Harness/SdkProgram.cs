using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ReSciCredentials.Api;

namespace ReSciCredentials.Tests.Harness;

/// <summary>What the SDK raises.</summary>
internal enum SdkError
{
    Validation,
    Authentication,
    Authorization,
    NotFound,
    ResourceConflict,
    RateLimit,
    Server,
}

internal sealed class SdkException(SdkError error, string? message, HttpStatusCode status, JsonElement body, int? retryAfter = null)
    : Exception(message)
{
    public SdkError Error => error;

    public HttpStatusCode Status => status;

    public JsonElement Body => body;

    public int? RetryAfter => retryAfter;
}

/// <summary>
/// A program written with Nexla's SDK for Python, v1.0: the headers it sends, the calls it repeats by itself, and what it makes of an answer.
/// Everything that comes and goes is kept, to be looked at.
/// </summary>
internal sealed class SdkProgram : IDisposable
{
    /// <summary>It renews a token that has less than this left.</summary>
    private static readonly TimeSpan RefreshMargin = TimeSpan.FromHours(1);

    private static readonly HttpStatusCode[] Repeated =
        [HttpStatusCode.TooManyRequests, HttpStatusCode.BadGateway, HttpStatusCode.ServiceUnavailable, HttpStatusCode.GatewayTimeout];

    private readonly HttpClient _http;
    private readonly string? _serviceKey;
    private readonly List<(string Call, HttpStatusCode Status)> _calls = [];
    private readonly StringBuilder _answers = new();

    public SdkProgram(Uri server, string? serviceKey = null, string? accessToken = null)
    {
        // The SDK waits for ten seconds, which a busy machine that runs tests may need for nothing.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = server, Timeout = TimeSpan.FromMinutes(1) };
        (_serviceKey, AccessToken) = (serviceKey, accessToken);
        TokenEnds = accessToken is null ? default : DateTimeOffset.UtcNow.AddDays(1);
    }

    public string? AccessToken { get; private set; }

    public DateTimeOffset TokenEnds { get; private set; }

    /// <summary>What was sent, as <c>GET /users/current</c>, with what it was answered, repeats included.</summary>
    public IReadOnlyList<(string Call, HttpStatusCode Status)> Calls => _calls;

    /// <summary>All that was answered, headers included.</summary>
    public string Answers => _answers.ToString();

    /// <summary>How it waits before it repeats a call; a test may turn a clock instead.</summary>
    public Func<TimeSpan, Task> Wait { get; set; } = static _ => Task.CompletedTask;

    /// <summary>Calls the API as the SDK does and gives what it would make a model of.</summary>
    /// <param name="path">Behind <c>/nexla-api</c>.</param>
    /// <exception cref="SdkException"/>
    public async Task<JsonElement> CallAsync(string method, string path, object? body = null)
    {
        if (_serviceKey is not null && TokenEnds - DateTimeOffset.UtcNow < RefreshMargin)
        {
            await ObtainTokenAsync();
        }

        try
        {
            return await SendAsync(method, path, body, $"Bearer {AccessToken}");
        }
        catch (SdkException refused) when (refused.Error is SdkError.Authentication && _serviceKey is not null)
        {
            await ObtainTokenAsync();
            return await SendAsync(method, path, body, $"Bearer {AccessToken}");
        }
    }

    public async Task ObtainTokenAsync()
    {
        var answer = await SendAsync("POST", "/token", null, $"Basic {_serviceKey}");
        AccessToken = answer.GetProperty("access_token").GetString()!;
        TokenEnds = DateTimeOffset.UtcNow.AddSeconds(answer.GetProperty("expires_in").GetInt32());
    }

    public async Task LogoutAsync()
    {
        // Whatever it is answered is swallowed.
        await SendOnceAsync("POST", "/token/logout", null, AccessToken is null ? "" : $"Bearer {AccessToken}");
        AccessToken = null;
        TokenEnds = default;
    }

    public void Dispose() => _http.Dispose();

    private async Task<JsonElement> SendAsync(string method, string path, object? body, string authorization)
    {
        for (var repeats = 0; ; repeats++)
        {
            var (status, text, retryAfter) = await SendOnceAsync(method, path, body, authorization);
            if (repeats < 3 && Repeated.Contains(status))
            {
                await Wait(TimeSpan.FromSeconds(retryAfter ?? 1));
                continue;
            }

            // A JSON content type with anything else in the body crashes it.
            var answer = text.Length == 0 ? default : JsonDocument.Parse(text).RootElement;
            return (int)status < 300 ? answer : throw Exception(status, answer, retryAfter);
        }
    }

    private async Task<(HttpStatusCode Status, string Text, int? RetryAfter)> SendOnceAsync(string method, string path, object? body, string authorization)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), ApiPaths.Base + path);
        request.Headers.TryAddWithoutValidation("Accept", "application/vnd.nexla.api.v1+json");
        request.Headers.TryAddWithoutValidation("User-Agent", "nexla-sdk/1.0.8");
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        if (body is not null)
        {
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        }
        else if (method is not "POST" || path is not "/token")
        {
            // A content type without a content.
            request.Content = new ByteArrayContent([]) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        lock (_calls)
        {
            _calls.Add(($"{method} {path}", response.StatusCode));
            _answers.Append(response.Headers).Append(response.Content.Headers).AppendLine(text);
        }

        Assert.True(text.Length == 0 || response.Content.Headers.ContentType?.ToString() == "application/json; charset=utf-8", $"{method} {path}: {response}");
        return (response.StatusCode, text, response.Headers.RetryAfter?.Delta is { } delta ? (int)delta.TotalSeconds : null);
    }

    private static SdkException Exception(HttpStatusCode status, JsonElement answer, int? retryAfter)
    {
        var isObject = answer.ValueKind is JsonValueKind.Object;
        var message = isObject && answer.TryGetProperty("message", out var said) ? said.GetString() : null;
        Assert.False(string.IsNullOrWhiteSpace(message), $"An error without a message: {(int)status} {answer}");
        return new SdkException(
            (int)status switch
            {
                400 => SdkError.Validation,
                401 => SdkError.Authentication,
                403 => SdkError.Authorization,
                404 => SdkError.NotFound,
                409 => SdkError.ResourceConflict,
                429 => SdkError.RateLimit,
                _ => SdkError.Server,
            },
            message,
            status,
            answer,
            retryAfter ?? (answer.TryGetProperty("retry_after", out var seconds) ? seconds.GetInt32() : null));
    }
}
