using System.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Access;

namespace ReSciCredentials.Credentials;

/// <summary>What the <i>Replace key</i> dialog asks and posts to, outside the circuit like the overlay's own. A typed key is tested at the overlay's.</summary>
internal static class KeyRotationEndpoints
{
    public static void MapKeyRotation(this IEndpointRouteBuilder routes)
    {
        var credential = routes.MapGroup("/credentials/{id:int}");

        credential.MapGet("/replace", ShowAsync);
        credential.MapPost("/replace", ReplaceAsync).TakesKeys();
    }

    /// <summary>Who will be touched, as a piece of HTML for the dialog.</summary>
    private static async Task<IResult> ShowAsync(
        int id, CurrentPerson current, KeyRotation rotation, CredentialVault vault, CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        return await rotation.FindAsync(person, id, cancellationToken) switch
        {
            null => TypedResults.NotFound(),
            { Role: var role } when !role.MayChange() => TypedResults.StatusCode(StatusCodes.Status403Forbidden),
            var keys => new RazorComponentResult<ReplaceKeyFacts>(new
            {
                Keys = keys,
                Uses = await vault.ListUsesAsync(person, id, ReplaceKeyFacts.MostUses, cancellationToken),
            }),
        };
    }

    // The form is bound whole: binding its fields one by one would put a value that does not parse into a log message.
    private static async Task<Results<Ok<OverlayAnswer>, NotFound, StatusCodeHttpResult>> ReplaceAsync(
        int id, IFormCollection form, CurrentPerson current, KeyRotation rotation, CancellationToken cancellationToken)
    {
        var outcome = await rotation.ReplaceAsync(await current.GetAsync(cancellationToken), id, Read(form), cancellationToken);
        return outcome switch
        {
            ReplaceOutcome.NotFound => TypedResults.NotFound(),
            ReplaceOutcome.Forbidden => TypedResults.StatusCode(StatusCodes.Status403Forbidden),
            _ => TypedResults.Ok(Answer(outcome)),
        };
    }

    private static NewKey Read(IFormCollection form) => new(
        form["key"],
        // Without an operation a repeat cannot be told from a second wish: each then counts.
        Guid.TryParse(form["operation"], out var operation) ? operation : Guid.NewGuid(),
        form["unverified"] == "true",
        form["same"] == "true",
        form["instead"],
        form["then"].ToString() switch
        {
            "keep" => OldKey.Keep,
            "wipe" => OldKey.Wipe,
            _ => null,
        });

    private static OverlayAnswer Answer(ReplaceOutcome outcome) => outcome switch
    {
        ReplaceOutcome.Waiting => new OverlayAnswer("waiting", Title: "The new key is stored. It waits until you promote it."),
        ReplaceOutcome.Promoted => new OverlayAnswer("promoted", Title: "The new key is in use."),
        ReplaceOutcome.Refused refused => OverlayAnswer.Of("refused", refused.Verdict),
        ReplaceOutcome.CannotTell cannotTell => OverlayAnswer.Of("cannotTell", cannotTell.Verdict),
        ReplaceOutcome.Same same => new OverlayAnswer("same", Title: same.Text, Advice: "If you want to store it all the same, save again."),
        ReplaceOutcome.AnotherWaits waits => new OverlayAnswer(
            "anotherWaits",
            Title: waits.Text,
            Advice: $"Its fingerprint is {waits.Fingerprint}. If you save again, this one takes its place and that one is wiped.",
            Instead: waits.Fingerprint),
        ReplaceOutcome.Invalid invalid => new OverlayAnswer("invalid", Errors: invalid.Errors),
        _ => throw new UnreachableException(),
    };
}
