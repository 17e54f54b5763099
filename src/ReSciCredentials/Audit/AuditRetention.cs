using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

/// <summary>
/// Removes entries whose time is over, the oldest first, and moves the anchor of the chain behind them: the rest stays as well sealed as before.
/// What does not fit into the chain is not removed: it is evidence.
/// </summary>
internal sealed partial class AuditRetention(
    IDbContextFactory<StorageContext> contexts, ServerSeal seal, IOptions<AuditOptions> options, TimeProvider time, ILogger<AuditRetention> logger)
    : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    /// <summary>So many in one transaction: others want to write too.</summary>
    private const int BatchSize = 1000;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.KeptDays == 0)
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                if (seal.Reason is null)
                {
                    await RemoveAsync(stoppingToken);
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // The next look is in an hour; until then there are a few more.
                LogFailed(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Removes all whose time is over.</summary>
    /// <returns>How many.</returns>
    public async Task<int> RemoveAsync(CancellationToken cancellationToken)
    {
        var removed = 0;
        while (await RemoveBatchAsync(cancellationToken) is > 0 and var some)
        {
            removed += some;
        }

        if (removed > 0)
        {
            LogRemoved(removed, options.Value.KeptDays);
        }

        return removed;
    }

    private async Task<int> RemoveBatchAsync(CancellationToken cancellationToken)
    {
        var key = seal.AuditKey;
        var before = time.GetUtcNow() - TimeSpan.FromDays(options.Value.KeptDays);
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await storage.AuditEntries.AnyAsync(entry => entry.At < before, cancellationToken))
        {
            return 0;
        }

        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var anchor = await storage.AuditMarks.SingleOrDefaultAsync(mark => mark.Name == AuditMark.Anchor, cancellationToken);
        if (anchor is null || !AuditMac.Seals(key, anchor))
        {
            LogDoesNotFit(1);
            return 0;
        }

        var batch = await storage.AuditEntries.AsNoTracking().OrderBy(entry => entry.Id).Take(BatchSize).ToListAsync(cancellationToken);
        var count = 0;
        // Only from the beginning: when the clock went back, an old time may stand behind a newer one.
        foreach (var entry in batch.TakeWhile(entry => entry.At < before))
        {
            if (!AuditVerifier.Fits(key, anchor.EntryMac, entry.Id, entry))
            {
                LogDoesNotFit(entry.Id);
                break;
            }

            AuditMac.Move(key, anchor, entry.Id, entry.Mac);
            count++;
        }

        if (count == 0)
        {
            return 0;
        }

        var last = anchor.EntryId;
        await storage.AuditEntries.Where(entry => entry.Id <= last).ExecuteDeleteAsync(cancellationToken);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return count;
    }

    [LoggerMessage(LogLevel.Information, "{Count} audit entries older than {Days} days were removed")]
    private partial void LogRemoved(int count, int days);

    [LoggerMessage(LogLevel.Error, "Old audit entries are not removed: entry {Id} does not fit into the chain. Run: audit verify")]
    private partial void LogDoesNotFit(int id);

    [LoggerMessage(LogLevel.Error, "Old audit entries could not be removed")]
    private partial void LogFailed(Exception exception);
}
