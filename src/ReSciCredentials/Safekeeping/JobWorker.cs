using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>Carries out inside the server what was ordered, one job after the other; those that a killed server left half-way too.</summary>
internal sealed partial class JobWorker(
    Jobs jobs, JobRunner runner, IDbContextFactory<StorageContext> contexts, ServerSeal seal, TimeProvider time, ILogger<JobWorker> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (seal.Reason is null && await jobs.NextAsync(stoppingToken) is { } job)
                {
                    await CarryOutAsync(job, stoppingToken);
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogFailed(exception);
            }
        }
    }

    private async Task CarryOutAsync(SafekeepingJob job, CancellationToken cancellationToken)
    {
        if (!jobs.IsOrdered(job))
        {
            await runner.RefuseAsync(job, "The order is too old, or was not given by somebody who has the recovery key. Give it again.", cancellationToken);
            return;
        }

        await using (var storage = await contexts.CreateDbContextAsync(cancellationToken))
        {
            var now = time.GetUtcNow();
            await storage.SafekeepingJobs.Where(row => row.Id == job.Id)
                .ExecuteUpdateAsync(row => row.SetProperty(j => j.StartedAt, now), cancellationToken);
        }

        await using var progress = new StoredProgress(job.Id, contexts);
        await runner.RunAsync(job, progress, cancellationToken);
    }

    [LoggerMessage(LogLevel.Error, "A job failed; it is tried again")]
    private partial void LogFailed(Exception exception);

    /// <summary>Writes down how far a job is, once a second at most, for whoever waits in another process or looks at a page.</summary>
    private sealed class StoredProgress(int job, IDbContextFactory<StorageContext> contexts) : IProgress<HowFar>, IAsyncDisposable
    {
        private Task _writing = Task.CompletedTask;
        private long _writtenAt;

        public void Report(HowFar value)
        {
            if (value.Total > 0 && _writing.IsCompleted && TimeProvider.System.GetElapsedTime(_writtenAt) >= Interval)
            {
                _writtenAt = TimeProvider.System.GetTimestamp();
                _writing = WriteAsync(value);
            }
        }

        public async ValueTask DisposeAsync() => await _writing;

        private async Task WriteAsync(HowFar value)
        {
            try
            {
                await using var storage = await contexts.CreateDbContextAsync();
                await storage.SafekeepingJobs.Where(row => row.Id == job && row.FinishedAt == null)
                    .ExecuteUpdateAsync(row => row.SetProperty(j => j.Done, value.Done).SetProperty(j => j.Total, value.Total));
            }
            catch (Exception exception) when (exception is System.Data.Common.DbException or WritesRefusedException)
            {
                // How far it is matters less than that it goes on.
            }
        }
    }
}
