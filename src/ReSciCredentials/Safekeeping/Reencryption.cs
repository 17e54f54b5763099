using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Credentials;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>What re-encryption did.</summary>
/// <param name="Looked">Keys that were looked at: all of them.</param>
/// <param name="Changed">Those that were under an older key of the ring.</param>
/// <param name="Unreadable">The credentials of keys that do not open; they stay as they are.</param>
internal sealed record ReencryptionReport(long Looked, long Changed, IReadOnlyList<int> Unreadable);

/// <summary>
/// Puts every stored key under the newest key of the ring, while everybody goes on reading and writing. Each piece is a transaction, and what is done
/// already is passed over: so it can be cut off anywhere and run again.
/// </summary>
internal sealed class Reencryption(
    IDbContextFactory<StorageContext> contexts, SecretProtector protector, ServerSeal seal, Sentinel sentinel, KeyWiper wiper)
{
    /// <summary>Few enough that another writer hardly notices.</summary>
    private const int AtOnce = 200;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(100);

    /// <summary>Whether some key that opens is under an older key of the ring.</summary>
    public async Task<bool> IsDueAsync(CancellationToken cancellationToken)
    {
        var last = Guid.Empty;
        while (await NextAsync(last, cancellationToken) is { Count: > 0 } rows)
        {
            if (rows.Exists(row => TryReprotect(row, []) is not null))
            {
                return true;
            }

            last = rows[^1].Uid;
        }

        return false;
    }

    /// <exception cref="ServerSealedException"/>
    public async Task<ReencryptionReport> RunAsync(IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var (looked, changed, last) = (0L, 0L, Guid.Empty);
        List<int> unreadable = [];
        var total = await CountAsync(cancellationToken);
        while (await NextAsync(last, cancellationToken) is { Count: > 0 } rows)
        {
            var began = TimeProvider.System.GetTimestamp();
            await seal.DemandAsync(sentinel, cancellationToken);
            var anew = rows.Select(row => (Row: row, Ciphertext: TryReprotect(row, unreadable))).Where(pair => pair.Ciphertext is not null).ToList();
            if (anew.Count > 0)
            {
                changed += await WriteAsync(anew, cancellationToken);
                // SQLite lets writers wait for each other by trying again: one that leaves no gap would keep the others out.
                var took = TimeProvider.System.GetElapsedTime(began);
                await Task.Delay(took < LongestPause ? took : LongestPause, TimeProvider.System, cancellationToken);
            }

            looked += rows.Count;
            last = rows[^1].Uid;
            progress?.Report(new HowFar("Encrypting keys anew", looked, Math.Max(total, looked)));
        }

        if (changed > 0)
        {
            // The old ciphertexts are overwritten; nor are they to stay in the write-ahead log.
            await wiper.CutLogAsync(cancellationToken);
        }

        return new ReencryptionReport(looked, changed, unreadable);
    }

    private async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.CredentialKeys.IgnoreQueryFilters().LongCountAsync(cancellationToken);
    }

    private async Task<List<StoredSecret>> NextAsync(Guid last, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await StoredSecrets.After(storage, last).Take(AtOnce).ToListAsync(cancellationToken);
    }

    private byte[]? TryReprotect(StoredSecret row, List<int> unreadable)
    {
        try
        {
            return protector.Reprotect(row.Ciphertext, row.CredentialUid, row.Uid);
        }
        catch (UnreadableSecretException)
        {
            unreadable.Add(row.CredentialId);
            return null;
        }
    }

    private async Task<int> WriteAsync(List<(StoredSecret Row, byte[]? Ciphertext)> anew, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var written = 0;
        foreach (var (row, ciphertext) in anew)
        {
            // Only over what was read: a key that was wiped meanwhile stays wiped.
            written += await storage.CredentialKeys.IgnoreQueryFilters()
                .Where(key => key.Uid == row.Uid && key.Ciphertext == row.Ciphertext)
                .ExecuteUpdateAsync(key => key.SetProperty(k => k.Ciphertext, ciphertext), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return written;
    }
}
