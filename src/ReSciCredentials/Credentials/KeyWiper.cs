using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Wipes what nobody can want back any more: previous keys whose time is over, and credentials that were deleted and not brought back.
/// SQLite overwrites the rows (<c>secure_delete</c>) and the write-ahead log is cut, so that no ciphertext stays in either file.
/// </summary>
internal sealed partial class KeyWiper(
    IDbContextFactory<StorageContext> contexts, ServerSeal seal, AuditLog audit, TimeProvider time, ILogger<KeyWiper> logger) : BackgroundService
{
    /// <summary>How long a deleted credential can be brought back.</summary>
    public static readonly TimeSpan UndoTime = TimeSpan.FromSeconds(10);

    private const int AtOnce = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    // Not known at the start: the server may have been killed between a wipe and the cut.
    private volatile bool _logIsCut;

    /// <summary>Wipes what is due now.</summary>
    /// <returns>How many keys and credentials are gone.</returns>
    public async Task<int> WipeDueAsync(CancellationToken cancellationToken)
    {
        var wiped = 0;
        int round;
        do
        {
            round = await WipeSomeAsync(cancellationToken);
            wiped += round;
        }
        while (round >= AtOnce);

        if (wiped > 0 || !_logIsCut)
        {
            await CutLogAsync(cancellationToken);
        }

        if (wiped > 0)
        {
            LogWiped(wiped);
        }

        return wiped;
    }

    /// <summary>
    /// Cuts the write-ahead log after something was wiped, so that its ciphertext is in neither file. SQLite cannot cut a log that somebody is just
    /// reading from; then the next round does.
    /// </summary>
    public async Task CutLogAsync(CancellationToken cancellationToken)
    {
        _logIsCut = false;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await storage.Database.OpenConnectionAsync(cancellationToken);
        await using var command = storage.Database.GetDbConnection().CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        // The first column says whether it was kept from finishing.
        _logIsCut = await command.ExecuteScalarAsync(cancellationToken) is 0L;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (seal.Reason is null)
                {
                    await WipeDueAsync(stoppingToken);
                }
            }
            catch (DbUpdateConcurrencyException)
            {
                // Somebody changed a credential in the same moment, perhaps brought it back: the next round looks again.
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogWipeFailed(exception);
            }
        }
    }

    private async Task<int> WipeSomeAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var deletedBefore = now - UndoTime;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);

        var credentials = storage.Credentials.IgnoreQueryFilters();
        var deleted = await credentials.Where(credential => credential.DeletedAt <= deletedBefore)
            .OrderBy(credential => credential.DeletedAt)
            .Take(AtOnce)
            .ToListAsync(cancellationToken);
        storage.Credentials.RemoveRange(deleted);

        var outlived = await credentials.Where(credential => credential.PreviousKeyWipedAt <= now && credential.DeletedAt == null)
            .OrderBy(credential => credential.PreviousKeyWipedAt)
            .Take(AtOnce)
            .ToListAsync(cancellationToken);
        foreach (var credential in outlived)
        {
            var previous = credential.PreviousKeyUid;
            (credential.PreviousKeyUid, credential.PreviousKeyWipedAt) = (null, null);
            storage.CredentialKeys.RemoveRange(await storage.CredentialKeys.Where(key => key.Uid == previous).ToListAsync(cancellationToken));
            audit.Add(storage, Actor.Server, AuditEvents.WipeKey, CredentialVault.ItemType, credential.Id, "previous_key");
        }

        await storage.SaveChangesAsync(cancellationToken);
        return Math.Max(deleted.Count, outlived.Count);
    }

    [LoggerMessage(LogLevel.Information, "Wiped {Count} keys or credentials for good")]
    private partial void LogWiped(int count);

    [LoggerMessage(LogLevel.Error, "Wiping failed; it is tried again")]
    private partial void LogWipeFailed(Exception exception);
}
