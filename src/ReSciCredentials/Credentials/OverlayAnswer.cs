using System.Net.Mime;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.Metadata;
using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>What the scripts of the dialogs read. There is no place for a key in it.</summary>
/// <param name="Instead">The fingerprint of the waiting key that a new one would take the place of.</param>
internal sealed record OverlayAnswer(
    string Outcome,
    int? Id = null,
    string? Title = null,
    string? Advice = null,
    IReadOnlyDictionary<string, string>? Errors = null,
    int? RetryAfter = null,
    string? Instead = null)
{
    public static OverlayAnswer Of(string outcome, Verdict verdict) => new(
        outcome,
        Title: verdict.Title,
        Advice: verdict.Advice,
        RetryAfter: verdict.RetryAfter is { } wait ? (int)Math.Ceiling(wait.TotalSeconds) : null);
}

/// <summary>What all requests that bring a key have in common.</summary>
internal static class KeyForms
{
    /// <summary>In bytes. Room for the longest fields in their longest encoding; a 10 KB key still gets its own message.</summary>
    private const long Limit = 128 * 1024;

    /// <summary>Nothing else: larger parts of a multipart form would be spooled to a temporary file, and with them a key in clear.</summary>
    private const string ContentType = MediaTypeNames.Application.FormUrlEncoded;

    /// <summary>Bounds the form, and takes no other kind.</summary>
    public static RouteHandlerBuilder TakesKeys(this RouteHandlerBuilder route) =>
        route.Accepts<IFormCollection>(ContentType).WithMetadata(new RequestSizeLimitMetadata(Limit));

    /// <summary>
    /// Takes a file of credentials, which <see cref="CredentialFile"/> bounds, bare: as a part of a form it would be spooled. The form's token comes as a header.
    /// </summary>
    public static RouteHandlerBuilder TakesFile(this RouteHandlerBuilder route) =>
        route.Accepts<Stream>(MediaTypeNames.Application.Octet).WithMetadata(new RequireAntiforgeryTokenAttribute());

    private sealed record RequestSizeLimitMetadata(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;
}
