using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>Orders a backup when one is due, and once a day that keys under an older key of the ring are encrypted anew.</summary>
internal sealed partial class BackupSchedule(
    Jobs jobs,
    Reencryption reencryption,
    IOptions<BackupsOptions> options,
    IDbContextFactory<StorageContext> contexts,
    ServerSeal seal,
    TimeProvider time,
    ILogger<BackupSchedule> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan ReencryptionInterval = TimeSpan.FromDays(1);

    /// <summary>How long after one that failed the next is tried.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMinutes(15);

    /// <summary>When the next is due; null when the server makes none by itself.</summary>
    public async Task<DateTimeOffset?> NextAsync(CancellationToken cancellationToken)
    {
        if (!options.Value.Enabled)
        {
            return null;
        }

        var now = time.GetUtcNow();
        var due = await jobs.LastGoodAsync(JobKind.Backup, cancellationToken) is { FinishedAt: { } at } ? at + options.Value.Every : now;
        return await jobs.LastAsync(JobKind.Backup, cancellationToken) is { Succeeded: false, FinishedAt: { } failed } && failed + RetryAfter > due
            ? failed + RetryAfter
            : due;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var lookedAt = time.GetUtcNow() - ReencryptionInterval;
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (seal.Reason is null && await NextAsync(stoppingToken) is { } due && due <= time.GetUtcNow() && await HasAnythingAsync(stoppingToken))
                {
                    await jobs.OrderAsync(JobKind.Backup, Actor.Server, stoppingToken);
                }

                if (seal.Reason is null && time.GetUtcNow() - lookedAt >= ReencryptionInterval)
                {
                    lookedAt = time.GetUtcNow();
                    if (await reencryption.IsDueAsync(stoppingToken))
                    {
                        await jobs.OrderAsync(JobKind.Reencrypt, Actor.Server, stoppingToken);
                    }
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogFailed(exception);
            }
        }
    }

    private async Task<bool> HasAnythingAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Users.AnyAsync(cancellationToken);
    }

    [LoggerMessage(LogLevel.Error, "Could not look whether a backup is due")]
    private partial void LogFailed(Exception exception);
}
