using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.KeyManagement.Internal;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>
/// Opens what is kept, in the only order that cannot do harm: key file, sentinel, migrations, a new sentinel, key ring.
/// Runs between Build and Run, and again whenever a sealed server may have got its key back.
/// </summary>
internal sealed partial class Opening(
    StorageFiles files,
    ProcessLock processLock,
    Migrator migrator,
    KeyFile keyFile,
    Sentinel sentinel,
    ServerSeal seal,
    IKeyManager ring,
    IKeyRingProvider ringInUse,
    IDbContextFactory<StorageContext> contexts,
    TimeProvider time,
    ILogger<Opening> logger)
{
    /// <summary>A ring key is made as soon as none will be valid this far ahead.</summary>
    private static readonly TimeSpan RingForesight = TimeSpan.FromDays(3);

    private static readonly TimeSpan RingKeyLifetime = TimeSpan.FromDays(90);

    /// <summary>How long a new ring key may take to come into use.</summary>
    private static readonly TimeSpan RingInUse = TimeSpan.FromSeconds(30);

    /// <summary>How long a command waits for a server that is just starting.</summary>
    private static readonly TimeSpan ServerStart = TimeSpan.FromSeconds(30);

    /// <exception cref="StartRefusedException">The server must not start; the message says why and what to do.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        files.Prepare();
        if (!processLock.TryTake())
        {
            throw new StartRefusedException($"Another process already serves {files.Directory}. Stop it, or choose another Storage:Directory.");
        }

        await OpenAsync(await ReadKeyAsync(cancellationToken), cancellationToken);
        if (seal.Reason is null)
        {
            // Had the database named it, it would be in place by now: the process died before the database was sealed under the successor. Nobody can be about to do it now.
            keyFile.DropSuccessor();
        }
    }

    /// <summary>
    /// The key in the file. When the recovery key was being exchanged, the one of two that the database names; the exchange is completed
    /// if this process is the one that may.
    /// </summary>
    /// <returns>Null when there is no key file.</returns>
    /// <exception cref="StartRefusedException">The file cannot be used.</exception>
    public async Task<RecoveryKey?> ReadKeyAsync(CancellationToken cancellationToken)
    {
        var successor = keyFile.ReadSuccessor();
        if (successor is null || successor.Id != await sentinel.NeededKeyIdAsync(cancellationToken))
        {
            return keyFile.Read();
        }

        if (processLock.IsHeld)
        {
            keyFile.Adopt();
        }

        return successor;
    }

    /// <summary>
    /// For a command: opens alone when no server runs, else joins the running one, once it has brought the database up to date.
    /// A second process changes neither the schema nor the ring.
    /// </summary>
    /// <exception cref="StartRefusedException">The command must not run; the message says why and what to do.</exception>
    public async Task JoinAsync(CancellationToken cancellationToken)
    {
        files.Prepare();
        if (processLock.TryTake())
        {
            await OpenAsync(await ReadKeyAsync(cancellationToken), cancellationToken);
        }
        else
        {
            var waitUntil = time.GetUtcNow() + ServerStart;
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(200), time);
            while (!await TryJoinAsync(cancellationToken))
            {
                if (time.GetUtcNow() > waitUntil || !await timer.WaitForNextTickAsync(cancellationToken))
                {
                    throw new StartRefusedException($"A server is starting in {files.Directory} and is not ready yet. Try again in a moment.");
                }
            }
        }

        if (seal.Reason is { } reason)
        {
            throw new StartRefusedException(
                $"The database is sealed ({reason.Cause}): it needs recovery key {reason.NeededKeyId ?? "unknown"}, found is {reason.LoadedKeyId ?? "none"}. Nothing was changed.");
        }
    }

    /// <summary>Opens the server, or seals it and says why. Safe to repeat.</summary>
    /// <param name="key">Null when there is no key file.</param>
    /// <exception cref="StartRefusedException">The database was made by a newer program, or a new key file cannot be written.</exception>
    public async Task OpenAsync(RecoveryKey? key, CancellationToken cancellationToken)
    {
        var answer = await sentinel.AskAsync(key, cancellationToken);
        if (answer?.Reason is { } reason)
        {
            seal.Close(reason);
            return;
        }

        if (key is null)
        {
            key = RecoveryKey.Create();
            keyFile.Write(key);
            LogKeyMade(key.Id, keyFile.FilePath);
        }

        seal.Prepare(key);
        try
        {
            await migrator.MigrateAsync(cancellationToken);
            if (answer?.Keys is null)
            {
                await sentinel.WriteAsync(key, cancellationToken);
                answer = await sentinel.AskAsync(key, cancellationToken);
            }

            if (!await ExtendRingAsync(cancellationToken))
            {
                seal.Close(new SealReason(SealCause.RingDamaged, key.Id, key.Id));
                return;
            }
        }
        catch
        {
            seal.Abandon();
            throw;
        }

        seal.Open(key, answer!.Keys!);
    }

    /// <summary>
    /// Makes the next ring key in time: with automatic generation off, even reading fails while no key is valid. Returns false when there are secrets
    /// but no ring key opens; making one then would only hide the loss. Uses the system's clock, as Data Protection does.
    /// </summary>
    public async Task<bool> ExtendRingAsync(CancellationToken cancellationToken)
    {
        var keys = ring.GetAllKeys();
        if (keys.Count == 0)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            if (await storage.CredentialKeys.AnyAsync(cancellationToken) || await storage.RingElements.AnyAsync(cancellationToken))
            {
                return false;
            }
        }

        var now = TimeProvider.System.GetUtcNow();
        var usable = keys.Where(key => !key.IsRevoked && key.ExpirationDate > now).ToList();
        if (!usable.Any(key => key.ActivationDate <= now + RingForesight && key.ExpirationDate > now + RingForesight))
        {
            var activation = usable.Any(key => key.ActivationDate <= now) ? usable.Max(key => key.ExpirationDate) : now;
            ring.CreateNewKey(activation, activation + RingKeyLifetime);
            LogRingKeyMade(activation);
        }

        return true;
    }

    /// <summary>Makes a ring key that everything is protected under from now on.</summary>
    /// <exception cref="ServerSealedException">Asked of the database before: a wrong recovery key must seal nothing.</exception>
    /// <exception cref="StartRefusedException">It was made, but does not come into use.</exception>
    public async Task AddRingKeyAsync(CancellationToken cancellationToken)
    {
        await seal.DemandAsync(sentinel, cancellationToken);
        var now = TimeProvider.System.GetUtcNow();
        var made = ring.CreateNewKey(now, now + RingKeyLifetime);
        LogRingKeyMade(now);

        // Data Protection goes on with the ring it remembers while it reads the new one in the background.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (ringInUse.GetCurrentKeyRing().DefaultKeyId != made.KeyId)
        {
            if (TimeProvider.System.GetUtcNow() - now > RingInUse)
            {
                throw new StartRefusedException("The new key of the ring was made but is not in use. Start the server again, and repeat this.");
            }

            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Opens what another process keeps up to date, and changes nothing. Returns false when there is nothing to open yet.</summary>
    /// <exception cref="StartRefusedException">The key file cannot be used.</exception>
    public async Task<bool> TryJoinAsync(CancellationToken cancellationToken)
    {
        if (!await migrator.IsUpToDateAsync(cancellationToken) || await ReadKeyAsync(cancellationToken) is not { } key
            || await sentinel.AskAsync(key, cancellationToken) is not { } answer || answer is { Reason: null, Keys: null })
        {
            return false;
        }

        if (answer.Reason is { } reason)
        {
            seal.Close(reason);
        }
        else
        {
            seal.Open(key, answer.Keys!);
        }

        return true;
    }

    [LoggerMessage(LogLevel.Warning, "A new recovery key {Key} was made in {File}. Keep a copy away from this machine: without it nothing stored can be opened.")]
    private partial void LogKeyMade(string key, string file);

    [LoggerMessage(LogLevel.Information, "A new key was added to the ring, active from {Activation}")]
    private partial void LogRingKeyMade(DateTimeOffset activation);
}
