using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Announcements;
using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Every use case of credentials. Each takes who asks, checks, and acts; a credential that the person may not see is as if it did not exist.
/// </summary>
internal sealed class CredentialVault(
    IDbContextFactory<StorageContext> contexts,
    SecretProtector protector,
    ReSciClient resci,
    OutageWatch outage,
    CredentialChecks checks,
    AuditLog audit,
    IOptions<AnnouncementsOptions> announcements,
    TimeProvider time)
{
    /// <summary>The item type of the audit log.</summary>
    public const string ItemType = "credential";

    private DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

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
        var errors = input.Check(Today, out var cleaned, out _);
        using var key = cleaned;
        // A key can be tested before it has a name.
        errors.Remove("name");
        if (errors.Count > 0 || key is null)
        {
            return new SaveOutcome.Invalid(errors);
        }

        var verdict = await ProbeTypedAsync(key, cancellationToken);
        return verdict.Outcome switch
        {
            VerdictOutcome.Accepted => new SaveOutcome.Accepted(verdict),
            VerdictOutcome.Refused => new SaveOutcome.Refused(verdict),
            VerdictOutcome.CannotTell => new SaveOutcome.CannotTell(verdict),
        };
    }

    /// <summary>What saving would meet, without asking ReSci and without saving.</summary>
    public async Task<SaveOutlook> LookAheadAsync(Person person, NewCredential input, CancellationToken cancellationToken)
    {
        var errors = input.Check(Today, out var cleaned, out _);
        using var key = cleaned;
        if (errors.Count > 0 || key is null)
        {
            return new SaveOutlook(errors);
        }

        var fingerprint = protector.FingerprintOf(key);
        return new SaveOutlook(
            errors,
            fingerprint,
            SecretProtector.LastFourOf(key),
            await FindByOperationAsync(person, input.OperationId, cancellationToken),
            await FindSameAsync(person, input.Name!.Trim(), fingerprint, input.OperationId, cancellationToken));
    }

    /// <summary>
    /// Refused, with an expiry or review that is near or over, or never verified, in this order; at most <paramref name="limit"/>.
    /// </summary>
    public async Task<IReadOnlyList<CredentialTileView>> ListNeedingAttentionAsync(Person person, int limit, CancellationToken cancellationToken)
    {
        var near = announcements.Value.NearUntil(time.GetUtcNow());
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var visible = storage.Credentials.AsNoTracking().VisibleTo(person);
        // One bounded query for each reason, each answered by an index of its own.
        IQueryable<Credential>[] reasons =
        [
            visible.Where(credential => credential.VerifiedStatus == VerifiedStatus.Failed).OrderByDescending(credential => credential.Id),
            visible.Where(credential => credential.ExpiresOn <= near).OrderBy(credential => credential.ExpiresOn).ThenBy(credential => credential.Id),
            visible.Where(credential => credential.ReviewOn <= near).OrderBy(credential => credential.ReviewOn).ThenBy(credential => credential.Id),
            visible.Where(credential => credential.VerifiedStatus == VerifiedStatus.Unverified).OrderByDescending(credential => credential.Id),
        ];
        var ids = new List<int>();
        foreach (var reason in reasons)
        {
            ids.AddRange(await reason.Select(credential => credential.Id).Take(limit).ToListAsync(cancellationToken));
        }

        var first = ids.Distinct().Take(limit).ToArray();
        var rows = await CredentialRow.Project(storage, visible.Where(credential => first.Contains(credential.Id)), person).ToListAsync(cancellationToken);
        return [.. rows.OrderBy(row => Array.IndexOf(first, row.Id)).Select(row => row.ToView(protector))];
    }

    /// <summary>What checks of a credential found, the oldest first.</summary>
    /// <returns>Null when there is none that the person may see.</returns>
    public async Task<CheckHistory?> FindChecksAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var credential = await storage.Credentials.VisibleTo(person)
            .Where(credential => credential.Id == id)
            .Select(credential => new { credential.CurrentKeyUid, credential.NextCheckAt, credential.DoubtedAt })
            .SingleOrDefaultAsync(cancellationToken);
        if (credential is null)
        {
            return null;
        }

        var rows = await storage.CredentialChecks.AsNoTracking()
            .Where(check => check.CredentialId == id)
            .OrderByDescending(check => check.Id)
            .Take(CheckHistory.Limit)
            .ToListAsync(cancellationToken);
        return new CheckHistory(
            [
                .. rows.Select(row => new CheckView(row.At, Verdict.StepFrom(row.Step), row.HttpStatus, row.Latency, row.KeyUid == credential.CurrentKeyUid))
                    .Reverse(),
            ],
            checks.AreScheduled ? credential.NextCheckAt : null,
            credential.DoubtedAt);
    }

    /// <summary>Sets the days of a credential, or removes them.</summary>
    /// <param name="seen">What the person saw; what somebody else set since then is told instead of overwritten.</param>
    public async Task<DatesOutcome> ChangeDatesAsync(
        Person person, int id, CredentialDates seen, TypedDates typed, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            var credential = await storage.Credentials.VisibleTo(person).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
            if (credential is null)
            {
                return new DatesOutcome.NotFound();
            }

            var stored = new CredentialDates(credential.ExpiresOn, credential.ReviewOn);
            var errors = typed.Check(stored, Today, out var dates);
            if (errors.Count > 0)
            {
                return new DatesOutcome.Invalid(errors);
            }

            if (dates == stored)
            {
                return new DatesOutcome.Saved(dates);
            }

            if (stored != seen)
            {
                return new DatesOutcome.Conflict(stored);
            }

            (credential.ExpiresOn, credential.ReviewOn, credential.UpdatedAt) = (dates.ExpiresOn, dates.ReviewOn, time.GetUtcNow());
            audit.Add(storage, person, AuditEvents.Update, ItemType, id, dates.NamesOfDifferences(stored));
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                return new DatesOutcome.Saved(dates);
            }
            catch (DbUpdateConcurrencyException)
            {
                // Something else of the credential changed in the same moment: looked at again.
            }
        }
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
        if (await OpenAsync(person, id, cancellationToken) is not var (key, keyRow, fingerprint))
        {
            return null;
        }

        Verdict verdict;
        using (key)
        {
            verdict = await resci.ProbeAsync(key, cancellationToken);
        }

        await checks.KeepAsync(id, keyRow, fingerprint, verdict, CheckAsker.Person, person, cancellationToken);
        return verdict;
    }

    /// <summary>Reads a few records with the stored key, with the key itself redacted from them.</summary>
    /// <returns>Null when there is no credential that the person may see, or its key does not open.</returns>
    public async Task<SampleResult?> FetchSampleAsync(Person person, int id, ReSciEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (await OpenAsync(person, id, cancellationToken) is not var (key, _, _))
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

            if (await HoldsStoredKeyAsync(storage, person, wanted, cancellationToken))
            {
                return new EditOutcome.Invalid("There is an API key in it that is stored here, and this text is shown to others. Remove it.");
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

        if (await FindAsync(person, id, cancellationToken) is not { } original || await OpenAsync(person, id, cancellationToken) is not var (key, _, _))
        {
            return null;
        }

        using (key)
        {
            const string Prefix = "Copy of ";
            var room = Credential.NameLength - Prefix.Length;
            var name = original.Name.Length <= room ? original.Name : original.Name[..room];
            var input = new NewCredential($"{Prefix}{name}", original.Description, Key: null, operation, Unverified: true, Same: true);
            return await StoreAsync(person, input, new CredentialDates(original.ExpiresOn, original.ReviewOn), key, verdict: null, cancellationToken);
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

    /// <summary>What was deleted a moment ago and can still be brought back; null when it was not, or is wiped.</summary>
    public async Task<DeletedCredential?> FindDeletedAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials.IgnoreQueryFilters().VisibleTo(person)
            .Where(credential => credential.Id == id && credential.DeletedAt != null)
            .Select(credential => new DeletedCredential(credential.Id, credential.Name, credential.DeletedAt!.Value))
            .SingleOrDefaultAsync(cancellationToken);
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
    internal static IQueryable<CredentialUse> UsesOf(StorageContext storage, Person person, int id) => storage.Flows
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
        var errors = input.Check(Today, out var cleaned, out var dates);
        using var key = cleaned;
        if (errors.Count > 0 || key is null)
        {
            return new SaveOutcome.Invalid(errors);
        }

        if (!input.Same && await FindSameAsync(person, input.Name!.Trim(), protector.FingerprintOf(key), input.OperationId, cancellationToken) is { } same)
        {
            return new SaveOutcome.Same(same.Text);
        }

        Verdict? verdict = null;
        if (!input.Unverified)
        {
            verdict = await ProbeTypedAsync(key, cancellationToken);
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

        return new SaveOutcome.Saved(await StoreAsync(person, input, dates, key, verdict, cancellationToken));
    }

    // A clear answer tells that ReSci is up. That there is none may be the fault of what was typed.
    private async Task<Verdict> ProbeTypedAsync(Secret key, CancellationToken cancellationToken)
    {
        var verdict = await resci.ProbeAsync(key, cancellationToken);
        if (verdict.Outcome is not VerdictOutcome.CannotTell)
        {
            outage.Note(protector.FingerprintOf(key), verdict.Outcome);
        }

        return verdict;
    }

    private async Task<int> StoreAsync(
        Person person, NewCredential input, CredentialDates dates, Secret key, Verdict? verdict, CancellationToken cancellationToken)
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
            ExpiresOn = dates.ExpiresOn,
            ReviewOn = dates.ReviewOn,
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
        checks.Begin(credential, verdict);

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
    private async Task<SameCredential?> FindSameAsync(Person person, string name, string fingerprint, Guid operation, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var others = storage.Credentials.VisibleTo(person).Where(credential => credential.OperationId != operation);
        // Two questions, because each has an index and both at once have none.
        var keys = storage.CredentialKeys.Where(row => row.Fingerprint == fingerprint).Select(row => row.Uid);
        var sameKey = await others
            .Where(credential => keys.Contains(credential.CurrentKeyUid))
            .OrderByDescending(credential => credential.Name == name)
            .Select(credential => credential.Name)
            .FirstOrDefaultAsync(cancellationToken);
        if (sameKey is not null)
        {
            return new SameCredential(sameKey, HasName: sameKey == name, HasKey: true);
        }

        return await others.AnyAsync(credential => EF.Functions.Collate(credential.Name, "NOCASE") == name && credential.Name == name, cancellationToken)
            ? new SameCredential(name, HasName: true, HasKey: false)
            : null;
    }

    // By fingerprint, word by word: the keys themselves stay closed. Only words as long as a key, or one of many could have its fingerprint by chance.
    private async Task<bool> HoldsStoredKeyAsync(StorageContext storage, Person person, string? text, CancellationToken cancellationToken)
    {
        const int LeastLength = 16;
        var fingerprints = new List<string>();
        foreach (var word in (text ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            using var key = word.Length < LeastLength ? null : PastedKey.Clean(word, out _);
            if (key is not null)
            {
                fingerprints.Add(protector.FingerprintOf(key));
            }
        }

        return fingerprints.Count > 0 && await storage.CredentialKeys.AnyAsync(
            row => fingerprints.Contains(row.Fingerprint) && storage.Credentials.VisibleTo(person).Any(credential => credential.Id == row.CredentialId),
            cancellationToken);
    }

    /// <summary>Opens the current key. One query reads the pointer and the key it points to: no reader ever sees one without the other.</summary>
    /// <returns>The key, which the caller disposes, its row and its fingerprint; null when there is no credential that the person may see, or its key does not open.</returns>
    internal async Task<(Secret Key, Guid KeyRow, string Fingerprint)?> OpenAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var row = await storage.Credentials.VisibleTo(person)
            .Where(credential => credential.Id == id)
            .SelectMany(credential => credential.Keys.Where(key => key.Uid == credential.CurrentKeyUid))
            .Select(key => new { key.Ciphertext, key.Fingerprint, Credential = key.Credential!.Uid, Key = key.Uid })
            .SingleOrDefaultAsync(cancellationToken);
        if (row is null)
        {
            return null;
        }

        try
        {
            return (protector.Unprotect(row.Ciphertext, row.Credential, row.Key), row.Key, row.Fingerprint);
        }
        catch (UnreadableSecretException)
        {
            return null;
        }
    }
}
