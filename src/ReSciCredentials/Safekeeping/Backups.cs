using System.Globalization;
using System.Reflection;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>A backup that was made or looked at.</summary>
internal sealed record Backup(string Path, BackupManifest Manifest);

/// <summary>What a rehearsal of a restore found.</summary>
/// <param name="Opened">Keys that opened.</param>
/// <param name="Unreadable">The credentials of those that did not.</param>
internal sealed record DrillReport(Backup Backup, long Opened, IReadOnlyList<int> Unreadable, TimeSpan Took);

/// <summary>Making, verifying and rehearsing backups. All of it runs beside the server, which goes on reading and writing.</summary>
internal sealed partial class Backups(
    IOptions<BackupsOptions> options,
    StorageFiles files,
    KeyFile keyFile,
    ServerSeal seal,
    IDbContextFactory<StorageContext> contexts,
    IHostEnvironment environment,
    TimeProvider time,
    ILogger<Backups> logger)
{
    private const string Beginning = "resci-credentials-";

    public static string ProgramVersion { get; } =
        typeof(Backups).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Where backups lie.</summary>
    public string Directory { get; } = options.Value.Directory is { Length: > 0 } named
        ? System.IO.Path.GetFullPath(named, environment.ContentRootPath)
        : System.IO.Path.GetFullPath(System.IO.Path.Combine("..", "backups"), files.Directory);

    /// <summary>Copies the database, makes sure that the copy can be restored, and puts it into the directory. Then the oldest beyond the number to keep go.</summary>
    /// <param name="directory">Null: where they always lie; nothing is removed from anywhere else.</param>
    /// <exception cref="BackupRefusedException">It was not made; the message says why. Nothing is left behind.</exception>
    /// <exception cref="ServerSealedException"/>
    public async Task<Backup> CreateAsync(string? directory, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var key = seal.RecoveryKey;
        var place = directory is null ? Directory : System.IO.Path.GetFullPath(directory);
        try
        {
            RefuseKeyIn(place);
            using var work = WorkDirectory.MakeIn(place);
            WorkDirectory.RemoveLeftBehind(place);
            progress?.Report(new HowFar("Copying"));
            var madeAt = time.GetUtcNow();
            var rows = await CopyAsync(work.Database, cancellationToken);
            progress?.Report(new HowFar("Verifying"));
            await CopyCheck.DemandSoundAsync(work.Database, key, rows, cancellationToken);
            var draft = new BackupManifest(madeAt, ProgramVersion, await SchemaAsync(cancellationToken), key.Id, 0, "", rows);
            var path = FreeName(place, madeAt);
            var manifest = await BackupFile.WriteAsync(work.Database, path, draft, key, progress, cancellationToken);
            LogMade(path, manifest.Secrets);
            if (directory is null)
            {
                RemoveBeyondKept();
            }

            return new Backup(path, manifest);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw new BackupRefusedException($"No backup was made in {place}: {exception.Message}");
        }
    }

    /// <summary>The backups in the directory, the newest first. What cannot be read as one is left out.</summary>
    public async Task<IReadOnlyList<Backup>> ListAsync(CancellationToken cancellationToken)
    {
        List<Backup> backups = [];
        foreach (var path in Names())
        {
            try
            {
                backups.Add(new Backup(path, (await BackupFile.OpenAsync(path, cancellationToken)).Manifest));
            }
            catch (BackupRefusedException exception)
            {
                LogUnreadable(exception.Message);
            }
        }

        return backups;
    }

    /// <summary>The newest file in the directory.</summary>
    /// <exception cref="BackupRefusedException">There is none.</exception>
    public string Newest() => Names().FirstOrDefault() ?? throw new BackupRefusedException($"There is no backup in {Directory}.");

    /// <summary>Finds the recovery key of a backup among those that are on this machine.</summary>
    /// <exception cref="BackupRefusedException">None fits.</exception>
    public async Task<RecoveryKey> FindKeyAsync(string path, CancellationToken cancellationToken)
    {
        var needed = (await BackupFile.OpenAsync(path, cancellationToken)).Manifest.RecoveryKeyId;
        return keyFile.Find(needed)
            ?? throw new BackupRefusedException($"{path} needs recovery key {needed}, which is not on this machine. Give it with --key-file or --sheet-stdin.");
    }

    /// <summary>Finds out whether a backup is whole, ours and sound.</summary>
    /// <exception cref="BackupRefusedException">It is not; the message says what is wrong.</exception>
    public async Task<Backup> VerifyAsync(string path, RecoveryKey key, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        using var work = MakeWork(path);
        var backup = await CheckAsync(path, key, progress, cancellationToken);
        await backup.ExtractAsync(work.Database, progress, cancellationToken);
        progress?.Report(new HowFar("Verifying"));
        await CopyCheck.DemandSoundAsync(work.Database, key, backup.Manifest.Rows, cancellationToken);
        return new Backup(path, backup.Manifest);
    }

    /// <summary>Restores a backup into a temporary place as a new machine would, and opens every key in it.</summary>
    /// <exception cref="BackupRefusedException">It cannot be restored; the message says why.</exception>
    public async Task<DrillReport> DrillAsync(string path, RecoveryKey key, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var work = MakeWork(path);
        var backup = await CheckAsync(path, key, progress, cancellationToken);
        await backup.ExtractAsync(work.Database, progress, cancellationToken);
        progress?.Report(new HowFar("Opening"));
        await using var copy = await OpenedCopy.OpenAsync(work, backup.Manifest, key, environment, time, cancellationToken);
        var (opened, unreadable) = await copy.OpenEverySecretAsync(progress, cancellationToken);
        return new DrillReport(new Backup(path, backup.Manifest), opened, unreadable, time.GetElapsedTime(started));
    }

    /// <summary>Reads the whole file; changes nothing.</summary>
    /// <exception cref="BackupRefusedException">As for <see cref="VerifyAsync"/>.</exception>
    public async Task<BackupFile> CheckAsync(string path, RecoveryKey key, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var backup = await BackupFile.OpenAsync(path, cancellationToken);
        await backup.CheckAsync(key, await KnownMigrationsAsync(cancellationToken), progress, cancellationToken);
        return backup;
    }

    // Consistent whoever writes: SQLite copies one state, as a reader sees it. What others do meanwhile goes on and is not in it.
    private async Task<Dictionary<string, long>> CopyAsync(string target, CancellationToken cancellationToken)
    {
        // VACUUM INTO takes an empty file, so the copy is never readable by others.
        StorageFiles.OpenOwnerOnly(target, FileMode.CreateNew).Dispose();
        await using var connection = await CopyCheck.OpenAsync(files.Database, cancellationToken);
        var state = await StateAsync(connection, cancellationToken);
        var before = await CopyCheck.RowsAsync(connection, cancellationToken);
        var oldest = await AuditHeadAsync(connection, cancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandTimeout = 0;
        command.CommandText = "VACUUM INTO $target";
        command.Parameters.AddWithValue("$target", target);
        await command.ExecuteNonQueryAsync(cancellationToken);
        var newest = await AuditHeadAsync(connection, cancellationToken);

        await using var copy = await CopyCheck.OpenAsync(target, cancellationToken);
        var copied = await CopyCheck.RowsAsync(copy, cancellationToken);
        var head = await AuditHeadAsync(copy, cancellationToken);
        var stoodStill = state == await StateAsync(connection, cancellationToken);
        // Amid writers the copy is of some moment in between: then every table may differ, but the audit log, which all that is done adds to, goes on.
        return head >= oldest && head <= newest && (!stoodStill || (copied.Count == before.Count && !copied.Except(before).Any()))
            ? copied
            : throw new BackupRefusedException("The copy does not hold what the database does. Try again, and look at the disk if it happens again.");
    }

    /// <summary>Changes when somebody else has committed anything.</summary>
    private static async Task<long> StateAsync(SqliteConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA data_version";
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task<long> AuditHeadAsync(SqliteConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT ifnull(max(Id), 0) FROM audit_entries";
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<string> SchemaAsync(CancellationToken cancellationToken) => (await KnownMigrationsAsync(cancellationToken))[^1];

    private async Task<IReadOnlyList<string>> KnownMigrationsAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return [.. storage.Database.GetMigrations().Order(StringComparer.Ordinal)];
    }

    private void RefuseKeyIn(string place)
    {
        if (!System.IO.Path.GetRelativePath(place, keyFile.FilePath).StartsWith("..", StringComparison.Ordinal))
        {
            throw new BackupRefusedException(
                $"The recovery key lies below {place}: whoever copies the backups would take their key along. Set Backups:Directory to another directory.");
        }
    }

    // A backup may lie where nothing can be written; then the place for backups serves.
    private WorkDirectory MakeWork(string path)
    {
        var beside = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        try
        {
            return WorkDirectory.MakeIn(System.IO.Directory.Exists(Directory) ? Directory : beside);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupRefusedException($"There is no place to unpack {path}: {exception.Message}");
        }
    }

    private static string FreeName(string place, DateTimeOffset at)
    {
        string path;
        do
        {
            path = System.IO.Path.Combine(
                place, $"{Beginning}{at.UtcDateTime.ToString("yyyyMMdd'T'HHmmss.fff'Z'", CultureInfo.InvariantCulture)}{BackupFile.Extension}");
            at += TimeSpan.FromMilliseconds(1);
        }
        while (File.Exists(path));

        return path;
    }

    // By name, which is by time.
    private string[] Names() => System.IO.Directory.Exists(Directory)
        ? [.. System.IO.Directory.GetFiles(Directory, $"{Beginning}*{BackupFile.Extension}").OrderDescending(StringComparer.Ordinal)]
        : [];

    private void RemoveBeyondKept()
    {
        foreach (var old in Names().Skip(options.Value.Kept))
        {
            File.Delete(old);
            LogRemoved(old);
        }
    }

    [LoggerMessage(LogLevel.Information, "A backup was made: {File} with {Secrets} keys")]
    private partial void LogMade(string file, long secrets);

    [LoggerMessage(LogLevel.Information, "The backup {File} was removed: newer ones are enough")]
    private partial void LogRemoved(string file);

    [LoggerMessage(LogLevel.Warning, "A file among the backups cannot be used: {Reason}")]
    private partial void LogUnreadable(string reason);
}
