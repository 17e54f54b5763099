using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>
/// A new recovery key in the place of the present one. The new key is on the disk before anything is sealed under it; everything is sealed anew in one
/// transaction; then the file takes its place. Whenever the process dies, the database names one of two files, and that one is there.
/// </summary>
internal sealed class RecoveryKeyRotation(IDbContextFactory<StorageContext> contexts, KeyFile keyFile, ServerSeal seal, Sentinel sentinel)
{
    /// <param name="finish">Writes down, within the transaction of the exchange, what came of it.</param>
    /// <exception cref="BackupRefusedException">Something is not sealed by the present key; nothing was changed.</exception>
    /// <exception cref="StartRefusedException">The key file cannot be written; nothing was changed.</exception>
    /// <exception cref="ServerSealedException"/>
    public async Task<JobResult> RunAsync(Func<StorageContext, JobResult, Task> finish, CancellationToken cancellationToken)
    {
        await seal.KeyLock.WaitAsync(cancellationToken);
        try
        {
            await seal.DemandAsync(sentinel, cancellationToken);
            var (before, next) = (seal.RecoveryKey, RecoveryKey.Create());
            var result = new JobResult(
                true,
                $"The recovery key is {next.Id} now. The sheet of {before.Id} opens nothing on this server any more; keep it for the backups made before.");
            keyFile.WriteSuccessor(next);
            await seal.ChangeKeyAsync(async () =>
            {
                await ResealAsync(before, next, storage => finish(storage, result), cancellationToken);
                return next;
            });

            // A ring element that was just being made may have slipped in behind, still under the old key. From now on none can.
            await ResealAsync(before, next, _ => Task.CompletedTask, CancellationToken.None);
            keyFile.Adopt();
            return result;
        }
        finally
        {
            seal.KeyLock.Release();
        }
    }

    private async Task ResealAsync(RecoveryKey before, RecoveryKey next, Func<StorageContext, Task> finish, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        // The write lock first, so that nothing is added between reading and sealing.
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        foreach (var value in await storage.SealedValues.AsNoTracking().Where(value => value.RecoveryKeyId == before.Id).ToListAsync(cancellationToken))
        {
            var plain = before.TryOpen(value.Name, value.Sealed)
                ?? throw new BackupRefusedException($"The value {value.Name} in the database does not open. The recovery key was not exchanged; put the database back from a backup.");
            var anew = next.Seal(value.Name, plain);
            await storage.SealedValues.Where(row => row.Name == value.Name)
                .ExecuteUpdateAsync(row => row.SetProperty(v => v.RecoveryKeyId, next.Id).SetProperty(v => v.Sealed, anew), cancellationToken);
        }

        foreach (var element in await storage.RingElements.AsNoTracking().Where(element => element.RecoveryKeyId == before.Id).ToListAsync(cancellationToken))
        {
            // One that does not open is not ours, and is not used: it stays what it is.
            if (SealedKeyRing.TryOpen(before, element) is { } xml)
            {
                var anew = SealedKeyRing.Seal(next, element, xml);
                await storage.RingElements.Where(row => row.Id == element.Id)
                    .ExecuteUpdateAsync(row => row.SetProperty(e => e.RecoveryKeyId, next.Id).SetProperty(e => e.Sealed, anew), cancellationToken);
            }
        }

        await finish(storage);
        await transaction.CommitAsync(cancellationToken);
    }
}
