using ReSciCredentials.Access;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Credentials;

/// <content>What programs ask for in another way than pages do.</content>
internal sealed partial class KeyRotation
{
    /// <summary>
    /// Replaces the key and makes it the current one, together with other changes of the credential: what a program means that sends a key in an update. The key that was
    /// current stays for <see cref="KeptFor"/>. One that is the current one already is tested again. A key that waits for a decision is not touched. For admins.
    /// </summary>
    /// <param name="change">Found in order already.</param>
    /// <exception cref="ServerSealedException"/>
    public async Task<ReplaceOutcome> ExchangeAsync(Person person, int id, NewKey input, CredentialChange change, CancellationToken cancellationToken)
    {
        using var key = PastedKey.Clean(input.Key, out var fault);
        if (key is null)
        {
            return new ReplaceOutcome.Invalid(new Dictionary<string, string>(StringComparer.Ordinal) { ["key"] = PastedKey.Explain(fault)! });
        }

        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        NewCredential.NoteKeyIn(errors, key, ("name", change.Name), ("description", change.Description.Text), ("tags", change.TagsText));
        if (errors.Count > 0)
        {
            return new ReplaceOutcome.Invalid(errors);
        }

        if (await FindAsync(person, id, cancellationToken) is not { } keys)
        {
            return new ReplaceOutcome.NotFound();
        }

        if (!keys.Role.MayChange())
        {
            return new ReplaceOutcome.Forbidden();
        }

        if (keys.Current.Opens && keys.Current.Fingerprint == protector.FingerprintOf(key))
        {
            return await KeepCurrentAsync(person, id, input, change, cancellationToken);
        }

        var (_, uid) = await FindUidAsync(person, id, cancellationToken);
        var outcome = await ReplaceAsync(person, id, input with { Same = true, Then = null }, cancellationToken);
        if (outcome is not ReplaceOutcome.Waiting)
        {
            return outcome;
        }

        var keyUid = KeyUidOf(uid, input.OperationId);
        await PromoteAsync(person, id, keyUid, input.Then ?? OldKey.Keep, change, cancellationToken);
        return await IsCurrentAsync(person, id, keyUid, cancellationToken) ? new ReplaceOutcome.Promoted() : outcome;
    }

    private async Task<ReplaceOutcome> KeepCurrentAsync(
        Person person, int id, NewKey input, CredentialChange change, CancellationToken cancellationToken)
    {
        if (!input.Unverified
            && (await vault.CheckAsync(person, id, cancellationToken)).ValueOrDefault is { Outcome: ReSci.VerdictOutcome.Refused } verdict)
        {
            return new ReplaceOutcome.Refused(verdict);
        }

        return await vault.ChangeAsync(person, id, revision: null, change, cancellationToken) switch
        {
            ChangeOutcome.Done => new ReplaceOutcome.Promoted(),
            ChangeOutcome.Invalid invalid => new ReplaceOutcome.Invalid(invalid.Errors),
            ChangeOutcome.Forbidden => new ReplaceOutcome.Forbidden(),
            _ => new ReplaceOutcome.NotFound(),
        };
    }
}
