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

    /// <summary>Refused or never verified, the refused ones first, at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<CredentialTileView>> ListNeedingAttentionAsync(Person person, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var matching = storage.Credentials.AsNoTracking().VisibleTo(person)
            .Where(credential => credential.VerifiedStatus != VerifiedStatus.Verified)
            .OrderBy(credential => credential.VerifiedStatus == VerifiedStatus.Failed ? 0 : 1)
            .ThenByDescending(credential => credential.Id)
            .Take(limit);
        return [.. (await Project(storage, matching, person).ToListAsync(cancellationToken)).Select(TileOf)];
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

    /// <summary>Opens the current key. One query reads the pointer and the key it points to: no reader ever sees one without the other.</summary>
    /// <returns>The key, which the caller disposes, and its row; null when there is no credential that the person may see, or its key does not open.</returns>
    internal async Task<(Secret Key, Guid KeyRow)?> OpenAsync(Person person, int id, CancellationToken cancellationToken)
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
        int Sources,
        int Destinations);
}

/// <summary>A bounded part of the credentials that a person may see.</summary>
/// <param name="Total">How many they may see in all, whatever was searched.</param>
/// <param name="HasMore">Whether more than these match.</param>
internal sealed record CredentialPage(IReadOnlyList<CredentialTileView> Tiles, int Total, bool HasMore);
