using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>What came of a job.</summary>
/// <param name="Detail">In a sentence, for people.</param>
/// <param name="Done">How many rows it was about.</param>
internal sealed record JobResult(bool Succeeded, string Detail, long Done = 0);

/// <summary>A job as pages and commands show it.</summary>
/// <param name="Done">Of <paramref name="Total"/>, while it runs.</param>
public sealed record JobView(
    int Id, JobKind Kind, string RequestedBy, DateTimeOffset RequestedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, bool Succeeded, long Done, long Total, string? Detail);

/// <summary>
/// The orders to the server, and the history of what came of them. Whatever changes the key ring runs inside the server, which caches it: so a command
/// beside a running server writes an order and waits.
/// </summary>
internal sealed class Jobs(
    IDbContextFactory<StorageContext> contexts, ServerSeal seal, ProcessLock processLock, JobRunner runner, TimeProvider time)
{
    /// <summary>An order that nobody took for so long is not carried out any more: it would come as a surprise, or is an old one put in again.</summary>
    public static readonly TimeSpan Valid = TimeSpan.FromHours(1);

    /// <summary>How long a command waits for the server to begin.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Whether this process carries its jobs out itself: no server runs.</summary>
    public bool IsAlone => processLock.IsHeld;

    /// <summary>Writes an order down, for the server to carry out as soon as it can. One that waits already is enough.</summary>
    /// <returns>The job's id.</returns>
    public async Task<int> OrderAsync(JobKind kind, Actor actor, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var now = time.GetUtcNow();
        var waiting = await storage.SafekeepingJobs.FirstOrDefaultAsync(
            job => job.Kind == kind && job.FinishedAt == null && job.RequestedAt > now - Valid, cancellationToken);
        if (waiting is not null)
        {
            return waiting.Id;
        }

        var job = NewJob(kind, actor);
        job.Order = seal.RecoveryKey.Seal(ContextOf(job), TextOf(job));
        storage.SafekeepingJobs.Add(job);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return job.Id;
    }

    /// <summary>Has a job done and waits for its end: by the running server, or here when there is none.</summary>
    public async Task<JobResult> RunAsync(JobKind kind, Actor actor, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        if (processLock.IsHeld)
        {
            return await runner.RunAsync(NewJob(kind, actor), progress, cancellationToken);
        }

        var id = await OrderAsync(kind, actor, cancellationToken);
        var began = time.GetTimestamp();
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            var job = await storage.SafekeepingJobs.AsNoTracking().SingleAsync(row => row.Id == id, cancellationToken);
            if (job.FinishedAt is not null)
            {
                return new JobResult(job.Succeeded, job.Detail ?? "", job.Done);
            }

            if (job.StartedAt is null && time.GetElapsedTime(began) > Patience)
            {
                await storage.SafekeepingJobs.Where(row => row.Id == id && row.StartedAt == null).ExecuteDeleteAsync(cancellationToken);
                return new JobResult(false, "The server did not begin. It may be sealed, or of an older version. Nothing was changed.");
            }

            progress?.Report(new HowFar("Working", job.Done, job.Total));
        }

        throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>The newest jobs, the newest first.</summary>
    public async Task<IReadOnlyList<JobView>> ListAsync(int count, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await Views(storage.SafekeepingJobs.OrderByDescending(job => job.Id).Take(count)).ToListAsync(cancellationToken);
    }

    /// <summary>The last of its kind that succeeded.</summary>
    public async Task<JobView?> LastGoodAsync(JobKind kind, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await Views(storage.SafekeepingJobs.Where(job => job.Kind == kind && job.Succeeded).OrderByDescending(job => job.FinishedAt))
            .FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>The last of its kind that was tried.</summary>
    public async Task<JobView?> LastAsync(JobKind kind, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await Views(storage.SafekeepingJobs.Where(job => job.Kind == kind).OrderByDescending(job => job.Id)).FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>The oldest order that waits, or was under way when the server died; null when there is none.</summary>
    public async Task<SafekeepingJob?> NextAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.SafekeepingJobs.AsNoTracking().Where(job => job.FinishedAt == null).OrderBy(job => job.Id).FirstOrDefaultAsync(cancellationToken);
    }

    /// <summary>Whether somebody who has the recovery key gave the order, and not long ago.</summary>
    public bool IsOrdered(SafekeepingJob job) =>
        job.Order is { } order
        && seal.RecoveryKey.TryOpen(ContextOf(job), order) is { } text
        && text.AsSpan().SequenceEqual(TextOf(job))
        && time.GetUtcNow() - job.RequestedAt < Valid;

    private SafekeepingJob NewJob(JobKind kind, Actor actor) => new()
    {
        Uid = Guid.NewGuid(),
        Kind = kind,
        RequestedAt = time.GetUtcNow(),
        RequestedById = actor.AccountId,
        RequestedBy = actor.Who,
    };

    private static string ContextOf(SafekeepingJob job) => $"job/{job.Uid:N}";

    private static byte[] TextOf(SafekeepingJob job) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{job.Kind} {job.RequestedAt.UtcTicks} {job.RequestedById} {job.RequestedBy}"));

    private static IQueryable<JobView> Views(IQueryable<SafekeepingJob> jobs) => jobs.Select(job => new JobView(
        job.Id, job.Kind, job.RequestedBy, job.RequestedAt, job.StartedAt, job.FinishedAt, job.Succeeded, job.Done, job.Total, job.Detail));
}
