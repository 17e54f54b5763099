using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>Replacing a key step by step, for programs: routes of our own beside Nexla's, by the names on screen.</summary>
internal static class KeyRotationApi
{
    public static void MapKeyRotationApi(this IEndpointRouteBuilder routes)
    {
        var credential = routes.MapApi($"/{CredentialApi.Collection}/{{id:int}}", "Keys");

        credential.MapGet("/keys", ShowAsync).WithName("list_keys").WithSummary("Show the keys of a credential").Refuses(401, 404);
        credential.MapPost("/pending_key", ReplaceAsync).WithName("replace_key").WithSummary("Replace key: enter a new one")
            .Reads("save_unverified", ApiParameter.IdempotencyKey).Takes(PendingKeyRequest.Examples).Refuses(400, 401, 403, 404, 409, 424, 507);
        credential.MapPost("/pending_key/probe", TestAsync).WithName("probe_pending_key").WithSummary("Test the waiting key and the current one")
            .Takes(ApiExample.Nothing).Refuses(401, 403, 404, 409);
        credential.MapPost("/pending_key/promote", PromoteAsync).WithName("promote_key").WithSummary("Promote the waiting key")
            .Takes(ApiExample.Nothing, KeyDecisionRequest.Wiping).Refuses(400, 401, 403, 404, 409, 507);
        credential.MapDelete("/pending_key", DropAsync).WithName("drop_key").WithSummary("Drop the waiting key").Takes(ApiExample.Nothing).Refuses(401, 403, 404, 409, 507);
        credential.MapPost("/previous_key/roll_back", RollBackAsync).WithName("roll_back_key").WithSummary("Roll back to the key before")
            .Takes(ApiExample.Nothing).Refuses(400, 401, 403, 404, 409, 507);
        credential.MapDelete("/previous_key", WipeAsync).WithName("wipe_key").WithSummary("Wipe the key before").Takes(ApiExample.Nothing).Refuses(401, 403, 404, 409, 507);
    }

    private static async Task<Results<ApiAnswer<KeysAnswer>, ApiError>> ShowAsync(
        int id, Person person, KeyRotation rotation, CancellationToken cancellationToken) =>
        await rotation.FindAsync(person, id, cancellationToken) is { } keys
            ? ApiAnswer.Of(KeysAnswer.Of(id, keys), CredentialJson.Default.KeysAnswer)
            : ApiError.NotFound(CredentialVault.ItemType, id);

