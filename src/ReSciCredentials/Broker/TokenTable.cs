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
/// <param name="MayUseCredential">Whether the owner of the source or destination may still use the credential: it was not shared for ever.</param>
/// <param name="Ciphertext">The current key of the credential; null when its row is gone.</param>
/// <param name="ImportTypes">Null allows any, as for the two that follow.</param>
/// <param name="LoadedAt">A timestamp of the TimeProvider.</param>
internal sealed record TokenEntry(
    int TokenId,
    int FlowId,
    FlowKind Kind,
    bool IsPaused,
    bool MayUseCredential,
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

    private readonly IDbContextFactory<StorageContext> _contexts;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<TokenHash, TokenEntry> _entries = new();
    private readonly ConcurrentDictionary<int, TokenState> _states = new();
    private readonly Lock _lock = new();
    private readonly IDisposable _subscription;
    private long _changes;

    public TokenTable(IDbContextFactory<StorageContext> contexts, ChangeNotices notices, TimeProvider time)
    {
        (_contexts, _time) = (contexts, time);
        _subscription = notices.Subscribe(Forget);
    }

    /// <summary>Null when there is no such token. Revoked and expired ones are found.</summary>
    public ValueTask<TokenEntry?> FindAsync(TokenHash hash, CancellationToken cancellationToken) =>
        _entries.TryGetValue(hash, out var entry) && _time.GetElapsedTime(entry.LoadedAt) < Believed
            ? ValueTask.FromResult<TokenEntry?>(entry)
            : LoadAsync(hash, cancellationToken);

    public void Dispose() => _subscription.Dispose();

    private async ValueTask<TokenEntry?> LoadAsync(TokenHash hash, CancellationToken cancellationToken)
    {
        var seen = Volatile.Read(ref _changes);
        var loadedAt = _time.GetTimestamp();
        var entry = await ReadAsync(hash, loadedAt, cancellationToken);
        lock (_lock)
        {
            if (entry is null)
            {
                _entries.TryRemove(hash, out _);
            }
            // Read before a change that was committed meanwhile: good for this call, which was under way too, and for no other.
            else if (seen == _changes)
            {
                if (_entries.Count >= MostEntries)
                {
                    _entries.Clear();
                }

                _entries[hash] = entry;
            }
        }

        return entry;
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
                token.FlowId,
                token.Flow!.Kind,
                token.Flow.Status,
                MayUseCredential = token.Flow.OwnerId == credential.OwnerId
                    || credential.Accessors.Any(accessor => accessor.AccountId == token.Flow.OwnerId),
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
                row.FlowId,
                row.Kind,
                row.Status is FlowStatus.Paused,
                row.MayUseCredential,
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
