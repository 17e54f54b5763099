using System.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Access;

namespace ReSciCredentials.Credentials;

/// <summary>Where the overlay posts to. A form outside the circuit, so that the key is in no frame and a lost circuit loses no save.</summary>
internal static class CredentialEndpoints
{
    public static void MapCredentials(this IEndpointRouteBuilder routes)
    {
        var credentials = routes.MapGroup("/credentials");

        credentials.MapPost("/save", SaveAsync).TakesKeys();
        credentials.MapPost("/test", TestAsync).TakesKeys();
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
}
