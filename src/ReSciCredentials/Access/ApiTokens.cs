using System.Collections.Concurrent;
using System.Net;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>A valid API token, with all that a call needs to know.</summary>
/// <param name="EndsAt">When it ends by itself, or its service key does.</param>
internal sealed record ApiTokenEntry(
    TokenHash Hash,
    int ServiceKeyId,
    string ServiceKeyName,
    ServiceKeyScope Scope,
    int OwnerId,
    string OwnerName,
    string OwnerEmail,
    AccountRole OwnerRole,
    DateTimeOffset EndsAt,
    TokenState State)
{
    /// <summary>The person as whom the program acts.</summary>
    public Person PersonAt(Client client) =>
        new(OwnerId, OwnerName, OwnerEmail, OwnerRole, Session, client.Address, client.UserAgent, ServiceKeyName);

    // Half of a hash that opens nothing.
    private Guid Session => new(Hash.ToBytes().AsSpan(0, 16));
}

/// <summary>What came of exchanging a service key for an API token.</summary>
internal abstract record ApiSignIn
{
    /// <summary>The one time that the token itself is there.</summary>
    public sealed record SignedIn(string Token, Person Person) : ApiSignIn
    {
        // Somebody will print this one day.
        public override string ToString() => nameof(SignedIn);
    }

    /// <summary>There is no such service key, or none any more.</summary>
    public sealed record Refused : ApiSignIn;

    /// <summary>The service key is right, but asked for too much; or wrong ones came too often from this address.</summary>
    public sealed record TooMany(TimeSpan Wait) : ApiSignIn;
}

/// <summary>
/// The tokens that programs call the REST API with: made from a service key, believed as long as that is. Found in memory, see
/// <see cref="TokenCache{TEntry}"/>.
/// </summary>
internal sealed class ApiTokens : IDisposable
{
    /// <summary>The SDK asks for a new one when less than an hour is left: with an hour it would ask before every call.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(1);

    /// <summary>Valid at the same time for one service key; beyond that the oldest end.</summary>
    public const int MostPerKey = 1000;

    /// <summary>Refusals of one address that are worth an entry in the audit log each, a minute.</summary>
    private const int NotedPerMinute = 1;

    private const int NotedPerMinuteInAll = 30;

    private static readonly TokenFormat Format = new("rsat_");

    private readonly IDbContextFactory<StorageContext> _contexts;
    private readonly ServiceKeyUse _use;
    private readonly WrongTokens _wrongKeys;
    private readonly AuditLog _audit;
    private readonly TimeProvider _time;
    private readonly ServiceKeysOptions _options;
    private readonly ConcurrentDictionary<int, TokenState> _states = new();
    private readonly TokenCache<ApiTokenEntry> _entries;
    private readonly IDisposable _subscription;
    private RateLimit _noted;

    public ApiTokens(
        IDbContextFactory<StorageContext> contexts,
        ServiceKeyUse use,
        [FromKeyedServices(ServiceKeys.ItemType)] WrongTokens wrongKeys,
        ChangeNotices notices,
        AuditLog audit,
        TimeProvider time,
        IOptions<ServiceKeysOptions> options)
    {
        (_contexts, _use, _wrongKeys, _audit, _time, _options) = (contexts, use, wrongKeys, audit, time, options.Value);
        _entries = new TokenCache<ApiTokenEntry>(ReadAsync, time);
        _subscription = notices.Subscribe(notice =>
        {
            if (notice.Kind == typeof(ServiceKey))
            {
                _entries.Forget(entry => entry.ServiceKeyId == notice.Id);
            }
        });
    }

    /// <summary>Makes a token for the program that has this service key. A right key is never held up by wrong ones from the same address.</summary>
    public async Task<ApiSignIn> SignInAsync(string? serviceKey, Client client, CancellationToken cancellationToken)
    {
        await using var storage = await _contexts.CreateDbContextAsync(cancellationToken);
        var known = ServiceKeys.Format.IsWellFormed(serviceKey) ? await FindKeyAsync(storage, serviceKey!, cancellationToken) : null;
        var now = _time.GetUtcNow();
        if (known is not { Key: { RevokedAt: null } key } || key.ExpiresAt <= now)
        {
            return await RefuseAsync(storage, serviceKey, known?.Key, client, cancellationToken);
        }

        if (!StateOf(key.Id).Rate.TryTake(_options.RequestsPerMinute, now.UtcTicks, out var wait))
        {
            return new ApiSignIn.TooMany(wait);
        }

        var text = Format.Create();
        var token = new ApiToken { ServiceKeyId = key.Id, Hash = TokenHash.Of(text).ToBytes(), CreatedAt = now, ExpiresAt = now + Lifetime };
        storage.ApiTokens.Add(token);
        await storage.SaveChangesAsync(cancellationToken);
        await EndOldestAsync(storage, key.Id, cancellationToken);
        _use.Note(key.Id);
        return new ApiSignIn.SignedIn(text, EntryOf(token, key, known.Owner).PersonAt(client));
    }

