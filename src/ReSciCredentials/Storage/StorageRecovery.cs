using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace ReSciCredentials.Storage;

/// <summary>While the disk is in trouble, tries every five seconds whether it takes a change again, so that nobody has to restart the server.</summary>
internal sealed partial class StorageRecovery(
    StorageTrouble trouble, StorageFiles files, WriteGuard guard, IDbContextFactory<StorageContext> contexts, TimeProvider time, ILogger<StorageRecovery> logger)
    : BackgroundService
{
    /// <summary>One small change may find a place where the next real one does not: not before so many bytes are free.</summary>
    private const long RoomNeeded = 4 << 20;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (trouble.Fault is not null and not StorageFault.Damaged && !guard.IsShut)
            {
                await TryAsync(stoppingToken);
            }
        }
    }

    private async Task TryAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (new DriveInfo(files.Directory).AvailableFreeSpace < RoomNeeded)
            {
                return;
            }

            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            // Nobody reads this number; setting it writes a page and commits it, like any change.
            await storage.Database.ExecuteSqlRawAsync("PRAGMA user_version = 0", cancellationToken);
            trouble.NoteWritten();
        }
        catch (Exception exception) when (exception is SqliteException or IOException or WritesRefusedException)
        {
            LogStill(exception.Message);
        }
    }

    [LoggerMessage(LogLevel.Debug, "The disk under the database is still in trouble: {Reason}")]
    private partial void LogStill(string reason);
}
