using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// Writes down when service keys were last used, all of them in one go every few seconds: a call of a program costs no write of its own.
/// Removes API tokens that have expired.
/// </summary>
internal sealed partial class ServiceKeyUse(IDbContextFactory<StorageContext> contexts, TimeProvider time, ILogger<ServiceKeyUse> logger)
    : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RemovalInterval = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<int, DateTimeOffset> _used = new();
    private DateTimeOffset _removedAt;

    public void Note(int serviceKey) => _used[serviceKey] = time.GetUtcNow();

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // A server that was stopped already has neither anything to write nor a database to write it to.
        if (!_used.IsEmpty)
        {
            await WriteAsync(cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await WriteAsync(stoppingToken);
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            if (_used.ToArray() is { Length: > 0 } used)
            {
                await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
                foreach (var (key, at) in used)
                {
                    await storage.ServiceKeys.Where(row => row.Id == key)
                        .ExecuteUpdateAsync(row => row.SetProperty(x => x.LastUsedAt, at), cancellationToken);
                }

                await transaction.CommitAsync(cancellationToken);
                // What was noted again meanwhile stays for the next time.
                foreach (var written in used)
                {
                    _used.TryRemove(written);
                }
            }

            if (time.GetUtcNow() - _removedAt >= RemovalInterval)
            {
                _removedAt = time.GetUtcNow();
                await storage.ApiTokens.Where(token => token.ExpiresAt <= _removedAt).ExecuteDeleteAsync(cancellationToken);
            }
        }
        catch (Exception exception) when (exception is DbException or WritesRefusedException)
        {
            // The next round tries again; nobody waits for it.
            LogNotWritten(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Could not note that service keys were used")]
    private partial void LogNotWritten(Exception exception);
}
