using System.Net;
using System.Text.Encodings.Web;
using ReSciCredentials.Api;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>Marks an endpoint that answers on a sealed server too: health, static files.</summary>
internal sealed class OpenWhenSealed;

/// <summary>The page of a sealed server: which recovery key the database needs, which was found, and what to do. Static, since components, cookies and antiforgery need the ring.</summary>
internal sealed class SealedPage(RequestDelegate next, ServerSeal seal, KeyFile keyFile)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (seal.Reason is { } reason && context.GetEndpoint()?.Metadata.GetMetadata<OpenWhenSealed>() is null)
        {
            await AnswerAsync(context, reason);
            return;
        }

        try
        {
            await next(context);
        }
        catch (Exception exception) when (exception is ServerSealedException or WritesRefusedException && !context.Response.HasStarted)
        {
            // Noticed by the request itself, before the next look, or sealed while it was under way. Nothing was written.
            context.Response.Clear();
            await AnswerAsync(context, seal.Reason ?? new SealReason(SealCause.SentinelDamaged));
        }
    }

    private Task AnswerAsync(HttpContext context, SealReason reason)
    {
        if (ApiPaths.IsApi(context.Request))
        {
            return AnswerProgramAsync(context, reason);
        }

        context.Response.StatusCode = (int)HttpStatusCode.ServiceUnavailable;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync(Html(reason), context.RequestAborted);
    }

    // 507: programs repeat a 503 by themselves, and that would not mend it.
    private Task AnswerProgramAsync(HttpContext context, SealReason reason)
    {
        var (happened, next) = Words(reason);
        return new ApiError(
            StatusCodes.Status507InsufficientStorage, "sealed", $"The server is sealed. {happened} Nothing was changed. {next}").WriteAsync(context);
    }

    private string Html(SealReason reason)
    {
        var (happened, next) = Words(reason);
        return $$"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <meta http-equiv="refresh" content="10">
              <title>Sealed – ReSci Credentials</title>
              <link rel="stylesheet" href="/app.css">
              <link rel="icon" href="/favicon.svg" type="image/svg+xml">
            </head>
            <body class="plain">
              <main id="main" class="card">
                <h1>The server is sealed</h1>
                <p>{{HtmlEncoder.Default.Encode(happened)}}</p>
                <p>Your data is safe: nothing was changed and nothing will be written until the server can be opened again.</p>
                <dl>
                  <dt>Recovery key that the database needs</dt><dd><code>{{HtmlEncoder.Default.Encode(reason.NeededKeyId ?? "unknown")}}</code></dd>
                  <dt>Recovery key that was found</dt><dd><code>{{HtmlEncoder.Default.Encode(reason.LoadedKeyId ?? "none")}}</code></dd>
                </dl>
                <h2>What to do</h2>
                <p>{{HtmlEncoder.Default.Encode(next)}}</p>
                <p>The server looks every two seconds and goes on by itself, without a restart. This page reloads every ten seconds.</p>
              </main>
            </body>
            </html>
            """;
    }

    private (string Happened, string Next) Words(SealReason reason)
    {
        var file = Path.GetFileName(keyFile.FilePath);
        return reason.Cause switch
        {
            SealCause.Starting => ("It has not finished opening its database.", "Wait a moment."),
            SealCause.KeyFileMissing => (
                "The file with the recovery key is missing.",
                $"Put the file {file} back where Secrets:KeyFile points, from your copy or typed from the recovery sheet, readable by the server's account alone (chmod 600)."),
            SealCause.KeyFileUnusable => (
                "The file with the recovery key cannot be used.",
                $"Look at the server's log for the reason, then correct {file}: its mode must be 600, and it must hold the eight groups of the recovery sheet."),
            SealCause.OtherKey => (
                "The file holds another recovery key than the one this database was sealed with.",
                $"Put the right key into {file}, or point Storage:Directory to the database that belongs to this key."),
            SealCause.SentinelDamaged => (
                "The recovery key looks right, but what it sealed in the database was changed or removed.",
                "Put the database back from a backup. Keep the present files for an investigation: somebody may have edited them."),
            SealCause.RingDamaged => (
                "The recovery key is right, but no element of the key ring in the database opens.",
                "Put the database back from a backup. Keep the present files for an investigation: somebody may have edited them."),
        };
    }
}
