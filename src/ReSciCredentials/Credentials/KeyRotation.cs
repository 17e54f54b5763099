using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Replaces the key of a credential while it is in use. A new key waits beside the current one until somebody promotes or drops it; promoting moves
/// a pointer, and the key that was current stays for a roll back until its time is over. Ids never change. Decisions are for admins. Each decision names the key it is
/// about, so that one sent twice is one, and one about a key that is no longer there changes nothing. decisions/0004 says what becomes of which key.
/// </summary>
internal sealed partial class KeyRotation(
    IDbContextFactory<StorageContext> contexts,
    CredentialVault vault,
    SecretProtector protector,
    ReSciClient resci,
    KeyWiper wiper,
    AuditLog audit,
    IOptions<CredentialsOptions> options,
    TimeProvider time)
{
    /// <summary>More checks of one key than these say nothing new about its last verdict.</summary>
    private const int ChecksRead = 20;

    /// <summary>How long a replaced key is kept when a person does not want it wiped at once.</summary>
    public TimeSpan KeptFor => options.Value.PreviousKeyKeptFor;

    /// <summary>Null when there is no credential that the person may see.</summary>
    public async Task<CredentialKeys?> FindAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        // One query: pointers and keys of the same moment.
        if (await storage.Credentials.AsNoTracking().Include(row => row.Keys).Where(row => row.Id == id).SeenBy(person)
            .SingleOrDefaultAsync(cancellationToken) is not { Row: var credential, Role: var role })
        {
            return null;
        }

        return new CredentialKeys(
            credential.Name,
            role,
            credential.Version,
            View(credential, credential.CurrentKeyUid),
            credential.PendingKeyUid is { } pending
                ? new WaitingKey(
                    View(credential, pending),
                    await EnteredByAsync(storage, credential, pending, cancellationToken),
                    await VerdictAsync(storage, id, pending, cancellationToken))
                : null,
            credential.PreviousKeyUid is { } previous && credential.PreviousKeyWipedAt is { } wipedAt
                ? new KeptKey(View(credential, previous), wipedAt)
                : null);
    }

    /// <summary>
    /// Tests a new key with ReSci and stores it beside the current one. Sent twice with the same operation, it stores one. A key that ReSci refuses
    /// is not stored; one of which it cannot tell only when the person says so.
    /// </summary>
    /// <exception cref="ServerSealedException"/>
    public async Task<ReplaceOutcome> ReplaceAsync(Person person, int id, NewKey input, CancellationToken cancellationToken)
    {
        var (role, uid) = await FindUidAsync(person, id, cancellationToken);
        if (role is not { } known)
        {
            return new ReplaceOutcome.NotFound();
        }

        if (!known.MayChange())
        {
            return new ReplaceOutcome.Forbidden();
        }

        // The operation names the row, so a repeat finds it; mixed with the credential's uid, so that nobody outside can choose it.
        var keyUid = KeyUidOf(uid, input.OperationId);
        if (!await ExistsAsync(id, keyUid, cancellationToken))
        {
            var outcome = await TryToStoreAsync(person, id, uid, keyUid, input, cancellationToken);
            // Of the same dialog sent twice, one may be stored while ReSci left the other without an answer.
            if (outcome is not ReplaceOutcome.Waiting && !await ExistsAsync(id, keyUid, cancellationToken))
            {
                return outcome;
            }
        }

        if (input is { Then: { } oldKey, Unverified: false })
        {
            // When somebody decided about the key in between, theirs stands and the page shows it.
            await PromoteAsync(person, id, keyUid, oldKey, cancellationToken);
        }

        return await IsCurrentAsync(person, id, keyUid, cancellationToken) ? new ReplaceOutcome.Promoted() : new ReplaceOutcome.Waiting();
    }

    /// <summary>Which of the operations stored a key of this credential that is still there, waiting, current or kept.</summary>
    public async Task<IReadOnlyList<MadeBefore>> FindOperationsAsync(
        Person person, int id, IReadOnlyCollection<Guid> operations, CancellationToken cancellationToken)
    {
        var (role, uid) = await FindUidAsync(person, id, cancellationToken);
        if (role is null)
        {
            return [];
        }

        var operationsByKey = operations.ToDictionary(operation => KeyUidOf(uid, operation));
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var keys = await storage.CredentialKeys
            .Where(key => key.CredentialId == id && operationsByKey.Keys.Contains(key.Uid))
            .Select(key => new { key.Uid, key.SetAt })
            .ToListAsync(cancellationToken);
        return [.. keys.Select(key => new MadeBefore(operationsByKey[key.Uid], id, key.SetAt, false))];
    }

    /// <summary>Asks ReSci about the waiting key and the current one at the same time, and keeps both verdicts. For operators.</summary>
    /// <returns>Granted is null when that key does not wait any more, or does not open.</returns>
    public async Task<Reply<SideBySide?>> TestAsync(Person person, int id, Guid pending, CancellationToken cancellationToken)
    {
        switch ((await FindUidAsync(person, id, cancellationToken)).Role)
        {
            case null:
                return new Reply<SideBySide?>.NotFound();
            case { } role when !role.MayOperate():
                return new Reply<SideBySide?>.Forbidden();
        }

        if (await OpenPendingAsync(person, id, pending, cancellationToken) is not { } key)
        {
            return new Reply<SideBySide?>.Granted(null);
        }

        using (key)
        {
            var current = vault.CheckAsync(person, id, cancellationToken);
            var verdict = await resci.ProbeAsync(key, cancellationToken);
            await DecideAsync(
                person,
                id,
                AccessRole.Operator,
                (storage, credential) =>
                {
                    if (credential.PendingKeyUid != pending)
                    {
                        return Task.FromResult(Decision.ChangedMeanwhile);
                    }

                    storage.CredentialChecks.Add(CheckOf(verdict, id, pending));
                    audit.Add(storage, person, AuditEvents.ProbePendingKey, CredentialVault.ItemType, id, verdict.Step.ToString());
                    return Task.FromResult(Decision.Change);
                },
                cancellationToken);
            return new Reply<SideBySide?>.Granted(new SideBySide(verdict, (await current).ValueOrDefault));
        }
    }

    /// <summary>
    /// Makes the waiting key the current one, in one step. The key that was current stays for <see cref="KeptFor"/> or is wiped; one from before that is wiped.
    /// The verdict is what ReSci said of the key while it waited.
    /// </summary>
    public Task<RotationOutcome> PromoteAsync(Person person, int id, Guid pending, OldKey oldKey, CancellationToken cancellationToken) =>
        PromoteAsync(person, id, pending, oldKey, CredentialChange.None, cancellationToken);

    /// <param name="change">Made in the same step.</param>
    private Task<RotationOutcome> PromoteAsync(
        Person person, int id, Guid pending, OldKey oldKey, CredentialChange change, CancellationToken cancellationToken) => DecideAsync(
        person,
        id,
        async (storage, credential) =>
        {
            if (credential.CurrentKeyUid == pending)
            {
                return Decision.AlreadySo;
            }

            if (credential.PendingKeyUid != pending)
            {
                return Decision.ChangedMeanwhile;
            }

            var keys = AuditChange.OfKey(
                await FingerprintOfAsync(storage, credential.CurrentKeyUid, cancellationToken),
                await FingerprintOfAsync(storage, pending, cancellationToken));
            var wiped = await WipeAsync(storage, credential.PreviousKeyUid, cancellationToken);
            if (oldKey is OldKey.Keep)
            {
                Keep(credential, credential.CurrentKeyUid);
            }
            else
            {
                wiped |= await WipeAsync(storage, credential.CurrentKeyUid, cancellationToken);
                (credential.PreviousKeyUid, credential.PreviousKeyWipedAt) = (null, null);
            }

            credential.PendingKeyUid = null;
            MakeCurrent(credential, pending, await VerdictAsync(storage, id, pending, cancellationToken));
            audit.AddChanges(
                storage,
                person,
                AuditEvents.PromoteKey,
                CredentialVault.ItemType,
                id,
                [keys],
                oldKey is OldKey.Keep ? "old_key_kept" : AuditEvents.OldKeyWiped);
            if (change.ApplyTo(credential) is { Count: > 0 } changed)
            {
                audit.AddChanges(storage, person, AuditEvents.Update, CredentialVault.ItemType, id, changed);
            }

            return wiped ? Decision.ChangeThatWiped : Decision.Change;
        },
        cancellationToken);

    /// <summary>
    /// Makes the previous key the current one again. The key that is given up waits once more; when another one waits already, it is kept in the place
    /// of the previous one instead: no key is lost by a roll back.
    /// </summary>
    public async Task<RotationOutcome> RollBackAsync(Person person, int id, Guid previous, CancellationToken cancellationToken)
    {
        var changed = false;
        var outcome = await DecideAsync(
            person,
            id,
            async (storage, credential) =>
            {
                if (credential.CurrentKeyUid == previous)
                {
                    return Decision.AlreadySo;
                }

                if (credential.PreviousKeyUid != previous)
                {
                    return Decision.ChangedMeanwhile;
                }

                var keys = AuditChange.OfKey(
                    await FingerprintOfAsync(storage, credential.CurrentKeyUid, cancellationToken),
                    await FingerprintOfAsync(storage, previous, cancellationToken));
                if (credential.PendingKeyUid is null)
                {
                    credential.PendingKeyUid = credential.CurrentKeyUid;
                    (credential.PreviousKeyUid, credential.PreviousKeyWipedAt) = (null, null);
                }
                else
                {
                    Keep(credential, credential.CurrentKeyUid);
                }

                // What ReSci said of it before is no longer worth much: making a new key there may have ended this one.
                MakeCurrent(credential, previous, KeyVerdict.None);
                audit.AddChanges(storage, person, AuditEvents.RollBackKey, CredentialVault.ItemType, id, [keys], "current_key");
                changed = true;
                return Decision.Change;
            },
            cancellationToken);
        if (changed && outcome is RotationOutcome.Done)
        {
            // Done already, whatever ReSci says; but whoever rolled back wants to know.
            await vault.CheckAsync(person, id, cancellationToken);
        }

        return outcome;
    }

    /// <summary>Wipes the waiting key. The current one stays as it is.</summary>
    public Task<RotationOutcome> DropAsync(Person person, int id, Guid pending, CancellationToken cancellationToken) => DecideAsync(
        person,
        id,
        async (storage, credential) =>
        {
            if (credential.PendingKeyUid != pending)
            {
                return await IsGoneAsync(storage, id, pending, cancellationToken) ? Decision.AlreadySo : Decision.ChangedMeanwhile;
            }

            credential.PendingKeyUid = null;
            await WipeAsync(storage, pending, cancellationToken);
            audit.Add(storage, person, AuditEvents.DropKey, CredentialVault.ItemType, id, "pending_key");
            return Decision.ChangeThatWiped;
        },
        cancellationToken);

    /// <summary>Wipes the previous key before its time. From then on nobody can roll back to it.</summary>
    public Task<RotationOutcome> WipePreviousAsync(Person person, int id, Guid previous, CancellationToken cancellationToken) => DecideAsync(
        person,
        id,
        async (storage, credential) =>
        {
            if (credential.PreviousKeyUid != previous)
            {
                return await IsGoneAsync(storage, id, previous, cancellationToken) ? Decision.AlreadySo : Decision.ChangedMeanwhile;
            }

            (credential.PreviousKeyUid, credential.PreviousKeyWipedAt) = (null, null);
            await WipeAsync(storage, previous, cancellationToken);
            audit.Add(storage, person, AuditEvents.WipeKey, CredentialVault.ItemType, id, "previous_key");
            return Decision.ChangeThatWiped;
        },
        cancellationToken);

    private async Task<ReplaceOutcome> TryToStoreAsync(
        Person person, int id, Guid uid, Guid keyUid, NewKey input, CancellationToken cancellationToken)
    {
        using var key = PastedKey.Clean(input.Key, out var fault);
        if (key is null)
        {
            return new ReplaceOutcome.Invalid(new Dictionary<string, string>(StringComparer.Ordinal) { ["key"] = PastedKey.Explain(fault)! });
        }

        if (await FindAsync(person, id, cancellationToken) is not { } keys)
        {
            return new ReplaceOutcome.NotFound();
        }

        var fingerprint = protector.FingerprintOf(key);
        // Only among the keys of this credential. Others with the same old key are expected to get the same new one.
        if (!input.Same && SameAs(keys, fingerprint) is { } same)
        {
            return new ReplaceOutcome.Same(same);
        }

        if (AsksAbout(keys.Pending, input) is { } another)
        {
            return another;
        }

        Verdict? verdict = null;
        if (!input.Unverified)
        {
            verdict = await resci.ProbeAsync(key, cancellationToken);
            switch (verdict.Outcome)
            {
                case VerdictOutcome.Refused:
                    return new ReplaceOutcome.Refused(verdict);
                case VerdictOutcome.CannotTell when !input.EvenIfUnclear:
                    return new ReplaceOutcome.CannotTell(verdict);
                case VerdictOutcome.CannotTell or VerdictOutcome.Accepted:
                    break;
            }
        }

        // Before the transaction: it asks the database whether the server is sealed.
        var ciphertext = await protector.ProtectAsync(key, uid, keyUid, cancellationToken);
        ReplaceOutcome.AnotherWaits? meanwhile = null;
        var outcome = await DecideAsync(
            person,
            id,
            async (storage, credential) =>
            {
                if (!await IsGoneAsync(storage, id, keyUid, cancellationToken))
                {
                    return Decision.AlreadySo;
                }

                // While ReSci was asked somebody else may have entered a key.
                var waiting = await storage.CredentialKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Uid == credential.PendingKeyUid, cancellationToken);
                if (waiting is not null && waiting.Fingerprint != input.Instead)
                {
                    meanwhile = Another(waiting.Fingerprint);
                    return Decision.ChangedMeanwhile;
                }

                var wiped = await WipeAsync(storage, credential.PendingKeyUid, cancellationToken);
                credential.PendingKeyUid = keyUid;
                storage.CredentialKeys.Add(new CredentialKey
                {
                    Uid = keyUid,
                    CredentialId = id,
                    Ciphertext = ciphertext,
                    Fingerprint = fingerprint,
                    LastFour = SecretProtector.LastFourOf(key),
                    SetAt = time.GetUtcNow(),
                });
                if (verdict is not null)
                {
                    storage.CredentialChecks.Add(CheckOf(verdict, id, keyUid));
                }

                audit.AddChanges(
                    storage,
                    person,
                    AuditEvents.ReplaceKey,
                    CredentialVault.ItemType,
                    id,
                    [AuditChange.OfPendingKey(waiting?.Fingerprint, fingerprint)],
                    "pending_key");
                return wiped ? Decision.ChangeThatWiped : Decision.Change;
            },
            cancellationToken);
        return outcome switch
        {
            RotationOutcome.NotFound => new ReplaceOutcome.NotFound(),
            RotationOutcome.Forbidden => new ReplaceOutcome.Forbidden(),
            RotationOutcome.ChangedMeanwhile => meanwhile!,
            _ => new ReplaceOutcome.Waiting(),
        };
    }

    /// <summary>
    /// Looks and changes in one transaction that holds the write lock from its beginning: nobody changes the row in between, and readers see
    /// the state before or the one after.
    /// </summary>
    private Task<RotationOutcome> DecideAsync(
        Person person, int id, Func<StorageContext, Credential, Task<Decision>> decide, CancellationToken cancellationToken) =>
        DecideAsync(person, id, AccessRole.Admin, decide, cancellationToken);

    private async Task<RotationOutcome> DecideAsync(
        Person person, int id, AccessRole atLeast, Func<StorageContext, Credential, Task<Decision>> decide, CancellationToken cancellationToken)
    {
        Decision decision;
        await using (var storage = await contexts.CreateDbContextAsync(cancellationToken))
        {
            await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
            if (await storage.Credentials.Where(row => row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var credential, Role: var role })
            {
                return new RotationOutcome.NotFound();
            }

            if (role < atLeast)
            {
                return new RotationOutcome.Forbidden();
            }

            decision = await decide(storage, credential);
            if (decision is Decision.ChangedMeanwhile)
            {
                return new RotationOutcome.ChangedMeanwhile();
            }

            if (decision is Decision.Change or Decision.ChangeThatWiped)
            {
                credential.UpdatedAt = time.GetUtcNow();
                await storage.SaveChangesAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            }
        }

        if (decision is Decision.ChangeThatWiped)
        {
            // Committed: giving up now would leave the ciphertext in the log until the wiper's next round.
            await wiper.CutLogAsync(CancellationToken.None);
        }

        return new RotationOutcome.Done();
    }

    /// <returns>A role of null when there is no credential that the person may see.</returns>
    private async Task<(AccessRole? Role, Guid Uid)> FindUidAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await storage.Credentials.Where(row => row.Id == id).SeenBy(person).Select(seen => new { seen.Role, seen.Row.Uid }).SingleOrDefaultAsync(cancellationToken);
        return (found?.Role, found?.Uid ?? default);
    }

    private async Task<bool> ExistsAsync(int id, Guid keyUid, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return !await IsGoneAsync(storage, id, keyUid, cancellationToken);
    }

    private async Task<bool> IsCurrentAsync(Person person, int id, Guid keyUid, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials.VisibleTo(person).AnyAsync(row => row.Id == id && row.CurrentKeyUid == keyUid, cancellationToken);
    }

    private static async Task<bool> IsGoneAsync(StorageContext storage, int id, Guid keyUid, CancellationToken cancellationToken) =>
        !await storage.CredentialKeys.AnyAsync(key => key.Uid == keyUid && key.CredentialId == id, cancellationToken);

    private async Task<Secret?> OpenPendingAsync(Person person, int id, Guid pending, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await storage.Credentials.VisibleTo(person)
            .Where(credential => credential.Id == id && credential.PendingKeyUid == pending)
            .SelectMany(credential => credential.Keys.Where(key => key.Uid == pending))
            .Select(key => new { key.Ciphertext, key.Credential!.Uid })
            .SingleOrDefaultAsync(cancellationToken);
        try
        {
            return row is null ? null : protector.Unprotect(row.Ciphertext, row.Uid, pending);
        }
        catch (UnreadableSecretException)
        {
            return null;
        }
    }

    private void Keep(Credential credential, Guid key) =>
        (credential.PreviousKeyUid, credential.PreviousKeyWipedAt) = (key, time.GetUtcNow() + KeptFor);

    private void MakeCurrent(Credential credential, Guid key, KeyVerdict verdict)
    {
        credential.CurrentKeyUid = key;
        credential.Version++;
        credential.VerifiedStatus = verdict.Status;
        credential.VerifiedAt = verdict.VerifiedAt;
        credential.CheckedAt = verdict.CheckedAt;
        credential.CheckedStep = verdict.Step?.ToString();
        credential.CheckedHttpStatus = verdict.HttpStatus;
        // Doubts were about another key; this one is looked at soon.
        credential.DoubtedAt = null;
        credential.ChecksWithoutVerdict = 0;
        credential.NextCheckAt = time.GetUtcNow();
    }

    private static async Task<bool> WipeAsync(StorageContext storage, Guid? keyUid, CancellationToken cancellationToken)
    {
        if (await storage.CredentialKeys.SingleOrDefaultAsync(row => row.Uid == keyUid, cancellationToken) is not { } key)
        {
            return false;
        }

        storage.CredentialKeys.Remove(key);
        return true;
    }

    private static Task<string?> FingerprintOfAsync(StorageContext storage, Guid keyUid, CancellationToken cancellationToken) =>
        storage.CredentialKeys.Where(key => key.Uid == keyUid).Select(key => (string?)key.Fingerprint).SingleOrDefaultAsync(cancellationToken);

    private StoredKey View(Credential credential, Guid uid) =>
        credential.Keys.FirstOrDefault(key => key.Uid == uid) is { } row
            ? new StoredKey(uid, row.Fingerprint, row.LastFour, row.SetAt, protector.CanOpen(row.Ciphertext, credential.Uid, uid))
            : new StoredKey(uid, null, null, null, Opens: false);

    private static async Task<KeyVerdict> VerdictAsync(StorageContext storage, int id, Guid keyUid, CancellationToken cancellationToken) =>
        KeyVerdict.From(await storage.CredentialChecks.AsNoTracking()
            .Where(check => check.CredentialId == id && check.KeyUid == keyUid)
            .OrderByDescending(check => check.Id)
            .Take(ChecksRead)
            .ToListAsync(cancellationToken));

    // The entry was written in the transaction that stored the key, just after its time was taken.
    private static async Task<string?> EnteredByAsync(StorageContext storage, Credential credential, Guid keyUid, CancellationToken cancellationToken)
    {
        var setAt = credential.Keys.FirstOrDefault(key => key.Uid == keyUid)?.SetAt;
        return await storage.AuditEntries
            .Where(entry => entry.ItemType == CredentialVault.ItemType && entry.ItemId == credential.Id && entry.Event == AuditEvents.ReplaceKey && entry.At >= setAt)
            .OrderBy(entry => entry.Id)
            .Select(entry => entry.ActorName)
            .FirstOrDefaultAsync(cancellationToken);
    }

    private CredentialCheck CheckOf(Verdict verdict, int id, Guid keyUid) => new()
    {
        CredentialId = id,
        KeyUid = keyUid,
        At = time.GetUtcNow(),
        Step = verdict.Step.ToString(),
        HttpStatus = verdict.HttpStatus,
        Latency = (int)verdict.Latency.TotalMilliseconds,
    };

    // A key that does not open is well replaced by itself.
    private static string? SameAs(CredentialKeys keys, string fingerprint) =>
        keys.Current.Opens && keys.Current.Fingerprint == fingerprint ? "This is the key the credential uses now."
        : keys.Previous?.Key.Fingerprint == fingerprint ? "This is the key the credential used before. You can roll back to it instead."
        : null;

    private static ReplaceOutcome.AnotherWaits? AsksAbout(WaitingKey? waiting, NewKey input) =>
        waiting?.Key.Fingerprint is { } fingerprint && fingerprint != input.Instead ? Another(fingerprint) : null;

    private static ReplaceOutcome.AnotherWaits Another(string fingerprint) => new("Another new key is waiting already.", fingerprint);

    private static Guid KeyUidOf(Guid credential, Guid operation) =>
        new(SHA256.HashData([.. credential.ToByteArray(), .. operation.ToByteArray()]).AsSpan(0, 16));

    private enum Decision
    {
        Change,
        ChangeThatWiped,
        AlreadySo,
        ChangedMeanwhile,
    }
}
