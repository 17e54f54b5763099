using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>What is to be done in the transaction in which the audit key is made: whatever was written before is sealed in.</summary>
internal delegate Task AuditBeginning(StorageContext storage, byte[] auditKey, CancellationToken cancellationToken);

/// <summary>
/// A known text that the recovery key sealed. Whether it opens tells, before anything is read or written, that the right key is loaded.
/// The server's own keys are made and sealed with it.
/// </summary>
internal sealed class Sentinel(IDbContextFactory<StorageContext> contexts, AuditBeginning beginAudit)
{
    private const string SentinelName = "sentinel";
    private const string FingerprintName = "fingerprint-key";
    private const string AuditName = "audit-key";
    private const int KeySize = 32;

    // That there is an audit key is said in the sealed text: taking its row away does not turn the database into an old one, whose entries would be taken as they are.
    private static ReadOnlySpan<byte> KnownText => "ReSci Credentials with an audit chain"u8;

    private static ReadOnlySpan<byte> TextBeforeTheChain => "ReSci Credentials"u8;

    /// <summary>Returns null for a database that has neither a sentinel nor a secret: it takes whatever key comes first.</summary>
    /// <param name="key">Null when there is no key file.</param>
    public async Task<SentinelAnswer?> AskAsync(RecoveryKey? key, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await HasTablesAsync(storage, cancellationToken))
        {
            return null;
        }

        var values = await storage.SealedValues.AsNoTracking()
            .Where(value => value.Name == SentinelName || value.Name == FingerprintName || value.Name == AuditName)
            .ToDictionaryAsync(value => value.Name, cancellationToken);
        if (!values.TryGetValue(SentinelName, out var sentinel))
        {
            return await storage.RingElements.AnyAsync(cancellationToken) || await storage.CredentialKeys.AnyAsync(cancellationToken)
                ? new SentinelAnswer(new SealReason(SealCause.SentinelDamaged, LoadedKeyId: key?.Id), null)
                : null;
        }

        if (key is null)
        {
            return new SentinelAnswer(new SealReason(SealCause.KeyFileMissing, sentinel.RecoveryKeyId), null);
        }

        if (sentinel.RecoveryKeyId != key.Id)
        {
            return new SentinelAnswer(new SealReason(SealCause.OtherKey, sentinel.RecoveryKeyId, key.Id), null);
        }

        var text = key.TryOpen(SentinelName, sentinel.Sealed);
        return (Open(key, values, FingerprintName), Open(key, values, AuditName)) switch
        {
            ({ } fingerprint, { } audit) when KnownText.SequenceEqual(text) => new SentinelAnswer(null, new ServerKeys(fingerprint, audit)),
            ({ }, null) when TextBeforeTheChain.SequenceEqual(text) && !values.ContainsKey(AuditName) => new SentinelAnswer(null, null),
            _ => new SentinelAnswer(new SealReason(SealCause.SentinelDamaged, sentinel.RecoveryKeyId, key.Id), null),
        };
    }

    /// <summary>The id of the recovery key that the database is sealed with; null when it does not tell.</summary>
    public async Task<string?> NeededKeyIdAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await HasTablesAsync(storage, cancellationToken)
            ? await storage.SealedValues.Where(value => value.Name == SentinelName).Select(value => value.RecoveryKeyId).SingleOrDefaultAsync(cancellationToken)
            : null;
    }

    /// <summary>Makes what is not there yet: all of it in a new database, the audit key in one from before the audit chain.</summary>
    public async Task WriteAsync(RecoveryKey key, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await storage.SealedValues.Where(value => value.Name == SentinelName).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            storage.SealedValues.Add(SealedBy(key, FingerprintName, RandomNumberGenerator.GetBytes(KeySize)));
        }

        var auditKey = RandomNumberGenerator.GetBytes(KeySize);
        storage.SealedValues.Add(SealedBy(key, SentinelName, KnownText));
        storage.SealedValues.Add(SealedBy(key, AuditName, auditKey));
        await storage.SaveChangesAsync(cancellationToken);
        await beginAudit(storage, auditKey, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static byte[]? Open(RecoveryKey key, Dictionary<string, SealedValue> values, string name) =>
        values.TryGetValue(name, out var value) ? key.TryOpen(name, value.Sealed) : null;

    private static SealedValue SealedBy(RecoveryKey key, string name, ReadOnlySpan<byte> value) =>
        new() { Name = name, RecoveryKeyId = key.Id, Sealed = key.Seal(name, value) };

    // Asked before the migrations run: on the very first start there is nothing yet.
    private static async Task<bool> HasTablesAsync(StorageContext storage, CancellationToken cancellationToken) =>
        await storage.Database
            .SqlQuery<int>($"SELECT count(*) AS Value FROM sqlite_master WHERE name IN ('sealed_values', 'ring_elements', 'credential_keys')")
            .SingleAsync(cancellationToken) == 3;
}

/// <summary>
/// What the sentinel said: either the reason to stay sealed, or the keys that it vouches for. Neither of them for a database from before the audit chain,
/// which opens and whose audit key is still to be made.
/// </summary>
internal sealed record SentinelAnswer(SealReason? Reason, ServerKeys? Keys);

/// <summary>Keys of the server's own: random, sealed in the database, the same for ever.</summary>
/// <param name="Fingerprint">What fingerprints of API keys are made with.</param>
/// <param name="Audit">What audit entries are sealed with.</param>
internal sealed record ServerKeys(byte[] Fingerprint, byte[] Audit);
