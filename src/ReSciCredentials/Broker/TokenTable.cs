using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>What counts for a token from call to call, whatever becomes of its entry.</summary>
internal sealed class TokenState
{
    private int _inFlight;

    /// <summary>A field, because it changes in place.</summary>
    public RateLimit Rate;

    /// <summary>One alarm now and then is enough.</summary>
    public RateLimit Alarms;

    public bool TryEnter(int most)
    {
        if (Interlocked.Increment(ref _inFlight) <= most)
        {
            return true;
        }

        Leave();
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _inFlight);
}

/// <summary>Everything a call needs to know about its token, in one piece.</summary>
/// <param name="Ciphertext">The current key of the credential; null when its row is gone.</param>
/// <param name="ImportTypes">Null allows any, as for the two that follow.</param>
/// <param name="LoadedAt">A timestamp of the TimeProvider.</param>
internal sealed record TokenEntry(
    int TokenId,
    int OwnerId,
    int FlowId,
    FlowKind Kind,
    bool IsPaused,
    int CredentialId,
    Guid CredentialUid,
    Guid KeyUid,
    byte[]? Ciphertext,
    DateTimeOffset? ExpiresAt,
    bool IsRevoked,
    FrozenSet<string>? ImportTypes,
    FrozenSet<string>? Streams,
    IReadOnlyList<IPNetwork>? Addresses,
    int? RequestsPerMinute,
    TokenState State,
    long LoadedAt)
{
    public bool IsOver(DateTimeOffset now) => IsRevoked || ExpiresAt <= now;

    public bool Allows(IPAddress? address)
    {
        if (Addresses is null)
        {
            return true;
        }

        if (address is null)
        {
            return false;
        }

        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Addresses.Any(network => network.Contains(plain));
    }
}

/// <summary>
/// From a token's hash to everything a call needs, in memory. What this process commits is known with the next call; what changes the database
/// in another way, within a second.
/// </summary>
internal sealed class TokenTable : IDisposable
{
    /// <summary>More tokens than are in use at one time anywhere; beyond it the table begins anew.</summary>
    private const int MostEntries = 10_000;

    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(1);

    /// <summary>From then on it is read anew, while calls still believe what is known: none of them waits.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(500);

    private readonly IDbContextFactory<StorageContext> _contexts;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<TokenHash, TokenEntry> _entries = new();
    private readonly ConcurrentDictionary<int, TokenState> _states = new();
    private readonly Dictionary<TokenHash, Task<TokenEntry?>> _loading = [];
    private readonly Lock _lock = new();
    private readonly IDisposable _subscription;
    private long _changes;

    public TokenTable(IDbContextFactory<StorageContext> contexts, ChangeNotices notices, TimeProvider time)
    {
        (_contexts, _time) = (contexts, time);
        _subscription = notices.Subscribe(Forget);
    }

    /// <summary>Whether there is such a token, as far as is known without asking the database.</summary>
    public bool Knows(TokenHash hash) => _entries.ContainsKey(hash);

    /// <summary>Null when there is no such token. Revoked and expired ones are found.</summary>
    public ValueTask<TokenEntry?> FindAsync(TokenHash hash, CancellationToken cancellationToken)
    {
        if (_entries.TryGetValue(hash, out var entry) && _time.GetElapsedTime(entry.LoadedAt) is var age && age < Believed)
        {
            if (age >= Fresh)
            {
                _ = LoadAsync(hash);
            }

            return ValueTask.FromResult<TokenEntry?>(entry);
        }

        return new ValueTask<TokenEntry?>(LoadAsync(hash).WaitAsync(cancellationToken));
    }

    public void Dispose() => _subscription.Dispose();

    /// <summary>One look into the database for all calls that want the same at that moment.</summary>
    private Task<TokenEntry?> LoadAsync(TokenHash hash)
    {
        lock (_lock)
        {
            if (!_loading.TryGetValue(hash, out var loading))
            {
                var seen = _changes;
                // Not on the call's own time, and not cancelled when its client leaves.
                loading = Task.Run(() => LoadAsync(hash, seen));
                _loading.Add(hash, loading);
            }

            return loading;
        }
    }

    private async Task<TokenEntry?> LoadAsync(TokenHash hash, long seen)
    {
        TokenEntry? entry = null;
        var isRead = false;
        try
        {
            entry = await ReadAsync(hash, _time.GetTimestamp(), CancellationToken.None);
            isRead = true;
            return entry;
        }
        finally
        {
            lock (_lock)
            {
                // Else it was read before a change that was committed meanwhile: good for the calls that wait for it, which were under way too, and for no other.
                if (seen == _changes)
                {
                    _loading.Remove(hash);
                    if (entry is not null)
                    {
                        Keep(hash, entry);
                    }
                    else if (isRead)
                    {
                        _entries.TryRemove(hash, out _);
                    }
                }
            }
        }
    }

    private void Keep(TokenHash hash, TokenEntry entry)
    {
        if (_entries.Count >= MostEntries)
        {
            _entries.Clear();
        }

        _entries[hash] = entry;
    }

    private async Task<TokenEntry?> ReadAsync(TokenHash hash, long loadedAt, CancellationToken cancellationToken)
    {
        var bytes = hash.ToBytes();
        await using var storage = await _contexts.CreateDbContextAsync(cancellationToken);
        var row = await (
            from token in storage.AccessTokens.AsNoTracking()
            where token.Hash == bytes
            let credential = token.Flow!.Credential!
            select new
            {
                token.Id,
                token.OwnerId,
                token.FlowId,
                token.Flow!.Kind,
                token.Flow.Status,
                token.Flow.CredentialId,
                credential.Uid,
                credential.CurrentKeyUid,
                Ciphertext = credential.Keys.Where(key => key.Uid == credential.CurrentKeyUid).Select(key => key.Ciphertext).FirstOrDefault(),
                token.ExpiresAt,
                token.RevokedAt,
                token.ImportTypes,
                token.Streams,
                token.Addresses,
                token.RequestsPerMinute,
            }).SingleOrDefaultAsync(cancellationToken);
        return row is null
            ? null
            : new TokenEntry(
                row.Id,
                row.OwnerId,
                row.FlowId,
                row.Kind,
                row.Status is FlowStatus.Paused,
                row.CredentialId,
                row.Uid,
                row.CurrentKeyUid,
                row.Ciphertext,
                row.ExpiresAt,
                row.RevokedAt is not null,
                TokenLimits.ToSet(row.ImportTypes),
                TokenLimits.ToSet(row.Streams),
                TokenLimits.ToNetworks(row.Addresses),
                row.RequestsPerMinute,
                _states.GetOrAdd(row.Id, _ => new TokenState()),
                loadedAt);
    }

    private void Forget(ChangeNotice notice)
    {
        var concerns = ConcernOf(notice);
        if (concerns is null)
        {
            return;
        }

        lock (_lock)
        {
            _changes++;
            _loading.Clear();
            foreach (var (hash, entry) in _entries)
            {
                if (concerns(entry))
                {
                    _entries.TryRemove(hash, out _);
                }
            }
        }
    }

    private static Func<TokenEntry, bool>? ConcernOf(ChangeNotice notice) =>
        notice.Kind == typeof(AccessToken) ? entry => entry.TokenId == notice.Id
        : notice.Kind == typeof(Flow) ? entry => entry.FlowId == notice.Id
        : notice.Kind == typeof(Credential) ? entry => entry.CredentialId == notice.Id
        : null;
}
