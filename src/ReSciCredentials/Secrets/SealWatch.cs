using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>Looks at the key file every two seconds and at the sentinel every minute: a lost or exchanged key seals a running server, and putting it back unseals it.</summary>
internal sealed partial class SealWatch(
    KeyFile keyFile, Sentinel sentinel, ServerSeal seal, Opening opening, TimeProvider time, ILogger<SealWatch> logger) : BackgroundService
{
    private static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SentinelInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RingInterval = TimeSpan.FromHours(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var askedAt = time.GetTimestamp();
        var extendedAt = askedAt;
        using var timer = new PeriodicTimer(FileInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var (key, fault) = Read();
                if (fault is not null)
                {
                    // Without a key the sentinel still tells which one the database needs.
                    var needed = (await sentinel.AskAsync(key: null, stoppingToken))?.Reason?.NeededKeyId;
                    seal.Close(new SealReason(SealCause.KeyFileUnusable, needed, Detail: fault));
                }
                else if (seal.Reason is not null)
                {
                    await opening.OpenAsync(key, stoppingToken);
                }
                else if (key?.Id != seal.RecoveryKey.Id || time.GetElapsedTime(askedAt) >= SentinelInterval)
                {
                    askedAt = time.GetTimestamp();
                    // No answer at all: the sentinel was removed under a running server.
                    var answer = await sentinel.AskAsync(key, stoppingToken);
                    if ((answer is null ? new SealReason(SealCause.SentinelDamaged, LoadedKeyId: key?.Id) : answer.Reason) is { } reason)
                    {
                        seal.Close(reason);
                    }
                }

                if (seal.Reason is null && time.GetElapsedTime(extendedAt) >= RingInterval)
                {
                    extendedAt = time.GetTimestamp();
                    if (!await opening.ExtendRingAsync(stoppingToken))
                    {
                        seal.Close(new SealReason(SealCause.RingDamaged, key?.Id, key?.Id));
                    }
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // The next look is in two seconds; until then nothing changes.
                LogLookFailed(exception);
            }
        }
    }

    private (RecoveryKey? Key, string? Fault) Read()
    {
        try
        {
            return (keyFile.Read(), null);
        }
        catch (StartRefusedException exception)
        {
            return (null, exception.Message);
        }
    }

    [LoggerMessage(LogLevel.Error, "Looking at the recovery key failed")]
    private partial void LogLookFailed(Exception exception);
}
