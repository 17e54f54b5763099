using System.Diagnostics;
using System.Net.Mime;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using ReSciCredentials.Access;
using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>Where the overlay posts to. A form outside the circuit, so that the key is in no frame and a lost circuit loses no save.</summary>
internal static class CredentialEndpoints
{
    /// <summary>In bytes. Room for the longest fields in their longest encoding; a 10 KB key still gets its own message.</summary>
    private const long FormLimit = 128 * 1024;

    /// <summary>Nothing else: larger parts of a multipart form would be spooled to a temporary file, and with them a key in clear.</summary>
    private const string FormType = MediaTypeNames.Application.FormUrlEncoded;

    public static void MapCredentials(this IEndpointRouteBuilder routes)
    {
        var credentials = routes.MapGroup("/credentials").WithMetadata(new RequestSizeLimitMetadata(FormLimit));

        credentials.MapPost("/save", SaveAsync).Accepts<IFormCollection>(FormType);
        credentials.MapPost("/test", TestAsync).Accepts<IFormCollection>(FormType);
    }

    // The form is bound whole: binding its fields one by one would put a value that does not parse into a log message.
    private static async Task<Ok<OverlayAnswer>> SaveAsync(
        IFormCollection form, CurrentPerson current, CredentialVault vault, CancellationToken cancellationToken) =>
        Answer(await vault.SaveAsync(await current.GetAsync(cancellationToken), Read(form), cancellationToken));

    private static async Task<Ok<OverlayAnswer>> TestAsync(
        IFormCollection form, CurrentPerson current, CredentialVault vault, CancellationToken cancellationToken)
    {
        await current.GetAsync(cancellationToken);
        return Answer(await vault.TestAsync(Read(form), cancellationToken));
    }

    private static NewCredential Read(IFormCollection form) => new(
        form["name"],
        form["description"],
        form["key"],
        // Without an operation a repeat cannot be told from a second wish: each then counts.
        Guid.TryParse(form["operation"], out var operation) ? operation : Guid.NewGuid(),
        form["unverified"] == "true",
        form["same"] == "true")
    {
        Dates = new TypedDates(form[TypedDates.ExpiresOnField], form[TypedDates.ReviewOnField]),
    };

    private static Ok<OverlayAnswer> Answer(SaveOutcome outcome) => TypedResults.Ok(outcome switch
    {
        SaveOutcome.Saved saved => new OverlayAnswer("saved", Id: saved.Id),
        SaveOutcome.Accepted accepted => OverlayAnswer.Of("accepted", accepted.Verdict),
        SaveOutcome.Refused refused => OverlayAnswer.Of("refused", refused.Verdict),
        SaveOutcome.CannotTell cannotTell => OverlayAnswer.Of("cannotTell", cannotTell.Verdict),
        SaveOutcome.Same same => new OverlayAnswer("same", Title: same.Text),
        SaveOutcome.Invalid invalid => new OverlayAnswer("invalid", Errors: invalid.Errors),
        _ => throw new UnreachableException(),
    });

    private sealed record RequestSizeLimitMetadata(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;

    /// <summary>What the overlay's script reads. There is no place for a key in it.</summary>
    private sealed record OverlayAnswer(
        string Outcome,
        int? Id = null,
        string? Title = null,
        string? Advice = null,
        IReadOnlyDictionary<string, string>? Errors = null,
        int? RetryAfter = null)
    {
        public static OverlayAnswer Of(string outcome, Verdict verdict) => new(
            outcome,
            Title: verdict.Title,
            Advice: verdict.Advice,
            RetryAfter: verdict.RetryAfter is { } wait ? (int)Math.Ceiling(wait.TotalSeconds) : null);
    }
}
