using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>
/// A known text that the recovery key sealed. Whether it opens tells, before anything is read or written, that the right key is loaded.
/// The fingerprint key is made and sealed with it.
/// </summary>
internal sealed class Sentinel(IDbContextFactory<StorageContext> contexts)
{
    private const string SentinelName = "sentinel";
    private const string FingerprintName = "fingerprint-key";

    private static ReadOnlySpan<byte> KnownText => "ReSci Credentials"u8;

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
            .Where(value => value.Name == SentinelName || value.Name == FingerprintName)
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

        return key.TryOpen(SentinelName, sentinel.Sealed) is { } text && KnownText.SequenceEqual(text)
            && values.TryGetValue(FingerprintName, out var fingerprint) && key.TryOpen(FingerprintName, fingerprint.Sealed) is { } fingerprintKey
            ? new SentinelAnswer(null, fingerprintKey)
            : new SentinelAnswer(new SealReason(SealCause.SentinelDamaged, sentinel.RecoveryKeyId, key.Id), null);
    }

    /// <summary>The id of the recovery key that the database is sealed with; null when it does not tell.</summary>
    public async Task<string?> NeededKeyIdAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await HasTablesAsync(storage, cancellationToken)
            ? await storage.SealedValues.Where(value => value.Name == SentinelName).Select(value => value.RecoveryKeyId).SingleOrDefaultAsync(cancellationToken)
            : null;
    }

    public async Task WriteAsync(RecoveryKey key, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        storage.SealedValues.Add(SealedBy(key, SentinelName, KnownText));
        storage.SealedValues.Add(SealedBy(key, FingerprintName, RandomNumberGenerator.GetBytes(32)));
        await storage.SaveChangesAsync(cancellationToken);
    }

    private static SealedValue SealedBy(RecoveryKey key, string name, ReadOnlySpan<byte> value) =>
        new() { Name = name, RecoveryKeyId = key.Id, Sealed = key.Seal(name, value) };

    // Asked before the migrations run: on the very first start there is nothing yet.
    private static async Task<bool> HasTablesAsync(StorageContext storage, CancellationToken cancellationToken) =>
        await storage.Database
            .SqlQuery<int>($"SELECT count(*) AS Value FROM sqlite_master WHERE name IN ('sealed_values', 'ring_elements', 'credential_keys')")
            .SingleAsync(cancellationToken) == 3;
}

/// <summary>What the sentinel said: either the reason to stay sealed, or the fingerprint key that it vouches for.</summary>
internal sealed record SentinelAnswer(SealReason? Reason, byte[]? FingerprintKey);
