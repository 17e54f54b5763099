using System.Globalization;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>Looks at everything that keeps the server from losing or exposing what it stores. Changes nothing; runs beside the server or without it.</summary>
internal sealed class ServerCheck(
    StorageFiles files,
    StorageTrouble trouble,
    KeyFile keyFile,
    Migrator migrator,
    Sentinel sentinel,
    Opening opening,
    ServerSeal seal,
    IKeyManager ring,
    SecretProtector protector,
    Backups backups,
    BackupSchedule schedule,
    Jobs jobs,
    ReSciClient reSci,
    IDbContextFactory<StorageContext> contexts,
    TimeProvider time)
{
    private const int AtOnce = 1000;
    private const int Named = 20;
    private const long Megabyte = 1024 * 1024;
    private const long LeastFree = 100 * Megabyte;

    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    /// <summary>Everything, down to whether each stored key opens and whether ReSci answers.</summary>
    public async Task<IReadOnlyList<Finding>> RunAsync(IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        // Settings that cannot be used are refused before anything gets here.
        List<Finding> findings = [Finding.Good("settings", "They can be read."), .. Files()];
        if (!File.Exists(files.Database) || new FileInfo(files.Database).Length == 0)
        {
            findings.Add(Finding.Warning("database", $"There is none yet in {files.Directory}. The first start makes it."));
        }
        else
        {
            progress?.Report(new HowFar("Reading the database"));
            findings.Add(await IntegrityAsync(cancellationToken));
            if (findings[^1].State is not FindingState.Fault && await SchemaAsync(cancellationToken) is var schema)
            {
                findings.Add(schema);
                findings.AddRange(schema.State is FindingState.Good ? await InsideAsync(progress, cancellationToken) : []);
            }
        }

        findings.Add(Disk());
        progress?.Report(new HowFar("Asking ReSci"));
        findings.Add(await ReSciAsync(cancellationToken));
        return findings;
    }

    /// <summary>What costs next to nothing to find out, for the health of a running server.</summary>
    public async Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) =>
    [
        .. Files(),
        Writing(),
        await RingAsync(cancellationToken),
        Disk(),
        await ClockAsync(cancellationToken),
        await BackupAsync(cancellationToken),
    ];

    private async Task<IReadOnlyList<Finding>> InsideAsync(IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var found = await SentinelAsync(cancellationToken);
        return found.State is FindingState.Fault
            ? [found]
            :
            [
                found,
                await RingAsync(cancellationToken),
                await SecretsAsync(progress, cancellationToken),
                await ClockAsync(cancellationToken),
                await BackupAsync(cancellationToken),
            ];
    }

    private IEnumerable<Finding> Files()
    {
        string[] paths = [files.Directory, files.Database, files.Database + "-wal", files.Database + "-shm", backups.Directory];
        var open = paths.Where(IsOpenToOthers).ToList();
        yield return open.Count == 0
            ? Finding.Good("files", "Nobody but the server's account can read them.")
            : Finding.Fault("files", $"Other accounts of this machine may use {string.Join(", ", open)}. Run: chmod go-rwx {string.Join(' ', open)}");

        Finding key;
        try
        {
            key = keyFile.Read() is { } found
                ? Finding.Good("recovery key", $"{found.Id}, in {keyFile.FilePath}.")
                : Finding.Fault("recovery key", $"There is no file {keyFile.FilePath}. Put it back, from your copy or the recovery sheet.");
        }
        catch (StartRefusedException exception)
        {
            key = Finding.Fault("recovery key", exception.Message);
        }

        yield return key;
    }

    private static bool IsOpenToOthers(string path) => (File.Exists(path) || Directory.Exists(path)) && SecretFile.CanOthersUse(path);

    private async Task<Finding> IntegrityAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await CopyCheck.OpenAsync(files.Database, cancellationToken);
            return await CopyCheck.FaultOfAsync(connection, cancellationToken) is { } fault
                ? Finding.Fault("database", $"It is damaged: {fault}. Stop the server, keep the files, and restore the newest backup.")
                : Finding.Good("database", "SQLite finds no fault in it.");
        }
        catch (SqliteException exception)
        {
            return Finding.Fault("database", $"It cannot be opened: {exception.Message}. Stop the server, keep the files, and restore the newest backup.");
        }
    }

    // What changes met last, which is all that a look may know: it changes nothing.
    private Finding Writing()
    {
        if (trouble.Fault is not { } fault)
        {
            return Finding.Good("database", "Changes are written.");
        }

        var (title, text) = StorageNotice.Words(fault);
        return Finding.Fault("database", $"{title}. {text}");
    }

    private async Task<Finding> SchemaAsync(CancellationToken cancellationToken) =>
        await migrator.FindNewerAsync(cancellationToken) is { } newer
            ? Finding.Fault("schema", $"The database was made by a newer version of this program ({newer}). Use that version.")
            : await migrator.IsUpToDateAsync(cancellationToken)
                ? Finding.Good("schema", "It is this program's.")
                : Finding.Warning("schema", "It is an older one. The next start brings it up to date, after making a copy; until then no more is looked at.");

    private async Task<Finding> SentinelAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!await opening.TryJoinAsync(cancellationToken))
            {
                return Finding.Fault("sentinel", $"The database needs recovery key {await sentinel.NeededKeyIdAsync(cancellationToken) ?? "unknown"}, and there is none.");
            }
        }
        catch (StartRefusedException exception)
        {
            return Finding.Fault("sentinel", exception.Message);
        }

        return seal.Reason is { } reason
            ? Finding.Fault("sentinel", $"Sealed ({reason.Cause}): the database needs recovery key {reason.NeededKeyId ?? "unknown"}, found is {reason.LoadedKeyId ?? "none"}.")
            : Finding.Good("sentinel", "The recovery key opens the database.");
    }

    private async Task<Finding> RingAsync(CancellationToken cancellationToken)
    {
        if (seal.Reason is not null)
        {
            return Finding.Fault("key ring", "The server is sealed.");
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var elements = await storage.RingElements.AsNoTracking().ToListAsync(cancellationToken);
        var foreign = elements.Where(element => SealedKeyRing.TryOpen(seal.RecoveryKey, element) is null).Select(element => element.Id).ToList();
        if (foreign.Count > 0)
        {
            return Finding.Fault(
                "key ring",
                $"Of {elements.Count} elements these were not sealed by the recovery key, or were changed: {string.Join(", ", foreign.Take(Named))}. They are not used. Somebody may have edited the database.");
        }

        // Data Protection goes by the system's clock.
        var now = TimeProvider.System.GetUtcNow();
        var newest = ring.GetAllKeys().Where(key => !key.IsRevoked && key.ActivationDate <= now && key.ExpirationDate > now).Max(key => (DateTimeOffset?)key.ExpirationDate);
        return newest is { } until
            ? Finding.Good("key ring", $"All of it opens; the key in use is good until {Day(until)} and is followed by itself.")
            : Finding.Fault("key ring", "No key of it is valid now. Start the server: it makes one.");
    }

    private async Task<Finding> SecretsAsync(IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var total = await storage.CredentialKeys.IgnoreQueryFilters().LongCountAsync(cancellationToken);
        SortedSet<int> bad =
        [
            .. await storage.Credentials.IgnoreQueryFilters()
                .Where(credential => !credential.Keys.Any(key => key.Uid == credential.CurrentKeyUid))
                .Select(credential => credential.Id)
                .Take(Named)
                .ToListAsync(cancellationToken),
        ];
        var (looked, last) = (0L, Guid.Empty);
        while (await StoredSecrets.After(storage, last).Take(AtOnce).ToListAsync(cancellationToken) is { Count: > 0 } rows)
        {
            bad.UnionWith(rows.Where(row => !protector.CanOpen(row.Ciphertext, row.CredentialUid, row.Uid)).Select(row => row.CredentialId));
            last = rows[^1].Uid;
            progress?.Report(new HowFar("Opening keys", looked += rows.Count, total));
        }

        return bad.Count == 0
            ? Finding.Good("stored keys", looked == 0 ? "There are none yet." : string.Create(CultureInfo.InvariantCulture, $"All {looked} open."))
            : Finding.Fault("stored keys", $"Those of these credentials are missing or do not open: {string.Join(", ", bad.Take(Named))}. Replace them, or restore a backup.");
    }

    private Finding Disk()
    {
        var database = new FileInfo(files.Database) is { Exists: true } file ? file.Length : 0;
        // A backup needs twice the database for a moment, a migration once.
        var wanted = (3 * database) + LeastFree;
        string[] places = [files.Directory, backups.Directory];
        var scarce = places.Where(Directory.Exists).Select(place => (Place: place, Free: new DriveInfo(place).AvailableFreeSpace)).Where(place => place.Free < wanted).ToList();
        return scarce.Count == 0
            ? Finding.Good("disk", "There is room.")
            : Finding.Warning("disk", string.Create(
                CultureInfo.InvariantCulture, $"Only {scarce[0].Free / Megabyte} MB are free for {scarce[0].Place}; {wanted / Megabyte} MB should be. Make room."));
    }

    private async Task<Finding> ClockAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var last = await storage.AuditEntries.OrderByDescending(entry => entry.Id).Select(entry => (DateTimeOffset?)entry.At).FirstOrDefaultAsync(cancellationToken);
        return last is { } at && at > time.GetUtcNow() + ClockTolerance
            ? Finding.Fault("clock", string.Create(CultureInfo.InvariantCulture, $"It is behind the newest entry of the audit log, of {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC. Set it right."))
            : Finding.Good("clock", "It is not behind what was written last.");
    }

    private async Task<Finding> BackupAsync(CancellationToken cancellationToken)
    {
        var (last, next) = (await jobs.LastGoodAsync(JobKind.Backup, cancellationToken), await schedule.NextAsync(cancellationToken));
        var late = next is { } due && due + TimeSpan.FromHours(1) < time.GetUtcNow();
        return (last?.FinishedAt, next, late) switch
        {
            (null, _, _) => Finding.Warning("backup", "None was made yet."),
            ({ } at, null, _) => Finding.Warning("backup", $"The last is of {Moment(at)}; the server makes none by itself (Backups:Enabled)."),
            ({ } at, _, true) => Finding.Warning("backup", $"The last is of {Moment(at)}; the next is overdue. {(await jobs.LastAsync(JobKind.Backup, cancellationToken))?.Detail}"),
            ({ } at, { } when, false) => Finding.Good("backup", $"The last is of {Moment(at)}, the next is due {Moment(when)}."),
        };
    }

    private async Task<Finding> ReSciAsync(CancellationToken cancellationToken) =>
        await reSci.ReachAsync(cancellationToken) is { } step
            ? Finding.Warning("ReSci", $"{Verdict.TitleOf(step, null)} {Verdict.AdviceOf(step)}")
            : Finding.Good("ReSci", "It answers. No key was sent.");

    private static string Day(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Moment(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
