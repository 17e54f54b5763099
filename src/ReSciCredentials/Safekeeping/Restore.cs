using System.Globalization;
using Microsoft.Data.Sqlite;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>What a restore did.</summary>
/// <param name="Aside">Where the database that was there before lies now; null when there was none.</param>
/// <param name="SessionsEnded">How many sign-ins of the backup's time are over.</param>
/// <param name="Tokens">What works again because it worked when the backup was made.</param>
internal sealed record RestoreReport(Backup Backup, string? Aside, int SessionsEnded, IReadOnlyList<TokenToThinkAbout> Tokens);

/// <summary>
/// Puts a backup in the place of the database. Everything is checked and prepared beside it; what then happens is one rename, so that a process that
/// dies leaves either the old database or the new one, each with its key.
/// </summary>
internal sealed class Restore(
    StorageFiles files, ProcessLock processLock, KeyFile keyFile, Backups backups, Sessions sessions, IHostEnvironment environment, TimeProvider time)
{
    /// <param name="key">The recovery key that the backup was made under.</param>
    /// <exception cref="BackupRefusedException">Nothing was changed; the message says why.</exception>
    /// <exception cref="StartRefusedException">The data directory or the key file cannot be used.</exception>
    public async Task<RestoreReport> RunAsync(string path, RecoveryKey key, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var backup = await backups.CheckAsync(path, key, progress, cancellationToken);
        files.PrepareDirectory();
        if (!processLock.TryTake())
        {
            throw new BackupRefusedException($"A server, or another command, works in {files.Directory}. Stop it first. Nothing was changed.");
        }

        try
        {
            using var work = WorkDirectory.MakeIn(files.Directory);
            WorkDirectory.RemoveLeftBehind(files.Directory);
            await backup.ExtractAsync(work.Database, progress, cancellationToken);
            progress?.Report(new HowFar("Opening"));
            int ended;
            IReadOnlyList<TokenToThinkAbout> tokens;
            await using (var copy = await OpenedCopy.OpenAsync(work, backup.Manifest, key, environment, time, cancellationToken))
            {
                (ended, tokens) = await PrepareAsync(copy, backup, cancellationToken);
                await copy.FinishAsync(work.Database, cancellationToken);
            }

            // From here on nothing is awaited that could be cancelled: it is a matter of a moment, and half of it would be confusing.
            var isOtherKey = !HoldsInPlace(key);
            if (isOtherKey)
            {
                keyFile.WriteSuccessor(key);
            }

            var aside = PutAside();
            Durable.Rename(work.Database, files.Database, replace: true);
            if (isOtherKey)
            {
                keyFile.Adopt();
            }

            return new RestoreReport(new Backup(path, backup.Manifest), aside, ended, tokens);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new BackupRefusedException($"The restore was not finished: {exception.Message} The database is as it was.");
        }
    }

    private async Task<(int Ended, IReadOnlyList<TokenToThinkAbout> Tokens)> PrepareAsync(OpenedCopy copy, BackupFile backup, CancellationToken cancellationToken)
    {
        await using var storage = await copy.StorageAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var ended = await sessions.EndEverybodysInAsync(storage, cancellationToken);
        copy.Audit.Add(
            storage,
            Actor.CommandLine,
            AuditEvents.RestoreBackup,
            JobRunner.ItemType,
            0,
            $"backup of {backup.Manifest.MadeAt.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)}");
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (ended.Count, await TokenToThinkAbout.ListAsync(storage, time.GetUtcNow(), cancellationToken));
    }

    private bool HoldsInPlace(RecoveryKey key)
    {
        try
        {
            return keyFile.Read()?.Id == key.Id;
        }
        catch (StartRefusedException)
        {
            // A file that cannot be used is kept aside like any other.
            return false;
        }
    }

    // Copied, not moved: until the rename the old database stays where it is. Its write-ahead log must be gone by then, or SQLite would
    // play it into the new one.
    private string? PutAside()
    {
        if (!File.Exists(files.Database) || new FileInfo(files.Database).Length == 0)
        {
            return null;
        }

        BringTogether();
        var name = $"before-restore-{time.GetUtcNow().UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        var aside = Path.Combine(files.Directory, name);
        for (var number = 2; Directory.Exists(aside); number++)
        {
            aside = Path.Combine(files.Directory, string.Create(CultureInfo.InvariantCulture, $"{name}-{number}"));
        }

        StorageFiles.MakeDirectory(aside);
        string[] parts = [files.Database, files.Database + "-wal", files.Database + "-shm"];
        foreach (var part in parts.Where(File.Exists))
        {
            var kept = Path.Combine(aside, Path.GetFileName(part));
            File.Copy(part, kept);
            Durable.Flush(kept);
        }

        Durable.Flush(aside);
        Durable.Flush(files.Directory);
        foreach (var part in parts[1..])
        {
            File.Delete(part);
        }

        Durable.Flush(files.Directory);
        return aside;
    }

    private void BringTogether()
    {
        try
        {
            using var connection = new SqliteConnection($"{StorageSetup.ConnectionString(files.Database)};Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
            command.ExecuteNonQuery();
        }
        catch (SqliteException)
        {
            // It is damaged, which may be why it is replaced: its parts are kept as they are.
        }
    }
}
