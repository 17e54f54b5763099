using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Announcements;
using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Keeps what ReSci says about stored keys, by the rules of <see cref="CheckRules"/>: the one place in which a verdict becomes a status, whoever asked.
/// </summary>
internal sealed class CredentialChecks(
    IDbContextFactory<StorageContext> contexts,
    SecretProtector protector,
    ReSciClient resci,
    OutageWatch outage,
    Outbox outbox,
    AuditLog audit,
    ChangeNotices notices,
    IOptions<ChecksOptions> options,
    TimeProvider time)
{
    /// <summary>Whether the server asks by itself.</summary>
    public bool AreScheduled => options.Value.Enabled;

    /// <summary>Sets what is known of a key that was just made the current one.</summary>
    /// <param name="verdict">What ReSci said of it, if it was asked.</param>
    public void Begin(Credential credential, Verdict? verdict)
    {
        var now = time.GetUtcNow();
        var state = CheckRules.AtFirst(verdict, now, options.Value, Chance());
        (credential.VerifiedStatus, credential.DoubtedAt, credential.ChecksWithoutVerdict, credential.NextCheckAt) =
            (state.Status, state.DoubtedAt, state.WithoutVerdict, state.NextAt);
        credential.VerifiedAt = verdict is { Outcome: VerdictOutcome.Accepted or VerdictOutcome.Refused } ? now : null;
        (credential.CheckedAt, credential.CheckedStep, credential.CheckedHttpStatus) = (verdict is null ? null : now, verdict?.Step.ToString(), verdict?.HttpStatus);
    }

    /// <summary>The credentials whose check is due, the longest due first; at most <paramref name="limit"/>.</summary>
    public async Task<IReadOnlyList<int>> ListDueAsync(int limit, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials
            .Where(credential => credential.NextCheckAt <= now)
            .OrderBy(credential => credential.NextCheckAt)
            .Select(credential => credential.Id)
            .Take(limit)
            .ToListAsync(cancellationToken);
    }

    /// <summary>Makes one credential due, the one whose turn comes first: somebody has to find out whether ReSci answers again.</summary>
    /// <returns>Null when each was asked about a moment ago.</returns>
    public async Task<int?> TakeCanaryAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var askedBefore = now - CheckRules.LeastApart;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var id = await storage.Credentials
            .Where(credential => credential.CheckedAt == null || credential.CheckedAt <= askedBefore)
            .OrderBy(credential => credential.NextCheckAt)
            .Select(credential => (int?)credential.Id)
            .FirstOrDefaultAsync(cancellationToken);
        await storage.Credentials.Where(credential => credential.Id == id && credential.NextCheckAt > now)
            .ExecuteUpdateAsync(update => update.SetProperty(credential => credential.NextCheckAt, now), cancellationToken);
        return id;
    }

    /// <summary>Asks ReSci about the current key of a credential if that is still due, and keeps the verdict.</summary>
    /// <returns>Null when nobody was asked: it is not due any more, is gone, or its key does not open.</returns>
    /// <exception cref="ServerSealedException"/>
    public async Task<Verdict?> CheckDueAsync(int id, CancellationToken cancellationToken)
    {
        if (await FindDueAsync(id, cancellationToken) is not { } due)
        {
            return null;
        }

        Verdict verdict;
        try
        {
            using var key = protector.Unprotect(due.Ciphertext, due.Credential, due.Key);
            verdict = await resci.ProbeAsync(key, cancellationToken);
        }
        catch (UnreadableSecretException)
        {
            await PostponeAsync(id, cancellationToken);
            return null;
        }

        await KeepAsync(id, due.Key, due.Fingerprint, verdict, CheckAsker.Schedule, Actor.Server, cancellationToken);
        return verdict;
    }

    /// <summary>
    /// Keeps a verdict: the status it leads to, its place in the history, and, when the key turned FAILED, the announcement, in one transaction.
    /// A verdict about a key that was replaced meanwhile is dropped: it says nothing about the present one.
    /// </summary>
    /// <param name="keyRow">The key that was asked about.</param>
    public async Task KeepAsync(
        int id, Guid keyRow, string fingerprint, Verdict verdict, CheckAsker asker, Actor actor, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        // Begun for writing: of two verdicts at once the second is judged by what the first led to.
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var row = await storage.Credentials
            .Where(credential => credential.Id == id && credential.CurrentKeyUid == keyRow)
            .Select(credential => new
            {
                credential.Name,
                OwnerName = credential.Owner!.Name,
                credential.VerifiedAt,
                credential.CheckedStep,
                State = new CheckState(credential.VerifiedStatus, credential.DoubtedAt, credential.ChecksWithoutVerdict, credential.NextCheckAt),
            })
            .SingleOrDefaultAsync(cancellationToken);
        if (row is null)
        {
            return;
        }

        // Where ReSci never judged a key, the key itself may be why there is no answer.
        if (row.State.Status is not VerifiedStatus.Unverified || verdict.Outcome is not VerdictOutcome.CannotTell)
        {
            outage.Note(fingerprint, verdict.Outcome);
        }

        var after = CheckRules.After(row.State, verdict, asker, now, options.Value, Chance());
        var verifiedAt = verdict.Outcome is VerdictOutcome.CannotTell || after.DoubtedAt is not null ? row.VerifiedAt : now;
        var step = verdict.Step.ToString();
        // Without loading the row, so that no revision is raised: a check is no conflict for a person who is editing the credential.
        await storage.Credentials.Where(credential => credential.Id == id).ExecuteUpdateAsync(
            update => update
                .SetProperty(credential => credential.VerifiedStatus, after.Status)
                .SetProperty(credential => credential.VerifiedAt, verifiedAt)
                .SetProperty(credential => credential.DoubtedAt, after.DoubtedAt)
                .SetProperty(credential => credential.ChecksWithoutVerdict, after.WithoutVerdict)
                .SetProperty(credential => credential.NextCheckAt, after.NextAt)
                .SetProperty(credential => credential.CheckedAt, now)
                .SetProperty(credential => credential.CheckedStep, step)
                .SetProperty(credential => credential.CheckedHttpStatus, verdict.HttpStatus),
            cancellationToken);

        storage.CredentialChecks.Add(new CredentialCheck
        {
            CredentialId = id,
            KeyUid = keyRow,
            At = now,
            Step = step,
            HttpStatus = verdict.HttpStatus,
            Latency = (int)verdict.Latency.TotalMilliseconds,
        });
        // That the server asked is in the history; in the audit log it would drown what people did.
        if (asker is CheckAsker.Person || after.Status != row.State.Status)
        {
            audit.Add(storage, actor, AuditEvents.Probe, CredentialVault.ItemType, id, step);
        }

        if (after.Status is VerifiedStatus.Failed && row.State.Status is not VerifiedStatus.Failed)
        {
            outbox.Add(storage, AnnouncementKind.Failed, id, row.Name, row.OwnerName, $"{verdict.Title} {verdict.Advice}");
        }

        await storage.SaveChangesAsync(cancellationToken);
        await ForgetOldAsync(storage, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);

        // A check that found what the last one found is no news to the pages that are open.
        if (asker is CheckAsker.Person || after.Status != row.State.Status || step != row.CheckedStep)
        {
            notices.Publish(new ChangeNotice(typeof(Credential), id, storage.AudienceOf([id], [])));
        }
    }

    private async Task<DueCheck?> FindDueAsync(int id, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials
            .Where(credential => credential.Id == id && credential.NextCheckAt <= now)
            .SelectMany(credential => credential.Keys.Where(key => key.Uid == credential.CurrentKeyUid))
            .Select(key => new DueCheck(key.Credential!.Uid, key.Uid, key.Fingerprint, key.Ciphertext))
            .SingleOrDefaultAsync(cancellationToken);
    }

    // There is nothing to ask about; it would stand in front of all others for ever.
    private async Task PostponeAsync(int id, CancellationToken cancellationToken)
    {
        var later = time.GetUtcNow() + options.Value.Every;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await storage.Credentials.Where(credential => credential.Id == id)
            .ExecuteUpdateAsync(update => update.SetProperty(credential => credential.NextCheckAt, later), cancellationToken);
    }

    private Task<int> ForgetOldAsync(StorageContext storage, int id, CancellationToken cancellationToken)
    {
        var ofCredential = storage.CredentialChecks.Where(check => check.CredentialId == id);
        return ofCredential
            .Where(check => check.Id <= ofCredential.OrderByDescending(newest => newest.Id).Skip(options.Value.History).Select(newest => newest.Id).FirstOrDefault())
            .ExecuteDeleteAsync(cancellationToken);
    }

    // Any chance will do; this one has no seed to share.
    private static double Chance() => RandomNumberGenerator.GetInt32(1000) / 1000d;

    private sealed record DueCheck(Guid Credential, Guid Key, string Fingerprint, byte[] Ciphertext);
}
