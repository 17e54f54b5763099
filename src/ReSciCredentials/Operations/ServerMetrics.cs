using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.ReSci;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations;

/// <summary>What an operator watches, beside what the framework measures of itself. No label names a person, a credential or a key.</summary>
internal sealed partial class ServerMetrics : BackgroundService
{
    public const string MeterName = "ReSciCredentials";

    private static readonly TimeSpan CountInterval = TimeSpan.FromMinutes(1);

    private readonly IDbContextFactory<StorageContext> _contexts;
    private readonly ServerSeal _seal;
    private readonly StorageFiles _files;
    private readonly Jobs _jobs;
    private readonly TimeProvider _time;
    private readonly ILogger<ServerMetrics> _logger;
    private volatile Counts? _counts;

    [SuppressMessage("Reliability", "CA2000", Justification = "The factory owns the meter.")]
    public ServerMetrics(
        IMeterFactory meters,
        IDbContextFactory<StorageContext> contexts,
        ServerSeal seal,
        StorageTrouble trouble,
        StorageFiles files,
        OutageWatch outage,
        Jobs jobs,
        TimeProvider time,
        ILogger<ServerMetrics> logger)
    {
        (_contexts, _seal, _files, _jobs, _time, _logger) = (contexts, seal, files, jobs, time, logger);
        var meter = meters.Create(MeterName);
        meter.CreateObservableGauge("resci_credentials.sealed", () => seal.Reason is null ? 0 : 1, "1", "1 while the server is sealed");
        meter.CreateObservableGauge("resci_credentials.storage.fault", () => trouble.Fault is null ? 0 : 1, "1", "1 while the disk takes no changes or answers with errors");
        meter.CreateObservableGauge("resci_credentials.storage.size", DatabaseSize, "By", "The database file and its write-ahead log");
        meter.CreateObservableGauge("resci_credentials.storage.free", FreeSpace, "By", "Free space on the disk of the data directory");
        meter.CreateObservableGauge("resci_credentials.resci.outage", () => outage.Current is null ? 0 : 1, "1", "1 while ReSci looks down");
        meter.CreateObservableGauge("resci_credentials.credentials", Credentials, "{credential}", "Stored credentials by verified status");
        meter.CreateObservableGauge("resci_credentials.announcements.waiting", Waiting, "{announcement}", "Announcements that are still to be delivered");
        meter.CreateObservableGauge("resci_credentials.backup.age", BackupAge, "s", "Since the last backup that was made and verified; nothing while there is none");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(CountInterval, _time);
        do
        {
            try
            {
                _counts = _seal.Reason is null ? await CountAsync(stoppingToken) : null;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // Rather no number than an old one.
                _counts = null;
                LogNotCounted(exception);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<Counts> CountAsync(CancellationToken cancellationToken)
    {
        await using var storage = await _contexts.CreateDbContextAsync(cancellationToken);
        var byStatus = await storage.Credentials.GroupBy(credential => credential.VerifiedStatus)
            .Select(group => new { Status = group.Key, Count = group.LongCount() })
            .ToDictionaryAsync(group => group.Status, group => group.Count, cancellationToken);
        return new Counts(
            byStatus,
            await storage.Announcements.LongCountAsync(cancellationToken),
            (await _jobs.LastGoodAsync(JobKind.Backup, cancellationToken))?.FinishedAt);
    }

    private IEnumerable<Measurement<long>> Credentials() => _counts is not { } counts
        ? []
        : Enum.GetValues<VerifiedStatus>().Select(status => new Measurement<long>(
            counts.Credentials.GetValueOrDefault(status),
            new KeyValuePair<string, object?>("status", status.ToString().ToLowerInvariant())));

    private IEnumerable<Measurement<long>> Waiting() => _counts is { } counts ? [new Measurement<long>(counts.Announcements)] : [];

    private IEnumerable<Measurement<double>> BackupAge() =>
        _counts is { LastBackup: { } made } ? [new Measurement<double>((_time.GetUtcNow() - made).TotalSeconds)] : [];

    private long DatabaseSize() =>
        new[] { _files.Database, _files.Database + "-wal" }.Select(path => new FileInfo(path)).Sum(file => file.Exists ? file.Length : 0);

    private long FreeSpace() => new DriveInfo(_files.Directory).AvailableFreeSpace;

    [LoggerMessage(LogLevel.Warning, "Credentials, announcements and backups could not be counted for the metrics")]
    private partial void LogNotCounted(Exception exception);

    private sealed record Counts(IReadOnlyDictionary<VerifiedStatus, long> Credentials, long Announcements, DateTimeOffset? LastBackup);
}
