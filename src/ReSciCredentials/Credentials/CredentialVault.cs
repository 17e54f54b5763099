using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Every use case of credentials. Each takes who asks, checks, and acts; a credential that the person may not see is as if it did not exist.
/// </summary>
internal sealed class CredentialVault(
    IDbContextFactory<StorageContext> contexts, SecretProtector protector, ReSciClient resci, AuditLog audit, TimeProvider time)
{
    /// <summary>The item type of the audit log.</summary>
    public const string ItemType = "credential";

    /// <summary>Tests the key with ReSci, encrypts and stores it. Sent twice with the same operation, it stores one.</summary>
    /// <exception cref="ServerSealedException"/>
    public async Task<SaveOutcome> SaveAsync(Person person, NewCredential input, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(person, input.OperationId, cancellationToken) is { } before)
        {
            return new SaveOutcome.Saved(before);
        }

        var outcome = await TryAsync(person, input, cancellationToken);
        // Of the same overlay sent twice, one may be stored while ReSci left the other without an answer.
        return outcome is not SaveOutcome.Saved && await FindByOperationAsync(person, input.OperationId, cancellationToken) is { } meanwhile
            ? new SaveOutcome.Saved(meanwhile)
            : outcome;
    }

    /// <summary>Tests what was typed without saving it.</summary>
    public async Task<SaveOutcome> TestAsync(NewCredential input, CancellationToken cancellationToken)
    {
        var errors = input.Check(out var cleaned);
        using var key = cleaned;
        // A key can be tested before it has a name.
        errors.Remove("name");
        if (errors.Count > 0 || key is null)
        {
            return new SaveOutcome.Invalid(errors);
        }

        var verdict = await resci.ProbeAsync(key, cancellationToken);
        return verdict.Outcome switch
        {
            VerdictOutcome.Accepted => new SaveOutcome.Accepted(verdict),
            VerdictOutcome.Refused => new SaveOutcome.Refused(verdict),
            VerdictOutcome.CannotTell => new SaveOutcome.CannotTell(verdict),
        };
    }

    /// <summary>Refused or never verified, the refused ones first, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<CredentialTileView>> ListNeedingAttentionAsync(Person person, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var matching = storage.Credentials.AsNoTracking().VisibleTo(person)
            .Where(credential => credential.VerifiedStatus != VerifiedStatus.Verified)
            .OrderBy(credential => credential.VerifiedStatus == VerifiedStatus.Failed ? 0 : 1)
            .ThenByDescending(credential => credential.Id)
            .Take(limit);
        return [.. (await CredentialRow.Project(storage, matching, person).ToListAsync(cancellationToken)).Select(row => row.ToView(protector))];
    }

    /// <summary>Null when there is none that the person may see.</summary>
    public async Task<CredentialTileView?> FindAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await CredentialRow.Project(storage, storage.Credentials.AsNoTracking().VisibleTo(person).Where(credential => credential.Id == id), person)
            .SingleOrDefaultAsync(cancellationToken);
        return row?.ToView(protector);
    }

    /// <summary>Tests the stored key with ReSci and keeps the verdict. A person's own test may turn it FAILED at once.</summary>
    /// <returns>Null when there is none that the person may see, or its key does not open.</returns>
    public async Task<Verdict?> CheckAsync(Person person, int id, CancellationToken cancellationToken)
    {
        if (await OpenAsync(person, id, cancellationToken) is not var (key, keyRow))
        {
            return null;
        }

        Verdict verdict;
        using (key)
        {
            verdict = await resci.ProbeAsync(key, cancellationToken);
        }

        await KeepVerdictAsync(person, id, keyRow, verdict, cancellationToken);
        return verdict;
    }

    /// <summary>Reads a few records with the stored key, with the key itself redacted from them.</summary>
    /// <returns>Null when there is no credential that the person may see, or its key does not open.</returns>
    public async Task<SampleResult?> FetchSampleAsync(Person person, int id, ReSciEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (await OpenAsync(person, id, cancellationToken) is not var (key, _))
        {
            return null;
        }

        using (key)
        {
            return await resci.FetchSampleAsync(key, endpoint, cancellationToken);
        }
    }

    /// <summary>
    /// Changes the name or the description. What counts is the field alone: <paramref name="seen"/> is what the person started from, and only when
    /// somebody else changed that very field meanwhile is it a conflict. Sent twice, it is one change.
    /// </summary>
    public async Task<EditOutcome> EditAsync(
        Person person, int id, CredentialField field, string? seen, string? text, CancellationToken cancellationToken)
    {
        var fault = field switch
        {
            CredentialField.Name => TextRules.CheckName(text, Credential.NameLength),
            CredentialField.Description => TextRules.CheckDescription(text, Credential.DescriptionLength),
        };
        if (fault is not null)
        {
            return new EditOutcome.Invalid(fault);
        }

        var wanted = TextRules.OrNull(text);
        while (true)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            var credential = await storage.Credentials.VisibleTo(person).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
            if (credential is null)
            {
                return new EditOutcome.NotFound();
            }

            var present = field is CredentialField.Name ? credential.Name : credential.Description;
            if (present == wanted)
            {
                return new EditOutcome.Done(wanted);
            }

            if (present != TextRules.OrNull(seen))
            {
                return new EditOutcome.ChangedMeanwhile(present);
            }

            if (field is CredentialField.Name)
            {
                credential.Name = wanted!;
            }
            else
            {
                credential.Description = wanted;
            }

            credential.UpdatedAt = time.GetUtcNow();
            audit.Add(storage, person, AuditEvents.Update, ItemType, id, field is CredentialField.Name ? "name" : "description");
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                return new EditOutcome.Done(wanted);
            }
            catch (DbUpdateConcurrencyException)
            {
                // Another field was changed in the same moment, perhaps by a check: look again.
            }
        }
    }

    /// <summary>Makes a new credential with the same key, which does not leave the server. Sent twice with the same operation, it makes one.</summary>
    /// <returns>The id of the copy; null when there is no credential that the person may see, or its key does not open.</returns>
    /// <exception cref="ServerSealedException"/>
    public async Task<int?> CopyAsync(Person person, int id, Guid operation, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(person, operation, cancellationToken) is { } made)
        {
            return made;
        }

        if (await FindAsync(person, id, cancellationToken) is not { } original || await OpenAsync(person, id, cancellationToken) is not var (key, _))
        {
            return null;
        }

        using (key)
        {
            const string Prefix = "Copy of ";
            var room = Credential.NameLength - Prefix.Length;
            var name = original.Name.Length <= room ? original.Name : original.Name[..room];
            var input = new NewCredential($"{Prefix}{name}", original.Description, Key: null, operation, Unverified: true, Same: true);
            return await StoreAsync(person, input, key, verdict: null, cancellationToken);
        }
    }

    /// <summary>
    /// Deletes a credential that nothing uses. It is gone from everywhere at once, can be brought back for <see cref="KeyWiper.UndoTime"/>,
    /// and is then wiped. Sent twice, the second finds nothing.
    /// </summary>
    public async Task<DeleteOutcome> DeleteAsync(Person person, int id, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            // One transaction that writes from its beginning: nothing can begin to use the credential between the look and the deletion.
            await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
            var credential = await storage.Credentials.VisibleTo(person).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
            if (credential is null)
            {
                return new DeleteOutcome.NotFound();
            }

            if (await UsesOf(storage, person, id).AnyAsync(cancellationToken))
            {
                return new DeleteOutcome.InUse();
            }

            credential.DeletedAt = time.GetUtcNow();
            audit.Add(storage, person, AuditEvents.Delete, ItemType, id);
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return new DeleteOutcome.Done();
            }
            catch (DbUpdateConcurrencyException)
            {
                // A check kept its verdict in the same moment: look again.
            }
        }
    }

    /// <summary>Brings back what was deleted a moment ago.</summary>
    /// <returns>Whether it is there now.</returns>
    public async Task<bool> RestoreAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var credential = await storage.Credentials.IgnoreQueryFilters().VisibleTo(person).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        if (credential?.DeletedAt is null)
        {
            return credential is not null;
        }

        credential.DeletedAt = null;
        audit.Add(storage, person, AuditEvents.Restore, ItemType, id);
        try
        {
            await storage.SaveChangesAsync(cancellationToken);
            return true;
        }
        catch (DbUpdateConcurrencyException)
        {
            // Wiped or brought back by another request in the same moment; a wiped one is not there.
            return await FindAsync(person, id, cancellationToken) is not null;
        }
    }

    /// <summary>The sources and destinations that use the credential, at most <paramref name="limit"/>, the newest first.</summary>
    public async Task<IReadOnlyList<CredentialUse>> ListUsesAsync(Person person, int id, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await UsesOf(storage, person, id).OrderByDescending(use => use.Id).Take(limit).ToListAsync(cancellationToken);
    }

    /// <summary>What was done with the credential, the newest first.</summary>
    /// <param name="before">The id of the entry to go on from; null for the newest.</param>
    public async Task<IReadOnlyList<AuditEntry>> ListActivityAsync(
        Person person, int id, int? before, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.AuditEntries.AsNoTracking()
            .Where(entry => entry.ItemType == ItemType && entry.ItemId == id && (before == null || entry.Id < before))
            .Where(_ => storage.Credentials.VisibleTo(person).Any(credential => credential.Id == id))
            .OrderByDescending(entry => entry.Id)
            .Take(limit)
            .ToListAsync(cancellationToken);
    }

    // Not only those the person may see: what they may not see keeps the credential in use all the same.
    private static IQueryable<CredentialUse> UsesOf(StorageContext storage, Person person, int id) => storage.Flows
        .Where(flow => flow.CredentialId == id && storage.Credentials.VisibleTo(person).Any(credential => credential.Id == id))
        .Select(flow => new CredentialUse
        {
            Id = flow.Id,
            Kind = flow.Kind,
            Name = flow.Name,
            Status = flow.Status,
            OwnerName = flow.Owner!.Name,
            IsMine = flow.OwnerId == person.Id,
        });

    private async Task<SaveOutcome> TryAsync(Person person, NewCredential input, CancellationToken cancellationToken)
    {
        var errors = input.Check(out var cleaned);
        using var key = cleaned;
        if (errors.Count > 0 || key is null)
        {
            return new SaveOutcome.Invalid(errors);
        }

        if (!input.Same && await FindSameAsync(person, input.Name!.Trim(), key, input.OperationId, cancellationToken) is { } same)
        {
            return new SaveOutcome.Same(same);
        }

        Verdict? verdict = null;
        if (!input.Unverified)
        {
            verdict = await resci.ProbeAsync(key, cancellationToken);
            switch (verdict.Outcome)
            {
                case VerdictOutcome.Refused:
                    return new SaveOutcome.Refused(verdict);
                case VerdictOutcome.CannotTell:
                    return new SaveOutcome.CannotTell(verdict);
                case VerdictOutcome.Accepted:
                    break;
            }
        }

        return new SaveOutcome.Saved(await StoreAsync(person, input, key, verdict, cancellationToken));
    }

    private async Task<int> StoreAsync(Person person, NewCredential input, Secret key, Verdict? verdict, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var uid = Guid.NewGuid();
        var keyUid = Guid.NewGuid();
        var credential = new Credential
        {
            Uid = uid,
            OwnerId = person.Id,
            Name = input.Name!.Trim(),
            Description = TextRules.OrNull(input.Description),
            CurrentKeyUid = keyUid,
            Version = 1,
            CreatedAt = now,
            UpdatedAt = now,
            OperationId = input.OperationId,
            Keys =
            [
                new CredentialKey
                {
                    Uid = keyUid,
                    Ciphertext = await protector.ProtectAsync(key, uid, keyUid, cancellationToken),
                    Fingerprint = protector.FingerprintOf(key),
                    LastFour = SecretProtector.LastFourOf(key),
                    SetAt = now,
                },
            ],
        };
        Apply(verdict, credential, now);

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        storage.Credentials.Add(credential);
        try
        {
            await audit.SaveNewAsync(storage, person, ItemType, () => credential.Id, cancellationToken);
            return credential.Id;
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            // The same overlay was saved by another request in the meantime.
            return await FindByOperationAsync(person, input.OperationId, cancellationToken) ?? throw new InvalidOperationException("A row is neither new nor there.", exception);
        }
    }

    private async Task<int?> FindByOperationAsync(Person person, Guid operation, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials
            .Where(credential => credential.OwnerId == person.Id && credential.OperationId == operation)
            .Select(credential => (int?)credential.Id)
            .SingleOrDefaultAsync(cancellationToken);
    }

    // Only among what the person may see: whether somebody else stored the same key is not theirs to know.
    // What this very operation stored, by a request that was a little faster, is not one like it but it.
    private async Task<string?> FindSameAsync(Person person, string name, Secret key, Guid operation, CancellationToken cancellationToken)
    {
        var fingerprint = protector.FingerprintOf(key);
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var same = await storage.Credentials.VisibleTo(person)
            .Where(credential => credential.OperationId != operation)
            .Select(credential => new
            {
                credential.Name,
                SameName = credential.Name == name,
                SameKey = credential.Keys.Any(row => row.Uid == credential.CurrentKeyUid && row.Fingerprint == fingerprint),
            })
            .Where(candidate => candidate.SameName || candidate.SameKey)
            .OrderByDescending(candidate => candidate.SameKey)
            .FirstOrDefaultAsync(cancellationToken);
        return same switch
        {
            null => null,
            { SameKey: true, SameName: true } => $"You already have a credential “{same.Name}” with this same key.",
            { SameKey: true } => $"This key is stored already, as “{same.Name}”.",
            _ => $"You already have a credential named “{same.Name}”, with another key.",
        };
    }

    private async Task<(Secret Key, Guid KeyRow)?> OpenAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await storage.Credentials.VisibleTo(person)
            .Where(credential => credential.Id == id)
            .SelectMany(credential => credential.Keys.Where(key => key.Uid == credential.CurrentKeyUid))
            .Select(key => new { key.Ciphertext, Credential = key.Credential!.Uid, Key = key.Uid })
            .SingleOrDefaultAsync(cancellationToken);
        if (row is null)
        {
            return null;
        }

        try
        {
            return (protector.Unprotect(row.Ciphertext, row.Credential, row.Key), row.Key);
        }
        catch (UnreadableSecretException)
        {
            return null;
        }
    }

    private async Task KeepVerdictAsync(Person person, int id, Guid keyRow, Verdict verdict, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            // A verdict about a key that was replaced meanwhile says nothing about the present one.
            var credential = await storage.Credentials.VisibleTo(person)
                .SingleOrDefaultAsync(candidate => candidate.Id == id && candidate.CurrentKeyUid == keyRow, cancellationToken);
            if (credential is null)
            {
                return;
            }

            Apply(verdict, credential, time.GetUtcNow());
            audit.Add(storage, person, AuditEvents.Probe, ItemType, id, verdict.Step.ToString());
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                return;
            }
            catch (DbUpdateConcurrencyException)
            {
                // Somebody changed the name in the same moment: the verdict still holds.
            }
        }
    }

    private static void Apply(Verdict? verdict, Credential credential, DateTimeOffset now)
    {
        if (verdict is null)
        {
            return;
        }

        credential.CheckedAt = now;
        credential.CheckedStep = verdict.Step.ToString();
        credential.CheckedHttpStatus = verdict.HttpStatus;
        switch (verdict.Outcome)
        {
            case VerdictOutcome.Accepted:
                (credential.VerifiedStatus, credential.VerifiedAt) = (VerifiedStatus.Verified, now);
                break;
            case VerdictOutcome.Refused:
                (credential.VerifiedStatus, credential.VerifiedAt) = (VerifiedStatus.Failed, now);
                break;
            case VerdictOutcome.CannotTell:
                break;
        }
    }
}
