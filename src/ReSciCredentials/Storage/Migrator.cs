using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace ReSciCredentials.Storage;

/// <summary>Brings the database to this program's schema. Only the process that holds <see cref="ProcessLock"/> may call it.</summary>
internal sealed partial class Migrator(IDbContextFactory<StorageContext> contexts, StorageFiles files, ILogger<Migrator> logger)
{
    /// <exception cref="StartRefusedException">The database was made by a newer program.</exception>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var known = storage.Database.GetMigrations().ToHashSet(StringComparer.Ordinal);
        var applied = await AppliedAsync(cancellationToken);
        if (await FindNewerAsync(cancellationToken) is { } newer)
        {
            throw new StartRefusedException(
                $"The database was made by a newer version of this program ({newer}). Start that version; nothing was changed.");
        }

        var pending = known.Where(migration => !applied.Contains(migration)).Order(StringComparer.Ordinal).FirstOrDefault();
        if (pending is null)
        {
            return;
        }

        if (applied.Count > 0)
        {
            await CopyAsync(files.CopyBefore(pending), cancellationToken);
            LogCopied(files.CopyBefore(pending));
        }

        await ClearStaleLockAsync(cancellationToken);
        await storage.Database.MigrateAsync(cancellationToken);
    }

    /// <summary>Whether every migration has run: what a second process, such as the command line, waits for.</summary>
    public async Task<bool> IsUpToDateAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var applied = await AppliedAsync(cancellationToken);
        return storage.Database.GetMigrations().All(applied.Contains);
    }

    /// <summary>A migration of a newer program that the database has had; null when there is none.</summary>
    public async Task<string?> FindNewerAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return (await AppliedAsync(cancellationToken)).Except(storage.Database.GetMigrations(), StringComparer.Ordinal).Order(StringComparer.Ordinal).FirstOrDefault();
    }

    // Read without EF, which would first write: GetAppliedMigrations takes the lock that may be stale.
    private async Task<HashSet<string>> AppliedAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = '__EFMigrationsHistory'";
        if (await command.ExecuteScalarAsync(cancellationToken) is 0L)
        {
            return [];
        }

        command.CommandText = "SELECT MigrationId FROM __EFMigrationsHistory";
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var applied = new HashSet<string>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancellationToken))
        {
            applied.Add(rows.GetString(0));
        }

        return applied;
    }

    private async Task CopyAsync(string copy, CancellationToken cancellationToken)
    {
        File.Delete(copy);
        // VACUUM INTO takes an empty file, so the copy is never readable by others.
        StorageFiles.OpenOwnerOnly(copy, FileMode.CreateNew).Dispose();
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "VACUUM INTO $copy";
        command.Parameters.AddWithValue("$copy", copy);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // A process that died while migrating leaves EF's lock behind for ever. We hold the lock that counts.
    private async Task ClearStaleLockAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "DROP TABLE IF EXISTS __EFMigrationsLock";
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<SqliteConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(StorageSetup.ConnectionString(files));
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    [LoggerMessage(LogLevel.Information, "The database is about to change its schema; a copy of it as it was is {Copy}")]
    private partial void LogCopied(string copy);
}