    private static async Task<Results<ApiAnswer<KeysAnswer>, ApiError>> ReplaceAsync(
        int id,
        ApiBody<PendingKeyRequest> body,
        Person person,
        HttpRequest request,
        Repeats repeats,
        KeyRotation rotation,
        IOptions<ReSciOptions> resci,
        CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        var key = body.Value.Credentials?.Read("credentials", resci.Value, errors);
        if (body.Value.Credentials is null)
        {
            errors["credentials"] = "Send the new API key: credentials with api_key in it.";
        }

        if (!TryRead(body.Value.OldKey, out var oldKey))
        {
            errors["old_key"] = "Say keep or wipe.";
        }

        using var turn = await repeats.BeginAsync(person, request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (errors.Count > 0)
        {
            return await rotation.FindAsync(person, id, cancellationToken) is null ? ApiError.NotFound(CredentialVault.ItemType, id) : ApiError.Invalid(errors);
        }

        // What a call like this one stored is gone through again by its operation: a crash may have come between storing the key and promoting it.
        await turn.FindAsync(operations => rotation.FindOperationsAsync(person, id, operations, cancellationToken));
        var input = new NewKey(
            key!.Text,
            turn.Operation,
            Unverified: key.SkipsValidation || request.Flag("save_unverified"),
            Same: true,
            Instead: body.Value.Instead,
            Then: body.Value.Promote is true ? oldKey : null);
        var outcome = await rotation.ReplaceAsync(person, id, input, cancellationToken);
        return outcome is ReplaceOutcome.Waiting or ReplaceOutcome.Promoted
            ? await ShowAsync(id, person, rotation, cancellationToken)
            : Refusal(outcome, id, key);
    }

    private static async Task<Results<ApiAnswer<SideBySideAnswer>, ApiError>> TestAsync(
        int id, ApiBody<KeyDecisionRequest> body, Person person, KeyRotation rotation, CancellationToken cancellationToken)
    {
        if (await rotation.FindAsync(person, id, cancellationToken) is not { } keys)
        {
            return ApiError.NotFound(CredentialVault.ItemType, id);
        }

        if ((body.Value.Key ?? keys.Pending?.Key.Uid) is not { } pending)
        {
            return NoKey(id, "No new key waits.");
        }

        return await rotation.TestAsync(person, id, pending, cancellationToken) switch
        {
            Reply<SideBySide?>.Granted { Value: { } tested } => ApiAnswer.Of(SideBySideAnswer.Of(tested), CredentialJson.Default.SideBySideAnswer),
            Reply<SideBySide?>.Granted => NoKey(id, "That key does not wait any more, or cannot be opened."),
            Reply<SideBySide?>.Forbidden => ApiError.Forbidden(CredentialVault.ItemType, id),
            _ => ApiError.NotFound(CredentialVault.ItemType, id),
        };
    }

    private static Task<Results<ApiAnswer<KeysAnswer>, ApiError>> PromoteAsync(
        int id, ApiBody<KeyDecisionRequest> body, Person person, KeyRotation rotation, CancellationToken cancellationToken) =>
        TryRead(body.Value.OldKey, out var oldKey)
            ? DecideAsync(
                id,
                person,
                rotation,
                "No new key waits.",
                keys => body.Value.Key ?? keys.Pending?.Key.Uid,
                key => rotation.PromoteAsync(person, id, key, oldKey, cancellationToken),
                cancellationToken)
            : Task.FromResult<Results<ApiAnswer<KeysAnswer>, ApiError>>(ApiError.Invalid("old_key", "Say keep or wipe."));

    private static Task<Results<ApiAnswer<KeysAnswer>, ApiError>> DropAsync(
        int id, ApiBody<KeyDecisionRequest> body, Person person, KeyRotation rotation, CancellationToken cancellationToken) => DecideAsync(
        id,
        person,
        rotation,
        "No new key waits.",
        keys => body.Value.Key ?? keys.Pending?.Key.Uid,
        key => rotation.DropAsync(person, id, key, cancellationToken),
        cancellationToken);

    private static Task<Results<ApiAnswer<KeysAnswer>, ApiError>> RollBackAsync(
        int id, ApiBody<KeyDecisionRequest> body, Person person, KeyRotation rotation, CancellationToken cancellationToken) => DecideAsync(
        id,
        person,
        rotation,
        "There is no key before this one any more.",
        keys => body.Value.Key ?? keys.Previous?.Key.Uid,
        key => rotation.RollBackAsync(person, id, key, cancellationToken),
        cancellationToken);

    private static Task<Results<ApiAnswer<KeysAnswer>, ApiError>> WipeAsync(
        int id, ApiBody<KeyDecisionRequest> body, Person person, KeyRotation rotation, CancellationToken cancellationToken) => DecideAsync(
        id,
        person,
        rotation,
        "There is no key before this one any more.",
        keys => body.Value.Key ?? keys.Previous?.Key.Uid,
        key => rotation.WipePreviousAsync(person, id, key, cancellationToken),
        cancellationToken);

    /// <param name="none">What to say when there is no key in that place.</param>
    /// <param name="which">The key that the decision is about.</param>
    private static async Task<Results<ApiAnswer<KeysAnswer>, ApiError>> DecideAsync(
        int id,
        Person person,
        KeyRotation rotation,
        string none,
        Func<CredentialKeys, Guid?> which,
        Func<Guid, Task<RotationOutcome>> decide,
        CancellationToken cancellationToken)
    {
        if (await rotation.FindAsync(person, id, cancellationToken) is not { } keys)
        {
            return ApiError.NotFound(CredentialVault.ItemType, id);
        }

        if (!keys.Role.MayChange())
        {
            return ApiError.Forbidden(CredentialVault.ItemType, id);
        }

        if (which(keys) is not { } key)
        {
            return NoKey(id, none);
        }

        return await decide(key) switch
        {
            RotationOutcome.Done => await ShowAsync(id, person, rotation, cancellationToken),
            RotationOutcome.ChangedMeanwhile => ApiError.Stale(CredentialVault.ItemType, id),
            RotationOutcome.Forbidden => ApiError.Forbidden(CredentialVault.ItemType, id),
            RotationOutcome.NotFound => ApiError.NotFound(CredentialVault.ItemType, id),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Why a new key is not in its place.</summary>
    internal static ApiError Refusal(ReplaceOutcome outcome, int id, SentKey key) => outcome switch
    {
        ReplaceOutcome.Invalid invalid => ApiError.Invalid(invalid.Errors.Select(error => KeyValuePair.Create(key.FieldOf(error.Key), error.Value))),
        ReplaceOutcome.Refused refused => CredentialApi.KeyRejected(refused.Verdict, key.Field),
        ReplaceOutcome.CannotTell cannotTell => ProbeErrors.Of(cannotTell.Verdict, id) ?? throw new UnreachableException(),
        ReplaceOutcome.AnotherWaits waits => Conflict(
            id, "key_waiting", $"{waits.Text} Its fingerprint is {waits.Fingerprint}. Promote or drop it first, or send its fingerprint as instead."),
        ReplaceOutcome.Waiting => Conflict(id, "stale", "Somebody else decided about the keys of this credential meanwhile. The new key waits."),
        ReplaceOutcome.Same same => Conflict(id, "same_key", same.Text),
        ReplaceOutcome.Forbidden => ApiError.Forbidden(CredentialVault.ItemType, id),
        ReplaceOutcome.NotFound => ApiError.NotFound(CredentialVault.ItemType, id),
        _ => throw new UnreachableException(),
    };

    private static ApiError NoKey(int id, string message) => Conflict(id, "no_such_key", message);

    private static ApiError Conflict(int id, string error, string message) => new(StatusCodes.Status409Conflict, error, message)
    {
        ResourceType = CredentialVault.ItemType,
        ResourceId = id.ToString(CultureInfo.InvariantCulture),
    };

    // Kept, when nothing is said: a key that is wiped does not come back.
    private static bool TryRead(string? text, out OldKey oldKey)
    {
        oldKey = text == "wipe" ? OldKey.Wipe : OldKey.Keep;
        return text is null or "keep" or "wipe";
    }
}
