using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>Every use case of service keys. Each takes who asks, checks, and acts; a person has those they made.</summary>
internal sealed class ServiceKeys(IDbContextFactory<StorageContext> contexts, ILookupNormalizer emails, AuditLog audit, TimeProvider time)
{
    /// <summary>The item type of the audit log.</summary>
    public const string ItemType = AuditItems.ServiceKey;

    /// <summary>Keys of one person that work at the same time.</summary>
    public const int MostActive = 100;

    /// <summary>How long the old key may go on working beside the new one.</summary>
    public static readonly TimeSpan LongestOverlap = TimeSpan.FromDays(30);

    private const int Listed = 200;

    public static TokenFormat Format { get; } = new("rsk_");

    /// <summary>The newest first, at most two hundred.</summary>
    public async Task<IReadOnlyList<ServiceKeyView>> ListAsync(Person person, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var keys = await storage.ServiceKeys.AsNoTracking().OwnedBy(person).OrderByDescending(key => key.Id).Take(Listed).ToListAsync(cancellationToken);
        return
        [
            .. keys.Select(key => new ServiceKeyView(
                key.Id,
                key.Name,
                key.Scope,
                key.Beginning,
                StateOf(key, now),
                key.CreatedAt,
                key.ExpiresAt,
                key.RevokedAt,
                key.LastUsedAt,
                key.ReplacedById)),
        ];
    }

    /// <summary>Makes a service key. Sent twice with the same operation, it makes one, and only the first answer holds the key.</summary>
    public async Task<ServiceKeyOutcome> CreateAsync(Person person, NewServiceKey input, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await CreateAsync(storage, person.Id, person, input, cancellationToken);
    }

    /// <summary>Makes a service key of somebody else's from the command line.</summary>
    public async Task<ServiceKeyOutcome> CreateForAsync(string email, NewServiceKey input, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var normalized = emails.NormalizeEmail(email.Trim());
        var owner = await storage.Users.Where(account => account.NormalizedEmail == normalized).Select(account => account.Id)
            .SingleOrDefaultAsync(cancellationToken);
        return owner == 0 ? new ServiceKeyOutcome.NotFound() : await CreateAsync(storage, owner, Actor.CommandLine, input, cancellationToken);
    }

    /// <summary>
    /// Makes a key that may do the same as <paramref name="id"/>, which goes on working for <paramref name="overlap"/>, and with it the API
    /// tokens made from it. Safe to repeat, as <see cref="CreateAsync(Person, NewServiceKey, CancellationToken)"/> is.
    /// </summary>
    public async Task<ServiceKeyOutcome> RotateAsync(Person person, int id, TimeSpan overlap, Guid operation, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (await FindByOperationAsync(storage, person.Id, operation, cancellationToken) is { } before)
        {
            return before;
        }

        if (await storage.ServiceKeys.OwnedBy(person).SingleOrDefaultAsync(key => key.Id == id, cancellationToken) is not { } old)
        {
            return new ServiceKeyOutcome.NotFound();
        }

        var now = time.GetUtcNow();
        if (StateOf(old, now) is not ServiceKeyState.Active)
        {
            return Invalid("This service key does not work any more. Make a new one.");
        }

        if (overlap < TimeSpan.Zero || overlap > LongestOverlap)
        {
            return Invalid($"Both can work beside each other for at most {LongestOverlap.Days} days.");
        }

        var text = Format.Create();
        var key = Row(old.OwnerId, text, old.Name, old.Scope, old.ExpiresAt, operation, now);
        storage.ServiceKeys.Add(key);
        return await SaveAsync(
            storage,
            key,
            text,
            async () =>
            {
                await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
                await storage.SaveChangesAsync(cancellationToken);
                old.ReplacedById = key.Id;
                if (overlap == TimeSpan.Zero)
                {
                    await EndInAsync(storage, old, now, cancellationToken);
                }
                else
                {
                    old.ExpiresAt = old.ExpiresAt < now + overlap ? old.ExpiresAt : now + overlap;
                }

                audit.Add(storage, person, AuditEvents.Create, ItemType, key.Id);
                audit.Add(storage, person, AuditEvents.Rotate, ItemType, old.Id, overlap == TimeSpan.Zero ? "revoked" : "expires");
                await storage.SaveChangesAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
            },
            cancellationToken);
    }

