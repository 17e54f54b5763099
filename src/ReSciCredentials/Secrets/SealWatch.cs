using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>Looks at the key file every two seconds and at the sentinel every minute: a lost or exchanged key seals a running server, and putting it back unseals it.</summary>
internal sealed partial class SealWatch(
    Sentinel sentinel, ServerSeal seal, Opening opening, TimeProvider time, ILogger<SealWatch> logger) : BackgroundService
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
            // Not amid an exchange of the recovery key.
            await seal.KeyLock.WaitAsync(stoppingToken);
            try
            {
                var (key, fault) = await ReadAsync(stoppingToken);
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
                    else if (key!.Id != seal.RecoveryKey.Id)
                    {
                        // The exchange of the recovery key was committed, but whoever made it was not told so.
                        seal.Open(key, answer!.Keys!);
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
            finally
            {
                seal.KeyLock.Release();
            }
        }
    }

    private async Task<(RecoveryKey? Key, string? Fault)> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return (await opening.ReadKeyAsync(cancellationToken), null);
        }
        catch (StartRefusedException exception)
        {
            return (null, exception.Message);
        }
    }

    [LoggerMessage(LogLevel.Error, "Looking at the recovery key failed")]
    private partial void LogLookFailed(Exception exception);
}
