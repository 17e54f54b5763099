using System.Diagnostics;
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
/// Every use case of credentials. Each takes who asks, checks, and acts: a credential that the person may not see is as if it did not exist, and what
/// their role does not allow is refused.
/// </summary>
internal sealed partial class CredentialVault(
    IDbContextFactory<StorageContext> contexts,
    SecretProtector protector,
    ReSciClient resci,
    OutageWatch outage,
    CredentialChecks checks,
    ProgramProbes probes,
    AuditLog audit,
    IOptions<AnnouncementsOptions> announcements,
    TimeProvider time)
{
    /// <summary>The item type of the audit log.</summary>
    public const string ItemType = AuditItems.Credential;

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
    /// Refused, refused once, with an expiry or review that is near or over, or never verified, in this order; at most <paramref name="limit"/>.
    /// </summary>
    public async Task<IReadOnlyList<CredentialTileView>> ListNeedingAttentionAsync(Person person, int limit, CancellationToken cancellationToken)
    {
        var near = announcements.Value.NearUntil(time.GetUtcNow());
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var credentials = storage.Credentials.AsNoTracking();
        IQueryable<Credential>[] visible = [credentials.OwnedBy(person), credentials.SharedWith(storage, person)];
        // One bounded query for each reason and each way of seeing, each answered by an index of its own.
        Func<IQueryable<Credential>, IQueryable<Credential>>[] reasons =
        [
            rows => rows.Where(credential => credential.VerifiedStatus == VerifiedStatus.Failed).OrderByDescending(credential => credential.Id),
            rows => rows.Where(credential => credential.DoubtedAt != null).OrderByDescending(credential => credential.DoubtedAt),
            rows => rows.Where(credential => credential.ExpiresOn <= near).OrderBy(credential => credential.ExpiresOn).ThenBy(credential => credential.Id),
            rows => rows.Where(credential => credential.ReviewOn <= near).OrderBy(credential => credential.ReviewOn).ThenBy(credential => credential.Id),
            rows => rows.Where(credential => credential.VerifiedStatus == VerifiedStatus.Unverified).OrderByDescending(credential => credential.Id),
        ];
        var ids = new List<int>();
        foreach (var reason in reasons)
        {
            foreach (var half in visible)
            {
                ids.AddRange(await reason(half).Select(credential => credential.Id).Take(limit).ToListAsync(cancellationToken));
            }
        }

        var first = ids.Distinct().Take(limit).ToArray();
        var rows = await CredentialRow.Project(storage, credentials.Where(credential => first.Contains(credential.Id)), person).ToListAsync(cancellationToken);
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
            if (await storage.Credentials.Where(row => row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var credential, Role: var role })
            {
                return new DatesOutcome.NotFound();
            }

            if (!role.MayChange())
            {
                return new DatesOutcome.Forbidden();
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
            audit.AddChanges(storage, person, AuditEvents.Update, ItemType, id, dates.ChangesSince(stored));
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
        var row = await CredentialRow.Project(storage, storage.Credentials.AsNoTracking().Where(credential => credential.Id == id), person)
            .SingleOrDefaultAsync(cancellationToken);
        return row?.ToView(protector);
    }

    /// <summary>Tests the stored key with ReSci and keeps the verdict. A person's own test may turn it FAILED at once. For operators.</summary>
    /// <returns>Granted is null when the key does not open.</returns>
    public Task<Reply<Verdict?>> CheckAsync(Person person, int id, CancellationToken cancellationToken) => WithKeyAsync<Verdict?>(
        person,
        id,
        AccessRole.Operator,
        async (key, row) =>
        {
            var verdict = await resci.ProbeAsync(key, cancellationToken);
            await checks.KeepAsync(id, row.Uid, row.Fingerprint, verdict, CheckAsker.Person, person, cancellationToken);
            return verdict;
        },
        cancellationToken);

    /// <summary>Reads a few records with the stored key, with the key itself redacted from them. For operators.</summary>
    /// <returns>Granted is null when the key does not open.</returns>
    public Task<Reply<SampleResult?>> FetchSampleAsync(Person person, int id, ReSciEndpoint endpoint, CancellationToken cancellationToken) =>
        WithKeyAsync<SampleResult?>(
            person, id, AccessRole.Operator, async (key, _) => await resci.FetchSampleAsync(key, endpoint, cancellationToken), cancellationToken);

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
            if (await storage.Credentials.Where(row => row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var credential, Role: var role })
            {
                return new EditOutcome.NotFound();
            }

            if (!role.MayChange())
            {
                return new EditOutcome.Forbidden();
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
            audit.AddChanges(
                storage,
                person,
                AuditEvents.Update,
                ItemType,
                id,
                [AuditChange.Of(field is CredentialField.Name ? AuditField.Name : AuditField.Description, present, wanted)]);
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

    /// <summary>
    /// Makes a new credential with the same key, which does not leave the server. Sent twice with the same operation, it makes one. For admins: the copy
    /// belongs to whoever made it, and stays theirs when the original is no longer shared.
    /// </summary>
    /// <returns>Granted is the id of the copy; null when the key does not open.</returns>
    /// <exception cref="ServerSealedException"/>
    public async Task<Reply<int?>> CopyAsync(Person person, int id, Guid operation, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(person, operation, cancellationToken) is { } made)
        {
            return new Reply<int?>.Granted(made);
        }

        return await PrepareCopyAsync(person, id, operation, cancellationToken) switch
        {
            Reply<Credential?>.Granted { Value: { } copy } => new Reply<int?>.Granted(await StoreAsync(person, copy, cancellationToken)),
            Reply<Credential?>.Granted => new Reply<int?>.Granted(null),
            Reply<Credential?>.Forbidden => new Reply<int?>.Forbidden(),
            Reply<Credential?>.NotFound => new Reply<int?>.NotFound(),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Makes the copy without storing it yet, as <see cref="PrepareAsync"/> does for a new one.</summary>
    /// <returns>Granted is null when the key does not open.</returns>
    internal Task<Reply<Credential?>> PrepareCopyAsync(Person person, int id, Guid operation, CancellationToken cancellationToken) => WithKeyAsync<Credential?>(
        person,
        id,
        AccessRole.Admin,
        async (key, _) =>
        {
            if (await FindAsync(person, id, cancellationToken) is not { } original)
            {
                return null;
            }

            var input = new NewCredential(TextRules.CopyOf(original.Name, Credential.NameLength), original.Description, Key: null, operation, Unverified: true, Same: true)
            {
                Type = original.Type,
                Tags = original.Tags,
                CopiedFromId = id,
            };
            return await MakeAsync(person, input, new CredentialDates(original.ExpiresOn, original.ReviewOn), key, verdict: null, cancellationToken);
        },
        cancellationToken);

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
            if (await storage.Credentials.Where(row => row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var credential, Role: var role })
            {
                return new DeleteOutcome.NotFound();
            }

            if (!role.MayChange())
            {
                return new DeleteOutcome.Forbidden();
            }

            // Those that the person may not see keep it in use all the same.
            if (await storage.Flows.AnyAsync(flow => flow.CredentialId == id, cancellationToken))
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

    /// <summary>What was deleted a moment ago and can still be brought back, for those who may; null when it was not, or is wiped.</summary>
    public async Task<DeletedCredential?> FindDeletedAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials.IgnoreQueryFilters().VisibleTo(person, AccessRole.Admin)
            .Where(credential => credential.Id == id && credential.DeletedAt != null)
            .Select(credential => new DeletedCredential(credential.Id, credential.Name, credential.DeletedAt!.Value))
            .SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>Brings back what was deleted a moment ago.</summary>
    /// <returns>Whether the person has it there now. What is deleted does not exist for those who may not bring it back.</returns>
    public async Task<bool> RestoreAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var credential = await storage.Credentials.IgnoreQueryFilters().VisibleTo(person, AccessRole.Admin)
            .SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
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

    /// <summary>The sources and destinations that use the credential: those that the person may see, at most <paramref name="limit"/>, and how many more.</summary>
    public async Task<UseList> ListUsesAsync(Person person, int id, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials.VisibleTo(person).AnyAsync(credential => credential.Id == id, cancellationToken)
            ? await UseList.ReadAsync(storage, person, id, limit, time.GetUtcNow(), cancellationToken)
            : UseList.None;
    }

    /// <summary>What programs did with the credential in the last hours, whichever of its keys went out.</summary>
    public async Task<IReadOnlyList<UsageHour>> ListHoursAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var hours = storage.BrokerHours.AsNoTracking()
            .Where(hour => hour.CredentialId == id && storage.Credentials.VisibleTo(person).Any(credential => credential.Id == id));
        return await UsageHours.ReadAsync(hours, time.GetUtcNow(), cancellationToken);
    }

    /// <summary>What was done with the credential, the newest first. For admins.</summary>
    /// <param name="before">The id of the entry to go on from; null for the newest.</param>
    public async Task<Reply<IReadOnlyList<AuditEntry>>> ListActivityAsync(
        Person person, int id, int? before, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials.Where(credential => credential.Id == id).RoleAsync(person, cancellationToken) switch
        {
            null => new Reply<IReadOnlyList<AuditEntry>>.NotFound(),
            { } role when !role.MayChange() => new Reply<IReadOnlyList<AuditEntry>>.Forbidden(),
            _ => new Reply<IReadOnlyList<AuditEntry>>.Granted(await storage.AuditEntries.AsNoTracking()
                .Where(entry => entry.ItemType == ItemType && entry.ItemId == id && (before == null || entry.Id < before))
                .OrderByDescending(entry => entry.Id)
                .Take(limit)
                .ToListAsync(cancellationToken)),
        };
    }

    private async Task<SaveOutcome> TryAsync(Person person, NewCredential input, CancellationToken cancellationToken)
    {
        var (refusal, credential) = await PrepareAsync(person, input, cancellationToken);
        return refusal ?? new SaveOutcome.Saved(await StoreAsync(person, credential!, cancellationToken));
    }

    /// <summary>
    /// Does everything that comes before storing: checks what was entered, asks ReSci and encrypts. Whoever calls this stores the credential, perhaps with
    /// what is to use it, and writes its entry in the audit log.
    /// </summary>
    /// <returns>Why there is nothing to store, or the credential.</returns>
    /// <exception cref="ServerSealedException"/>
    internal async Task<(SaveOutcome? Refusal, Credential? Credential)> PrepareAsync(
        Person person, NewCredential input, CancellationToken cancellationToken)
    {
        var errors = input.Check(Today, out var cleaned, out var dates);
        using var key = cleaned;
        if (errors.Count > 0 || key is null)
        {
            return (new SaveOutcome.Invalid(errors), null);
        }

        if (!input.Same && await FindSameAsync(person, input.Name!.Trim(), protector.FingerprintOf(key), input.OperationId, cancellationToken) is { } same)
        {
            return (new SaveOutcome.Same(same.Text), null);
        }

        Verdict? verdict = null;
        if (!input.Unverified)
        {
            verdict = await ProbeTypedAsync(key, cancellationToken);
            switch (verdict.Outcome)
            {
                case VerdictOutcome.Refused:
                    return (new SaveOutcome.Refused(verdict), null);
                case VerdictOutcome.CannotTell when !input.EvenIfUnclear:
                    return (new SaveOutcome.CannotTell(verdict), null);
                case VerdictOutcome.CannotTell or VerdictOutcome.Accepted:
                    break;
            }
        }

        return (null, await MakeAsync(person, input, dates, key, verdict, cancellationToken));
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

    private async Task<Credential> MakeAsync(
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
            Type = input.Type,
            Tags = TagRules.Clean(input.Tags),
            CopiedFromId = input.CopiedFromId,
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
        return credential;
    }

    /// <summary>What a new credential begins with, for the audit log.</summary>
    internal static AuditChange[] BeginningOf(Credential credential) =>
    [
        AuditChange.Of(AuditField.Name, null, credential.Name),
        AuditChange.Of(AuditField.Description, null, credential.Description),
        AuditChange.OfKey(null, credential.Keys.Single().Fingerprint),
        .. new CredentialDates(credential.ExpiresOn, credential.ReviewOn).ChangesSince(new CredentialDates(null, null)),
        .. credential.Tags.Length > 0 ? [AuditChange.Of(AuditField.Tags, [], credential.Tags)] : Array.Empty<AuditChange>(),
    ];

    private async Task<int> StoreAsync(Person person, Credential credential, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        storage.Credentials.Add(credential);
        try
        {
            await audit.SaveNewAsync(storage, person, ItemType, () => credential.Id, BeginningOf(credential), cancellationToken);
            return credential.Id;
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            // The same overlay was saved by another request in the meantime.
            return await FindByOperationAsync(person, credential.OperationId, cancellationToken) ?? throw new InvalidOperationException("A row is neither new nor there.", exception);
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
        var others = storage.Credentials.Where(credential => credential.OperationId != operation);
        // Two questions, because each has an index and both at once have none.
        var keys = storage.CredentialKeys.Where(row => row.Fingerprint == fingerprint).Select(row => row.Uid);
        var sameKey = await others.VisibleTo(person)
            .Where(credential => keys.Contains(credential.CurrentKeyUid))
            .OrderByDescending(credential => credential.Name == name)
            .Select(credential => credential.Name)
            .FirstOrDefaultAsync(cancellationToken);
        if (sameKey is not null)
        {
            return new SameCredential(sameKey, HasName: sameKey == name, HasKey: true);
        }

        // The index by name minds no case.
        IQueryable<Credential>[] visible = [others.OwnedBy(person), others.SharedWith(storage, person)];
        foreach (var half in visible)
        {
            if (await half.AnyAsync(credential => EF.Functions.Collate(credential.Name, CredentialSearch.IgnoringCase) == name && credential.Name == name, cancellationToken))
            {
                return new SameCredential(name, HasName: true, HasKey: false);
            }
        }

        return null;
    }

    /// <summary>
    /// Opens the current key for as long as <paramref name="use"/> runs. One query reads the role, the pointer and the key it points to: no reader ever sees
    /// one without the other.
    /// </summary>
    /// <returns>Granted is the default when the key does not open.</returns>
    internal async Task<Reply<T?>> WithKeyAsync<T>(
        Person person, int id, AccessRole atLeast, Func<Secret, StoredCiphertext, Task<T>> use, CancellationToken cancellationToken)
    {
        var (row, refusal) = await FindCiphertextAsync<T>(person, id, atLeast, cancellationToken);
        if (refusal is not null)
        {
            return refusal;
        }

        using var key = TryOpen(row);
        return new Reply<T?>.Granted(key is null ? default : await use(key, row!));
    }

    private async Task<(StoredCiphertext? Row, Reply<T?>? Refusal)> FindCiphertextAsync<T>(
        Person person, int id, AccessRole atLeast, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var found = await (
            from seen in storage.Credentials.Where(credential => credential.Id == id).SeenBy(person)
            join key in storage.CredentialKeys
                on new { Uid = seen.Row.CurrentKeyUid, CredentialId = seen.Row.Id } equals new { key.Uid, key.CredentialId } into keys
            from key in keys.DefaultIfEmpty()
            select new
            {
                seen.Role,
                Key = key == null ? null : new StoredCiphertext(seen.Row.Uid, key.Uid, key.Fingerprint, key.Ciphertext),
            }).SingleOrDefaultAsync(cancellationToken);
        return found switch
        {
            null => (null, new Reply<T?>.NotFound()),
            _ when found.Role < atLeast => (null, new Reply<T?>.Forbidden()),
            _ => (found.Key, null),
        };
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

    private Secret? TryOpen(StoredCiphertext? row)
    {
        try
        {
            return row is null ? null : protector.Unprotect(row.Ciphertext, row.Credential, row.Uid);
        }
        catch (UnreadableSecretException)
        {
            return null;
        }
    }

    internal sealed record StoredCiphertext(Guid Credential, Guid Uid, string Fingerprint, byte[] Ciphertext);
}
