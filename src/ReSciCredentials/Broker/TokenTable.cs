using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>Everything a call needs to know about its token, in one piece.</summary>
/// <param name="MayUseCredential">Whether the owner of the source or destination may still use the credential: it was not shared for ever.</param>
/// <param name="CredentialId">Null when the source or destination has no credential; then there is no key either.</param>
/// <param name="Ciphertext">The current key of the credential; null when its row is gone.</param>
/// <param name="ImportTypes">Null allows any, as for the two that follow.</param>
internal sealed record TokenEntry(
    int TokenId,
    int FlowId,
    FlowKind Kind,
    bool IsPaused,
    bool MayUseCredential,
    int? CredentialId,
    Guid CredentialUid,
    Guid KeyUid,
    byte[]? Ciphertext,
    DateTimeOffset? ExpiresAt,
    bool IsRevoked,
    FrozenSet<string>? ImportTypes,
    FrozenSet<string>? Streams,
    IReadOnlyList<IPNetwork>? Addresses,
    int? RequestsPerMinute,
    bool NoWelcomeMails,
    TokenState State)
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

/// <summary>From a token's hash to everything a call needs, in memory: see <see cref="TokenCache{TEntry}"/>.</summary>
internal sealed class TokenTable : IDisposable
{
    private readonly IDbContextFactory<StorageContext> _contexts;
    private readonly ConcurrentDictionary<int, TokenState> _states = new();
    private readonly TokenCache<TokenEntry> _entries;
    private readonly IDisposable _subscription;

    public TokenTable(IDbContextFactory<StorageContext> contexts, ChangeNotices notices, TimeProvider time)
    {
        _contexts = contexts;
        _entries = new TokenCache<TokenEntry>(ReadAsync, time);
        _subscription = notices.Subscribe(Forget);
    }

    /// <summary>Whether there is such a token, as far as is known without asking the database.</summary>
    public bool Knows(TokenHash hash) => _entries.Knows(hash);

    /// <summary>Null when there is no such token. Revoked and expired ones are found.</summary>
    public ValueTask<TokenEntry?> FindAsync(TokenHash hash, CancellationToken cancellationToken) => _entries.FindAsync(hash, cancellationToken);

    public void Dispose() => _subscription.Dispose();

    private async Task<TokenEntry?> ReadAsync(TokenHash hash, CancellationToken cancellationToken)
    {
        var bytes = hash.ToBytes();
        await using var storage = await _contexts.CreateDbContextAsync(cancellationToken);
        var row = await (
            from token in storage.AccessTokens.AsNoTracking()
            where token.Hash == bytes
            let credential = token.Flow!.Credential
            select new
            {
                token.Id,
                token.FlowId,
                token.Flow!.Kind,
                token.Flow.Status,
                MayUseCredential = credential != null
                    && (token.Flow.OwnerId == credential.OwnerId || credential.Accessors.Any(accessor => accessor.AccountId == token.Flow.OwnerId)),
                token.Flow.CredentialId,
                Uid = credential == null ? default : credential.Uid,
                CurrentKeyUid = credential == null ? default : credential.CurrentKeyUid,
                Ciphertext = credential == null
                    ? null
                    : credential.Keys.Where(key => key.Uid == credential.CurrentKeyUid).Select(key => key.Ciphertext).FirstOrDefault(),
                token.ExpiresAt,
                token.RevokedAt,
                token.ImportTypes,
                token.Streams,
                token.Addresses,
                token.RequestsPerMinute,
                token.NoWelcomeMails,
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
                row.NoWelcomeMails,
                _states.GetOrAdd(row.Id, _ => new TokenState()));
    }

    private void Forget(ChangeNotice notice)
    {
        if (ConcernOf(notice) is { } concerns)
        {
            _entries.Forget(concerns);
        }
    }

    private static Func<TokenEntry, bool>? ConcernOf(ChangeNotice notice) =>
        notice.Kind == typeof(AccessToken) ? entry => entry.TokenId == notice.Id
        : notice.Kind == typeof(Flow) ? entry => entry.FlowId == notice.Id
        : notice.Kind == typeof(Credential) ? entry => entry.CredentialId == notice.Id
        : null;
}