    /// <summary>Null when it is not valid, or not any more.</summary>
    public async ValueTask<ApiTokenEntry?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (!Format.IsWellFormed(token)
            || await _entries.FindAsync(TokenHash.Of(token), cancellationToken) is not { } entry
            || entry.EndsAt <= _time.GetUtcNow())
        {
            return null;
        }

        _use.Note(entry.ServiceKeyId);
        return entry;
    }

    /// <summary>From now on it is refused. Doing it twice changes nothing more.</summary>
    public async Task SignOutAsync(string token, CancellationToken cancellationToken)
    {
        if (!Format.IsWellFormed(token))
        {
            return;
        }

        var hash = TokenHash.Of(token);
        var bytes = hash.ToBytes();
        await using var storage = await _contexts.CreateDbContextAsync(cancellationToken);
        await storage.ApiTokens.Where(row => row.Hash == bytes).ExecuteDeleteAsync(cancellationToken);
        _entries.Forget(entry => entry.Hash == hash);
    }

    public void Dispose() => _subscription.Dispose();

    private static ValueTask<KnownKey?> FindKeyAsync(StorageContext storage, string serviceKey, CancellationToken cancellationToken)
    {
        var hash = TokenHash.Of(serviceKey).ToBytes();
        return new(storage.ServiceKeys.AsNoTracking()
            .Where(key => key.Hash == hash)
            .Select(key => new KnownKey(key, key.Owner!))
            .SingleOrDefaultAsync(cancellationToken));
    }

    private async Task<ApiSignIn> RefuseAsync(
        StorageContext storage, string? text, ServiceKey? key, Client client, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().UtcTicks;
        var address = IPAddress.TryParse(client.Address, out var known) ? known : null;
        // What is not written as ours are was never a key: a program that has to be set up, not somebody to tell of.
        if (ServiceKeys.Format.IsWellFormed(text)
            && _wrongKeys.SenderAt(address).Alarms.TryTake(NotedPerMinute, now, out _)
            && _noted.TryTake(NotedPerMinuteInAll, now, out _))
        {
            var why = key switch { null => "unknown", { RevokedAt: not null } => "revoked", _ => "expired" };
            _audit.Add(storage, client.Stranger(), AuditEvents.SignInFailed, ServiceKeys.ItemType, key?.Id ?? 0, why);
            await storage.SaveChangesAsync(cancellationToken);
        }

        return _wrongKeys.TryTake(address, _options.WrongKeysPerMinute, out var wait)
            ? new ApiSignIn.Refused()
            : new ApiSignIn.TooMany(wait);
    }

    private static async Task EndOldestAsync(StorageContext storage, int key, CancellationToken cancellationToken)
    {
        var newestToEnd = await storage.ApiTokens
            .Where(token => token.ServiceKeyId == key)
            .OrderByDescending(token => token.Id)
            .Skip(MostPerKey)
            .Select(token => token.Id)
            .FirstOrDefaultAsync(cancellationToken);
        if (newestToEnd > 0)
        {
            await storage.ApiTokens.Where(token => token.ServiceKeyId == key && token.Id <= newestToEnd).ExecuteDeleteAsync(cancellationToken);
        }
    }

    private async Task<ApiTokenEntry?> ReadAsync(TokenHash hash, CancellationToken cancellationToken)
    {
        var bytes = hash.ToBytes();
        await using var storage = await _contexts.CreateDbContextAsync(cancellationToken);
        var found = await storage.ApiTokens.AsNoTracking()
            .Where(token => token.Hash == bytes && token.ServiceKey!.RevokedAt == null)
            .Select(token => new { Token = token, Key = token.ServiceKey!, Owner = token.ServiceKey!.Owner! })
            .SingleOrDefaultAsync(cancellationToken);
        return found is null ? null : EntryOf(found.Token, found.Key, found.Owner);
    }

    private ApiTokenEntry EntryOf(ApiToken token, ServiceKey key, Account owner) => new(
        TokenHash.From(token.Hash),
        key.Id,
        key.Name,
        key.Scope,
        owner.Id,
        owner.Name,
        owner.Email!,
        owner.Role,
        key.ExpiresAt < token.ExpiresAt ? key.ExpiresAt.Value : token.ExpiresAt,
        StateOf(key.Id));

    private TokenState StateOf(int key) => _states.GetOrAdd(key, static _ => new TokenState());

    private sealed record KnownKey(ServiceKey Key, Account Owner);
}
