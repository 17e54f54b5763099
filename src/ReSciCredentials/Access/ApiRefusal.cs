using System.Globalization;

namespace ReSciCredentials.Access;

/// <summary>Answers a program whose call goes no further than the door.</summary>
internal static class ApiRefusal
{
    public static Task WriteAsync(HttpContext context, int status, string error, string message, TimeSpan? retryAfter = null)
    {
        int? seconds = retryAfter is { } wait ? Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)) : null;
        context.Response.StatusCode = status;
        context.Response.Headers.RetryAfter = seconds?.ToString(CultureInfo.InvariantCulture);
        return context.Response.WriteAsJsonAsync(new { message, error, status, retry_after = seconds }, context.RequestAborted);
    }
}
