using System.Globalization;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>Does a job and writes down what came of it, with its audit entry.</summary>
internal sealed partial class JobRunner(
    IDbContextFactory<StorageContext> contexts,
    ServerSeal seal,
    Opening opening,
    Backups backups,
    Reencryption reencryption,
    RecoveryKeyRotation recoveryKeyRotation,
    Sessions sessions,
    LiveConnections live,
    AuditLog audit,
    TimeProvider time,
    ILogger<JobRunner> logger)
{
    /// <summary>What the audit log calls the thing that is kept safe.</summary>
    public const string ItemType = AuditItems.Server;

    /// <summary>So many jobs are remembered.</summary>
    private const int Kept = 500;

    /// <param name="job">A row that is there, or a new one, which is added at the end.</param>
    public async Task<JobResult> RunAsync(SafekeepingJob job, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        job.StartedAt = time.GetUtcNow();
        try
        {
            var result = await DoAsync(job, progress, cancellationToken);
            LogDone(job.Kind, result.Detail);
            return result;
        }
        catch (Exception exception) when (exception is BackupRefusedException or StartRefusedException or ServerSealedException)
        {
            LogNotDone(job.Kind, exception.Message);
            var result = new JobResult(false, exception.Message);
            await FinishAsync(job, result, cancellationToken);
            return result;
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogFailed(exception, job.Kind);
            var result = new JobResult(false, "A fault of the disk or the database came between; the server's log says which. What was done until then stays. Order it again.");
            await FinishAsync(job, result, cancellationToken);
            return result;
        }
    }

    /// <summary>Makes a backup in this process, whichever serves, and writes it down.</summary>
    /// <param name="directory">Null: where backups always lie.</param>
    /// <exception cref="BackupRefusedException">It was not made, which is written down too.</exception>
    public Task<Backup> BackUpAsync(string? directory, Actor actor, IProgress<HowFar>? progress, CancellationToken cancellationToken) =>
        WriteDownAsync(JobKind.Backup, actor, () => backups.CreateAsync(directory, progress, cancellationToken), Result, cancellationToken);

    /// <summary>Rehearses a restore in this process, whichever serves, and writes down what came of it.</summary>
    /// <exception cref="BackupRefusedException">It cannot be restored, which is written down too.</exception>
    public Task<DrillReport> DrillAsync(string path, RecoveryKey key, Actor actor, IProgress<HowFar>? progress, CancellationToken cancellationToken) =>
        WriteDownAsync(JobKind.Drill, actor, () => backups.DrillAsync(path, key, progress, cancellationToken), Result, cancellationToken);

    /// <summary>Writes down that an order is not carried out.</summary>
    public Task RefuseAsync(SafekeepingJob job, string why, CancellationToken cancellationToken)
    {
        LogNotDone(job.Kind, why);
        return FinishAsync(job, new JobResult(false, why), cancellationToken);
    }

    private async Task<T> WriteDownAsync<T>(JobKind kind, Actor actor, Func<Task<T>> work, Func<T, JobResult> resultOf, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var job = new SafekeepingJob { Uid = Guid.NewGuid(), Kind = kind, RequestedAt = now, RequestedById = actor.AccountId, RequestedBy = actor.Who, StartedAt = now };
        try
        {
            var done = await work();
            await FinishAsync(job, resultOf(done), cancellationToken);
            return done;
        }
        catch (BackupRefusedException exception)
        {
            await FinishAsync(job, new JobResult(false, exception.Message), cancellationToken);
            throw;
        }
    }

    private async Task<JobResult> DoAsync(SafekeepingJob job, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        JobResult result;
        switch (job.Kind)
        {
            case JobKind.Backup:
                result = Result(await backups.CreateAsync(directory: null, progress, cancellationToken));
                break;
            case JobKind.Drill:
                var newest = backups.Newest();
                result = Result(await backups.DrillAsync(newest, await backups.FindKeyAsync(newest, cancellationToken), progress, cancellationToken));
                break;
            case JobKind.Reencrypt:
                result = Result(await reencryption.RunAsync(progress, cancellationToken));
                break;
            case JobKind.RenewRing:
                await opening.AddRingKeyAsync(cancellationToken);
                result = Result(await reencryption.RunAsync(progress, cancellationToken));
                break;
            case JobKind.RotateAll:
                await opening.AddRingKeyAsync(cancellationToken);
                var renewed = Result(await reencryption.RunAsync(progress, cancellationToken));
                return await EndEverythingAsync(job, renewed, cancellationToken);
            case JobKind.RotateRecoveryKey:
                // In one transaction with the exchange: a server that dies right after it must not exchange the key once more.
                return await recoveryKeyRotation.RunAsync((storage, done) => FinishInAsync(storage, job, done, cancellationToken), cancellationToken);
            default:
                throw new InvalidOperationException($"There is no job {job.Kind}.");
        }

        await FinishAsync(job, result, cancellationToken);
        return result;
    }

    private static JobResult Result(Backup backup) =>
        new(true, $"{Path.GetFileName(backup.Path)}, {Keys(backup.Manifest.Secrets)}", backup.Manifest.Secrets);

    public static JobResult Result(DrillReport drill) => new(
        drill.Unreadable.Count == 0,
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Path.GetFileName(drill.Backup.Path)}: {drill.Opened} of {drill.Opened + drill.Unreadable.Count} keys opened, in {drill.Took.TotalSeconds:F1} s")
        + (drill.Unreadable.Count == 0 ? "" : $". Those of these credentials do not: {string.Join(", ", drill.Unreadable.Take(20))}"),
        drill.Opened);

    private static JobResult Result(ReencryptionReport report) => new(
        report.Unreadable.Count == 0,
        $"{Keys(report.Looked)} looked at, {report.Changed} encrypted anew"
        + (report.Unreadable.Count == 0 ? "" : $". Those of these credentials do not open: {string.Join(", ", report.Unreadable.Take(20))}"),
        report.Looked);

    private async Task<JobResult> EndEverythingAsync(SafekeepingJob job, JobResult renewed, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var ended = await sessions.EndEverybodysInAsync(storage, cancellationToken);
        var result = renewed with { Detail = $"{renewed.Detail}; {ended.Count} sign-ins ended" };
        await FinishInAsync(storage, job, result, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        live.EndAll();
        return result;
    }

    private async Task FinishAsync(SafekeepingJob job, JobResult result, CancellationToken cancellationToken)
    {
        if (seal.Reason is not null)
        {
            // Nothing is written; what the job could not do is said by the seal itself.
            return;
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await FinishInAsync(storage, job, result, cancellationToken);
    }

    private async Task FinishInAsync(StorageContext storage, SafekeepingJob job, JobResult result, CancellationToken cancellationToken)
    {
        job.FinishedAt = time.GetUtcNow();
        (job.Succeeded, job.Detail, job.Done) = (result.Succeeded, Shortened(result.Detail), result.Done);
        storage.Update(job);
        audit.Add(storage, new Actor(job.RequestedById, job.RequestedBy, "", ""), VerbOf(job.Kind), ItemType, 0, result.Succeeded ? "done" : "not_done");
        await storage.SaveChangesAsync(cancellationToken);
        await storage.SafekeepingJobs.Where(old => old.Id < job.Id - Kept && old.FinishedAt != null).ExecuteDeleteAsync(cancellationToken);
    }

    private static string VerbOf(JobKind kind) => kind switch
    {
        JobKind.Backup => AuditEvents.Backup,
        JobKind.Drill => AuditEvents.Drill,
        JobKind.Reencrypt => AuditEvents.Reencrypt,
        JobKind.RenewRing => AuditEvents.RenewRing,
        JobKind.RotateAll => AuditEvents.RotateAll,
        JobKind.RotateRecoveryKey => AuditEvents.RotateRecoveryKey,
    };

    private static string Keys(long count) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "key" : "keys")}");

    private static string Shortened(string detail) => detail.Length <= SafekeepingJob.DetailLength ? detail : detail[..SafekeepingJob.DetailLength];

    [LoggerMessage(LogLevel.Information, "{Kind}: {Detail}")]
    private partial void LogDone(JobKind kind, string detail);

    [LoggerMessage(LogLevel.Error, "{Kind} was not done. {Reason}")]
    private partial void LogNotDone(JobKind kind, string reason);

    [LoggerMessage(LogLevel.Error, "{Kind} failed")]
    private partial void LogFailed(Exception exception, JobKind kind);
}
