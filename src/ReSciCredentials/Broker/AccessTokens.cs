using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>
/// Every use case of access tokens. Each takes who asks, checks, and acts. What somebody may do with the source or destination, they may do with its tokens:
/// whoever sees it sees them, admins make, rotate and revoke them.
/// </summary>
internal sealed partial class AccessTokens(IDbContextFactory<StorageContext> contexts, AuditLog audit, TimeProvider time)
{
    /// <summary>The item type of the audit log.</summary>
    public const string ItemType = AuditItems.AccessToken;

    /// <summary>Tokens that work at the same time, for one source or destination.</summary>
    public const int MostActive = 50;

    /// <summary>How long the old token may go on working beside the new one.</summary>
    public static readonly TimeSpan LongestOverlap = TimeSpan.FromDays(30);

    private const int Listed = 100;

    /// <summary>The newest first, at most a hundred.</summary>
    public async Task<IReadOnlyList<AccessTokenView>> ListAsync(Person person, int flow, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await storage.Flows.VisibleTo(person).AnyAsync(row => row.Id == flow, cancellationToken))
        {
            return [];
        }

        return await ReadAsync(
            storage, storage.AccessTokens.Where(token => token.FlowId == flow).OrderByDescending(token => token.Id).Take(Listed), cancellationToken);
    }

    private async Task<IReadOnlyList<AccessTokenView>> ReadAsync(StorageContext storage, IQueryable<AccessToken> tokens, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var yesterday = now.AddDays(-1);
        var rows = await tokens.AsNoTracking()
            .Select(token => new
            {
                Token = token,
                CallsToday = storage.BrokerHours.Where(hour => hour.TokenId == token.Id && hour.Hour >= yesterday).Sum(hour => hour.Calls),
            })
            .ToListAsync(cancellationToken);
        return
        [
            .. rows.Select(row => new AccessTokenView(
                row.Token.Id,
                row.Token.Name,
                row.Token.Beginning,
                StateOf(row.Token, now),
                row.Token.CreatedAt,
                row.Token.ExpiresAt,
                row.Token.RevokedAt,
                row.Token.LastUsedAt,
                row.Token.ReplacedById,
                row.Token.ImportTypes,
                row.Token.Streams,
                row.Token.Addresses,
                row.Token.RequestsPerMinute,
                row.CallsToday,
                RefusalOf(row.Token),
                row.Token.NoWelcomeMails)),
        ];
    }

    /// <summary>Tokens that were refused in the last day although, or because, somebody uses them; the latest first.</summary>
    public async Task<IReadOnlyList<RefusedToken>> ListRefusedAsync(Person person, int limit, CancellationToken cancellationToken)
    {
        var after = time.GetUtcNow() - TokenRefusal.Alarming;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var rows = await storage.AccessTokens.AsNoTracking()
            .Where(token => token.RefusedAt >= after && storage.Flows.VisibleTo(person).Any(flow => flow.Id == token.FlowId))
            .OrderByDescending(token => token.RefusedAt)
            .Take(limit)
            .Include(token => token.Flow)
            .ToListAsync(cancellationToken);
        return
        [
            .. rows.Select(token =>
                new RefusedToken(token.Id, token.Name, token.Beginning, token.Flow!.Kind, token.FlowId, token.Flow.Name, RefusalOf(token)!)),
        ];
    }

    /// <summary>The last foreign token of the last day. It is nobody's, so it concerns who runs the server; null for everybody else.</summary>
    public async Task<ForeignToken?> FindForeignAsync(Person person, CancellationToken cancellationToken)
    {
        if (person.Role is not AccountRole.Owner)
        {
            return null;
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var newest = await storage.AuditEntries
            .Where(entry => entry.ItemType == ItemType && entry.ItemId == Alarms.NoToken && entry.Event == AuditEvents.TokenRefused)
            .OrderByDescending(entry => entry.Id)
            .Select(entry => new ForeignToken(entry.At, entry.Address))
            .FirstOrDefaultAsync(cancellationToken);
        return newest?.At >= time.GetUtcNow() - TokenRefusal.Alarming ? newest : null;
    }

    /// <summary>Makes a token. Sent twice with the same operation, it makes one, and only the first answer holds the token.</summary>
    public async Task<TokenOutcome> CreateAsync(Person person, NewAccessToken input, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (await FindByOperationAsync(storage, person, input.OperationId, cancellationToken) is { } before)
        {
            return before;
        }

        if (Refusal(await storage.Flows.Where(flow => flow.Id == input.FlowId && flow.Kind == input.Kind).RoleAsync(person, cancellationToken)) is { } refusal)
        {
            return refusal;
        }

        var now = time.GetUtcNow();
        var errors = input.Check(now);
        if (!await storage.Flows.AnyAsync(flow => flow.Id == input.FlowId && flow.CredentialId != null, cancellationToken))
        {
            errors[""] = "It has no credential yet, so a token would open nothing. Give it one first.";
        }

        if (errors.Count == 0
            && await storage.AccessTokens.CountAsync(
                token => token.FlowId == input.FlowId && token.RevokedAt == null && (token.ExpiresAt == null || token.ExpiresAt > now), cancellationToken) >= MostActive)
        {
            errors["name"] = $"There are {MostActive} tokens already. Revoke one that is not needed any more.";
        }

        if (errors.Count > 0)
        {
            return new TokenOutcome.Invalid(errors);
        }

        var text = TokenText.Format.Create();
        var token = Row(person, text, input.FlowId, input.Name!.Trim(), input.OperationId, now);
        token.ExpiresAt = input.ExpiresAt;
        token.ImportTypes = TokenLimits.Clean(input.ImportTypes);
        token.Streams = TokenLimits.Clean(input.Streams);
        token.Addresses = TokenLimits.Clean(input.Addresses);
        token.RequestsPerMinute = input.Rate;
        token.NoWelcomeMails = input.NoWelcomeMails;
        storage.AccessTokens.Add(token);
        return await SaveAsync(
            storage,
            person,
            input.Kind,
            token,
            text,
            () => audit.SaveNewAsync(storage, person, ItemType, () => token.Id, cancellationToken),
            cancellationToken);
    }

    /// <summary>
    /// Makes a token that may do the same as <paramref name="id"/>, which goes on working for <paramref name="overlap"/>. Safe to repeat, as <see cref="CreateAsync"/> is.
    /// </summary>
    public async Task<TokenOutcome> RotateAsync(Person person, int id, TimeSpan overlap, Guid operation, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (await FindByOperationAsync(storage, person, operation, cancellationToken) is { } before)
        {
            return before;
        }

        var old = await storage.AccessTokens.Include(token => token.Flow).SingleOrDefaultAsync(token => token.Id == id, cancellationToken);
        if (old is null)
        {
            return new TokenOutcome.NotFound();
        }

        if (Refusal(await storage.Flows.Where(flow => flow.Id == old.FlowId).RoleAsync(person, cancellationToken)) is { } refusal)
        {
            return refusal;
        }

        var now = time.GetUtcNow();
        if (StateOf(old, now) is not AccessTokenState.Active || overlap < TimeSpan.Zero || overlap > LongestOverlap)
        {
            return new TokenOutcome.Invalid(new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [""] = overlap >= TimeSpan.Zero && overlap <= LongestOverlap
                    ? "This token does not work any more. Make a new one."
                    : $"Both can work beside each other for at most {LongestOverlap.Days} days.",
            });
        }

        var text = TokenText.Format.Create();
        var token = Row(person, text, old.FlowId, old.Name, operation, now);
        token.ExpiresAt = old.ExpiresAt;
        (token.ImportTypes, token.Streams, token.Addresses, token.RequestsPerMinute) = (old.ImportTypes, old.Streams, old.Addresses, old.RequestsPerMinute);
        token.NoWelcomeMails = old.NoWelcomeMails;
        storage.AccessTokens.Add(token);
        return await SaveAsync(
            storage,
            person,
            old.Flow!.Kind,
            token,
            text,
            async () =>
            {
                await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
                await storage.SaveChangesAsync(cancellationToken);
                old.ReplacedById = token.Id;
                if (overlap == TimeSpan.Zero)
                {
                    old.RevokedAt = now;
                }
                else
                {
                    old.ExpiresAt = old.ExpiresAt < now + overlap ? old.ExpiresAt : now + overlap;
                }

                audit.Add(storage, person, AuditEvents.Create, ItemType, token.Id);
                audit.Add(storage, person, AuditEvents.Rotate, ItemType, old.Id, overlap == TimeSpan.Zero ? "revoked" : "expires");
                await storage.SaveChangesAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>From now on it is refused. Doing it twice changes nothing more.</summary>
    public async Task<TokenOutcome> RevokeAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        while (true)
        {
            var token = await storage.AccessTokens.SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
            if (token is null)
            {
                return new TokenOutcome.NotFound();
            }

            if (Refusal(await storage.Flows.Where(flow => flow.Id == token.FlowId).RoleAsync(person, cancellationToken)) is { } refusal)
            {
                return refusal;
            }

            if (token.RevokedAt is not null)
            {
                return new TokenOutcome.Revoked();
            }

            token.RevokedAt = time.GetUtcNow();
            audit.Add(storage, person, AuditEvents.Revoke, ItemType, id);
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                return new TokenOutcome.Revoked();
            }
            catch (DbUpdateConcurrencyException)
            {
                // Changed in the same moment, by a rotation or another revocation: look again.
                storage.ChangeTracker.Clear();
            }
        }
    }

    private static TokenOutcome? Refusal(AccessRole? role) => role switch
    {
        null => new TokenOutcome.NotFound(),
        { } known when !known.MayChange() => new TokenOutcome.Forbidden(),
        _ => null,
    };

    private static AccessTokenState StateOf(AccessToken token, DateTimeOffset now) =>
        token.RevokedAt is not null ? AccessTokenState.Revoked
        : token.ExpiresAt <= now ? AccessTokenState.Expired
        : AccessTokenState.Active;

    private static TokenRefusal? RefusalOf(AccessToken token) =>
        token is { RefusedAt: { } at, RefusedFor: { } fault } ? new TokenRefusal(at, fault, token.RefusedFrom ?? "") : null;

    private static AccessToken Row(Person person, string text, int flow, string name, Guid operation, DateTimeOffset now) => new()
    {
        OwnerId = person.Id,
        FlowId = flow,
        Name = name,
        Hash = TokenHash.Of(text).ToBytes(),
        Beginning = TokenText.Format.BeginningOf(text),
        CreatedAt = now,
        OperationId = operation,
    };

    private static async Task<TokenOutcome?> FindByOperationAsync(
        StorageContext storage, Person person, Guid operation, CancellationToken cancellationToken) =>
        await storage.AccessTokens
            .Where(token => token.OwnerId == person.Id && token.OperationId == operation)
            .Select(token => new TokenOutcome.MadeBefore(token.Id, token.Name))
            .SingleOrDefaultAsync(cancellationToken);

    private static async Task<TokenOutcome> SaveAsync(
        StorageContext storage, Person person, FlowKind kind, AccessToken token, string text, Func<Task> save, CancellationToken cancellationToken)
    {
        try
        {
            await save();
            return new TokenOutcome.Made(token.Id, kind, token.Name, text);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation() || exception is DbUpdateConcurrencyException)
        {
            // The same form was saved by another request in the meantime, or the old token was changed: then nothing was made.
            storage.ChangeTracker.Clear();
            return await FindByOperationAsync(storage, person, token.OperationId, cancellationToken)
                ?? new TokenOutcome.Invalid(new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    [""] = "Somebody else changed the token meanwhile. Nothing was made; look at its present state and try again.",
                });
        }
    }
}