    /// <summary>From now on it is refused, and so is every API token made from it. Doing it twice changes nothing more.</summary>
    public async Task<ServiceKeyOutcome> RevokeAsync(Person person, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        while (true)
        {
            if (await storage.ServiceKeys.OwnedBy(person).SingleOrDefaultAsync(key => key.Id == id, cancellationToken) is not { } key)
            {
                return new ServiceKeyOutcome.NotFound();
            }

            if (key.RevokedAt is not null)
            {
                return new ServiceKeyOutcome.Revoked();
            }

            try
            {
                await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
                await EndInAsync(storage, key, time.GetUtcNow(), cancellationToken);
                audit.Add(storage, person, AuditEvents.Revoke, ItemType, id);
                await storage.SaveChangesAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return new ServiceKeyOutcome.Revoked();
            }
            catch (DbUpdateConcurrencyException)
            {
                // Changed in the same moment, by a rotation or another revocation: look again.
                storage.ChangeTracker.Clear();
            }
        }
    }

    private static ServiceKeyState StateOf(ServiceKey key, DateTimeOffset now) =>
        key.RevokedAt is not null ? ServiceKeyState.Revoked
        : key.ExpiresAt <= now ? ServiceKeyState.Expired
        : ServiceKeyState.Active;

    private static ServiceKey Row(
        int owner, string text, string name, ServiceKeyScope scope, DateTimeOffset? expiresAt, Guid operation, DateTimeOffset now) => new()
        {
            OwnerId = owner,
            Name = name,
            Scope = scope,
            Hash = TokenHash.Of(text).ToBytes(),
            Beginning = Format.BeginningOf(text),
            CreatedAt = now,
            ExpiresAt = expiresAt,
            OperationId = operation,
        };

    private static ServiceKeyOutcome.Invalid Invalid(string message) =>
        new(new Dictionary<string, string>(StringComparer.Ordinal) { [""] = message });

    private static async Task EndInAsync(StorageContext storage, ServiceKey key, DateTimeOffset now, CancellationToken cancellationToken)
    {
        key.RevokedAt = now;
        await storage.ApiTokens.Where(token => token.ServiceKeyId == key.Id).ExecuteDeleteAsync(cancellationToken);
    }

    private static async Task<ServiceKeyOutcome?> FindByOperationAsync(
        StorageContext storage, int owner, Guid operation, CancellationToken cancellationToken) =>
        await storage.ServiceKeys
            .Where(key => key.OwnerId == owner && key.OperationId == operation)
            .Select(key => new ServiceKeyOutcome.MadeBefore(key.Id, key.Name))
            .SingleOrDefaultAsync(cancellationToken);

    private async Task<ServiceKeyOutcome> CreateAsync(
        StorageContext storage, int owner, Actor actor, NewServiceKey input, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(storage, owner, input.OperationId, cancellationToken) is { } before)
        {
            return before;
        }

        var now = time.GetUtcNow();
        var errors = input.Check(now);
        if (errors.Count == 0
            && await storage.ServiceKeys.CountAsync(
                key => key.OwnerId == owner && key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now), cancellationToken) >= MostActive)
        {
            errors["name"] = $"There are {MostActive} service keys already. Revoke one that is not needed any more.";
        }

        if (errors.Count > 0)
        {
            return new ServiceKeyOutcome.Invalid(errors);
        }

        var text = Format.Create();
        var key = Row(owner, text, input.Name!.Trim(), input.ScopeOrNull!.Value, input.ExpiresAt, input.OperationId, now);
        storage.ServiceKeys.Add(key);
        return await SaveAsync(
            storage, key, text, () => audit.SaveNewAsync(storage, actor, ItemType, () => key.Id, cancellationToken), cancellationToken);
    }

    private static async Task<ServiceKeyOutcome> SaveAsync(
        StorageContext storage, ServiceKey key, string text, Func<Task> save, CancellationToken cancellationToken)
    {
        try
        {
            await save();
            return new ServiceKeyOutcome.Made(key.Id, key.Name, text);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation() || exception is DbUpdateConcurrencyException)
        {
            // The same form was saved by another request in the meantime, or the old key was changed: then nothing was made.
            storage.ChangeTracker.Clear();
            return await FindByOperationAsync(storage, key.OwnerId, key.OperationId, cancellationToken)
                ?? Invalid("Somebody else changed the service key meanwhile. Nothing was made; look at its present state and try again.");
        }
    }
}
