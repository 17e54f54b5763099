using System.Globalization;
using System.Text;
using System.Text.Json;

namespace ReSciSandbox;

/// <summary>What the sandbox answers to a key, before any endpoint is reached.</summary>
internal static class Behaviour
{
    private const string Scheme = "ApiKey ";
    private const string Page = "<!doctype html><html><head><title>Network sign-in</title></head><body>Please sign in.</body></html>";
    private const string Record = """{"id":1,"import_type":"singer_import_config","status":"completed"},""";

    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(30);

    public static JsonSerializerOptions Json { get; } =
        new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Lets a good key through to the endpoints and answers for all others.</summary>
    public static async Task CheckKeyAsync(HttpContext context, RequestDelegate next)
    {
        // Known from ReSci's own client: the scheme's word is spelled exactly so, one space follows.
        // Assumption: any other spelling is refused.
        if (context.Request.Headers.Authorization is not [{ } authorization] || !authorization.StartsWith(Scheme, StringComparison.Ordinal))
        {
            await AnswerAsync(context, StatusCodes.Status401Unauthorized, "Authorization: ApiKey {your_api_key} is required.");
            return;
        }

        var key = authorization[Scheme.Length..];
        var answer = SandboxKeys.Find(key)?.Prefix switch
        {
            SandboxKeys.Accepted => next(context),
            // Assumption: 401 for a wrong key. No source tells.
            null or SandboxKeys.Refused => AnswerAsync(context, StatusCodes.Status401Unauthorized, "Invalid API key."),
            // Assumption: keys with fewer rights may exist and get 403.
            SandboxKeys.NotAllowed => AnswerAsync(context, StatusCodes.Status403Forbidden, "This API key may not use import jobs."),
            // Assumption: a limit exists and says in seconds when to come back.
            SandboxKeys.RateLimited => AnswerRateLimitedAsync(context),
            SandboxKeys.Slow => AnswerSlowlyAsync(context, next),
            SandboxKeys.Failing => AnswerAsync(context, StatusCodes.Status500InternalServerError, "Something went wrong."),
            SandboxKeys.Unavailable => AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, "Down for maintenance."),
            SandboxKeys.Garbage => AnswerGarbageAsync(context),
            SandboxKeys.Redirect => RedirectAsync(context),
            SandboxKeys.Empty => Task.CompletedTask,
            SandboxKeys.Endless => AnswerWithoutEndAsync(context),
            SandboxKeys.Echo => EchoAsync(context, key),
            var prefix => throw new InvalidOperationException($"No behaviour is written for {prefix}."),
        };
        await answer;
    }

    /// <summary>An error in ReSci's form: its own client hopes for JSON with a human <c>message</c>.</summary>
    public static Task AnswerAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(new { message }, Json, context.RequestAborted);
    }

    public static Task AnswerGarbageAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(Page, context.RequestAborted);
    }

    /// <summary>Waits 30 seconds, or until the client or the sandbox leaves.</summary>
    public static async Task WaitAsync(HttpContext context)
    {
        var stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        await Task.Delay(Wait, leaving.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task AnswerSlowlyAsync(HttpContext context, RequestDelegate next)
    {
        await WaitAsync(context);
        await next(context);
    }

    private static Task AnswerRateLimitedAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = Wait.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        return AnswerAsync(context, StatusCodes.Status429TooManyRequests, "Too many requests.");
    }

    private static Task RedirectAsync(HttpContext context)
    {
        // To ourselves, so that whoever follows is seen among the received requests.
        context.Response.Redirect("/moved" + context.Request.Path);
        return Task.CompletedTask;
    }

    private static async Task AnswerWithoutEndAsync(HttpContext context)
    {
        var block = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(Record, 1000)));
        context.Response.ContentType = "application/json";
        try
        {
            await context.Response.WriteAsync("[", context.RequestAborted);
            while (true)
            {
                await context.Response.Body.WriteAsync(block, context.RequestAborted);
            }
        }
        catch (OperationCanceledException)
        {
            // The client has seen enough.
        }
    }

    private static Task EchoAsync(HttpContext context, string key)
    {
        var bytes = Encoding.UTF8.GetBytes(key);
        context.Response.Headers["X-Echo"] = key;
        return context.Response.WriteAsJsonAsync(
            new
            {
                ImportJobs = new[]
                {
                    new
                    {
                        Id = 1,
                        Plain = key,
                        InAText = $"You sent ApiKey {key}.",
                        UpperCase = key.ToUpperInvariant(),
                        UrlEncoded = string.Concat(bytes.Select(value => $"%{value:X2}")),
                        Hex = Convert.ToHexStringLower(bytes),
                        Base64 = Convert.ToBase64String(bytes),
                        Base64OfTheHeader = Convert.ToBase64String(Encoding.UTF8.GetBytes(Scheme + key)),
                        Base64OfASentence = Convert.ToBase64String(Encoding.UTF8.GetBytes($"You sent {key} to us")),
                        Nested = new { Keys = new[] { key } },
                    },
                },
            },
            Json,
            context.RequestAborted);
    }
}
