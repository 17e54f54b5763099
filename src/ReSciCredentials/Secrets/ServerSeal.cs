using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>Why the server is sealed.</summary>
internal enum SealCause
{
    /// <summary>The server has not looked yet.</summary>
    Starting,

    /// <summary>There is no key file.</summary>
    KeyFileMissing,

    /// <summary>The key file cannot be used: its mode, its place or its content.</summary>
    KeyFileUnusable,

    /// <summary>The file holds another recovery key than the database needs.</summary>
    OtherKey,

    /// <summary>The database says that it needs this key, but what it sealed does not open: the database was changed.</summary>
    SentinelDamaged,

    /// <summary>There are secrets, but not one element of the key ring opens.</summary>
    RingDamaged,
}

/// <param name="NeededKeyId">The recovery key that the database was sealed with, when it tells.</param>
/// <param name="LoadedKeyId">The recovery key in the file, when there is one.</param>
/// <param name="Detail">What is wrong with the key file, when it is unusable.</param>
internal sealed record SealReason(SealCause Cause, string? NeededKeyId = null, string? LoadedKeyId = null, string? Detail = null);

/// <summary>The server is sealed: secrets can be neither opened nor made.</summary>
public sealed class ServerSealedException() : Exception("The server is sealed until the right recovery key is back.");

/// <summary>
/// Whether the server can open what it keeps, and with which key. While sealed nothing is written, no ring key is made, and every page answers with the reason.
/// </summary>
internal sealed partial class ServerSeal(WriteGuard guard, ILogger<ServerSeal> logger)
{
    private volatile State _state = new(new SealReason(SealCause.Starting), null, null);
    private volatile TaskCompletionSource? _keyChange;

    /// <summary>The server was open and is now sealed. Raised on the thread that sealed it: a listener must return at once.</summary>
    public event Action? Sealed;

    /// <summary>Held by whoever looks at the key file or exchanges it: a look amid an exchange would find a key that fits no more.</summary>
    public SemaphoreSlim KeyLock { get; } = new(1, 1);

    /// <summary>Done at once, unless the recovery key is just being exchanged; then as soon as that is over.</summary>
    public Task KeyChange => _keyChange?.Task ?? Task.CompletedTask;

    /// <summary>Null while open.</summary>
    public SealReason? Reason => _state.Reason;

    /// <exception cref="ServerSealedException"/>
    public RecoveryKey RecoveryKey => _state.Key ?? throw new ServerSealedException();

    /// <summary>The key of the fingerprints.</summary>
    /// <exception cref="ServerSealedException"/>
    public byte[] FingerprintKey => _state.Keys?.Fingerprint ?? throw new ServerSealedException();

    /// <summary>The key of the audit chain.</summary>
    /// <exception cref="ServerSealedException"/>
    public byte[] AuditKey => _state.Keys?.Audit ?? throw new ServerSealedException();

    /// <summary>Asks the database itself whether the key still fits: a wrong one must never protect anything.</summary>
    /// <exception cref="ServerSealedException"/>
    public async Task DemandAsync(Sentinel sentinel, CancellationToken cancellationToken)
    {
        while (true)
        {
            await KeyChange.WaitAsync(cancellationToken);
            var key = RecoveryKey;
            if (await sentinel.AskAsync(key, cancellationToken) is { Reason: null })
            {
                return;
            }

            if (KeyChange.IsCompleted && key == RecoveryKey)
            {
                throw new ServerSealedException();
            }
        }
    }

    public void Close(SealReason reason)
    {
        guard.IsShut = true;
        if (_state.Reason == reason)
        {
            return;
        }

        var wasOpen = _state.Reason is null;
        _state = new State(reason, null, null);
        LogSealed(reason.Cause, reason.NeededKeyId ?? "unknown", reason.LoadedKeyId ?? "none", reason.Detail);
        if (wasOpen)
        {
            Sealed?.Invoke();
        }
    }

    /// <summary>Lets the key be used while the server is still opening: the ring is read and made with it.</summary>
    public void Prepare(RecoveryKey key)
    {
        guard.IsShut = false;
        _state = _state with { Key = key };
    }

    /// <summary>Opening failed half-way: everything stays as it was before <see cref="Prepare"/>.</summary>
    public void Abandon()
    {
        guard.IsShut = true;
        _state = _state with { Key = null };
    }

    /// <summary>
    /// Another recovery key takes the place of the present one. Whoever meets a seal of the other key in the moment between waits for
    /// <see cref="KeyChange"/> and looks again.
    /// </summary>
    /// <param name="reseal">Seals everything under the new key, durably, and returns it.</param>
    public async Task ChangeKeyAsync(Func<Task<RecoveryKey>> reseal)
    {
        var change = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _keyChange = change;
        try
        {
            var key = await reseal();
            _state = _state with { Key = key };
            LogKeyChanged(key.Id);
        }
        finally
        {
            _keyChange = null;
            change.SetResult();
        }
    }

    public void Open(RecoveryKey key, ServerKeys keys)
    {
        guard.IsShut = false;
        _state = new State(null, key, keys);
        LogOpen(key.Id);
    }

    [LoggerMessage(LogLevel.Critical,
        "The server is sealed ({Cause}): the database needs recovery key {Needed}, loaded is {Loaded}. Nothing is written until the right key file is back. {Detail}")]
    private partial void LogSealed(SealCause cause, string needed, string loaded, string? detail);

    [LoggerMessage(LogLevel.Information, "The server is open under recovery key {Key}")]
    private partial void LogOpen(string key);

    [LoggerMessage(LogLevel.Warning, "The recovery key was exchanged: it is {Key} from now on. The sheet of the one before opens backups of its time only.")]
    private partial void LogKeyChanged(string key);

    private sealed record State(SealReason? Reason, RecoveryKey? Key, ServerKeys? Keys);
}
