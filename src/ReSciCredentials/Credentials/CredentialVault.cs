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

        var verdict = await resci.ProbeAsync(key, cancellationToken);
        return verdict.Outcome switch
        {
            VerdictOutcome.Accepted => new SaveOutcome.Accepted(verdict),
            VerdictOutcome.Refused => new SaveOutcome.Refused(verdict),
            VerdictOutcome.CannotTell => new SaveOutcome.CannotTell(verdict),
        };
    }

    /// <summary>The newest first, at most <paramref name="limit"/>, and the chosen one always.</summary>
    /// <param name="search">Words that the name or description holds; empty for all.</param>
    /// <param name="chosen">A credential to show even when it is further down or does not match.</param>
    public async Task<CredentialPage> ListAsync(Person person, string? search, int? chosen, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var visible = storage.Credentials.AsNoTracking().VisibleTo(person);
        var total = await visible.CountAsync(cancellationToken);
        var matching = visible;
        foreach (var word in (search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(8))
        {
            var pattern = $"%{word.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";
            matching = matching.Where(credential =>
                EF.Functions.Like(credential.Name, pattern, "\\") || EF.Functions.Like(credential.Description!, pattern, "\\"));
        }

        var rows = await Project(storage, matching.OrderByDescending(credential => credential.Id).Take(limit + 1), person).ToListAsync(cancellationToken);
        var more = rows.Count > limit;
        if (more)
        {
            rows.RemoveAt(limit);
        }

        if (chosen is { } id && rows.TrueForAll(row => row.Id != id))
        {
            rows.AddRange(await Project(storage, visible.Where(credential => credential.Id == id), person).ToListAsync(cancellationToken));
        }

        return new CredentialPage([.. rows.Select(TileOf)], total, more);
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
        var rows = await Project(storage, visible.Where(credential => first.Contains(credential.Id)), person).ToListAsync(cancellationToken);
        return [.. rows.OrderBy(row => Array.IndexOf(first, row.Id)).Select(TileOf)];
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
        var row = await Project(storage, storage.Credentials.AsNoTracking().VisibleTo(person).Where(credential => credential.Id == id), person)
            .SingleOrDefaultAsync(cancellationToken);
        return row is null ? null : TileOf(row);
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

    private async Task<SaveOutcome> TryAsync(Person person, NewCredential input, CancellationToken cancellationToken)
    {
        var errors = input.Check(Today, out var cleaned, out var dates);
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

        return new SaveOutcome.Saved(await StoreAsync(person, input, dates, key, verdict, cancellationToken));
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

    private async Task<(Secret Key, Guid KeyRow, string Fingerprint)?> OpenAsync(Person person, int id, CancellationToken cancellationToken)
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

    private static IQueryable<Row> Project(StorageContext storage, IQueryable<Credential> credentials, Person person) =>
        from credential in credentials
        let key = credential.Keys.FirstOrDefault(row => row.Uid == credential.CurrentKeyUid)
        select new Row(
            credential.Id,
            credential.Uid,
            credential.Name,
            credential.Description,
            credential.VerifiedStatus,
            credential.VerifiedAt,
            credential.CheckedAt,
            credential.CheckedStep,
            credential.CheckedHttpStatus,
            credential.Owner!.Name,
            credential.OwnerId == person.Id,
            key == null ? null : key.LastFour,
            credential.CurrentKeyUid,
            key == null ? null : key.Ciphertext,
            credential.ExpiresOn,
            credential.ReviewOn,
            storage.Flows.Count(flow => flow.CredentialId == credential.Id && flow.Kind == FlowKind.Source),
            storage.Flows.Count(flow => flow.CredentialId == credential.Id && flow.Kind == FlowKind.Destination));

    private CredentialTileView TileOf(Row row)
    {
        var opens = row.Ciphertext is { } ciphertext && protector.CanOpen(ciphertext, row.Uid, row.KeyUid);
        return new CredentialTileView
        {
            Id = row.Id,
            Name = row.Name,
            Description = row.Description,
            VerifiedStatus = row.VerifiedStatus,
            VerifiedAt = row.VerifiedAt,
            CheckedAt = row.CheckedAt,
            LastCheck = Verdict.StepFrom(row.CheckedStep) is { } step ? $"{Verdict.TitleOf(step, row.CheckedHttpStatus)} {Verdict.AdviceOf(step)}" : null,
            OwnerName = row.OwnerName,
            IsMine = row.IsMine,
            LastFour = row.LastFour,
            ExpiresOn = row.ExpiresOn,
            ReviewOn = row.ReviewOn,
            UsedBySources = row.Sources,
            UsedByDestinations = row.Destinations,
            CannotBeDecrypted = !opens,
        };
    }

    private sealed record Row(
        int Id,
        Guid Uid,
        string Name,
        string? Description,
        VerifiedStatus VerifiedStatus,
        DateTimeOffset? VerifiedAt,
        DateTimeOffset? CheckedAt,
        string? CheckedStep,
        int? CheckedHttpStatus,
        string OwnerName,
        bool IsMine,
        string? LastFour,
        Guid KeyUid,
        byte[]? Ciphertext,
        DateOnly? ExpiresOn,
        DateOnly? ReviewOn,
        int Sources,
        int Destinations);
}

/// <summary>A bounded part of the credentials that a person may see.</summary>
/// <param name="Total">How many they may see in all, whatever was searched.</param>
/// <param name="HasMore">Whether more than these match.</param>
internal sealed record CredentialPage(IReadOnlyList<CredentialTileView> Tiles, int Total, bool HasMore);
