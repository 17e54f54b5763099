using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// Who else may see and use a credential, a source or a destination. Whoever sees it sees with whom it is shared; admins and the owner say with whom, and
/// nobody gives more than they have. The owner has no entry that could be changed or removed.
/// </summary>
internal sealed class Sharing(IDbContextFactory<StorageContext> contexts, ILookupNormalizer normalizer, AuditLog audit, TimeProvider time)
{
    /// <summary>The most people that one thing is shared with.</summary>
    public const int Most = 200;

    /// <returns>Null when there is none that the person may see.</returns>
    public async Task<AccessList?> ListAsync(Person person, SharedItem item, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await RoleAsync(storage, person, item, cancellationToken) is { } role ? await ReadAsync(storage, role, item, cancellationToken) : null;
    }

    /// <summary>Shares it with more people, or with the same in another role. Doing it twice changes nothing more.</summary>
    public Task<ShareOutcome> AddAsync(Person person, SharedItem item, IReadOnlyList<Grant> grants, CancellationToken cancellationToken) =>
        ChangeAsync(person, item, (storage, role, present) => GrantAsync(storage, person, item, role, present, grants, cancellationToken), cancellationToken);

    /// <summary>Shares it with these people and nobody else. The owner stays who they are.</summary>
    public Task<ShareOutcome> ReplaceAsync(Person person, SharedItem item, IReadOnlyList<Grant> grants, CancellationToken cancellationToken) => ChangeAsync(
        person,
        item,
        async (storage, role, present) =>
        {
            var (wanted, fault) = await FindAsync(storage, [.. grants.Select(grant => grant.Who)], cancellationToken);
            Revoke(storage, person, item, present.Where(row => !wanted.Exists(account => account.Id == row.AccountId)));
            return fault ?? await GrantAsync(storage, person, item, role, present, grants, cancellationToken);
        },
        cancellationToken);

    /// <summary>No longer shares it with these people. What of theirs uses a credential stands still from then on.</summary>
    /// <param name="people">Null for all; those it is not shared with are passed over.</param>
    public Task<ShareOutcome> RemoveAsync(Person person, SharedItem item, IReadOnlyList<PersonRef>? people, CancellationToken cancellationToken) => ChangeAsync(
        person,
        item,
        async (storage, _, present) =>
        {
            if (people is null)
            {
                Revoke(storage, person, item, present);
                return null;
            }

            var (accounts, fault) = await FindAsync(storage, people, cancellationToken);
            var owner = await OwnerAsync(storage, item, cancellationToken);
            if (fault is not null || accounts.Exists(account => account.Id == owner))
            {
                return fault ?? "The owner cannot be removed.";
            }

            Revoke(storage, person, item, present.Where(row => accounts.Exists(account => account.Id == row.AccountId)));
            return null;
        },
        cancellationToken);

    /// <summary>Looks and changes in one transaction that writes from its beginning: of two changes at once the second sees the first.</summary>
    /// <param name="change">Returns what is at fault, in a sentence; then nothing is changed.</param>
    private async Task<ShareOutcome> ChangeAsync(
        Person person, SharedItem item, Func<StorageContext, AccessRole, List<Accessor>, Task<string?>> change, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await RoleAsync(storage, person, item, cancellationToken) is not { } role)
        {
            return new ShareOutcome.NotFound();
        }

        if (!role.MayChange())
        {
            return new ShareOutcome.Forbidden();
        }

        var present = await RowsOf(storage, item).Include(row => row.Account).OrderBy(row => row.Id).ToListAsync(cancellationToken);
        if (await change(storage, role, present) is { } fault)
        {
            return new ShareOutcome.Invalid(fault);
        }

        if (storage.ChangeTracker.Entries<Accessor>().Count(entry => entry.State is not EntityState.Deleted) > Most)
        {
            return new ShareOutcome.Invalid($"A {item.Noun} can be shared with {Most} people at most.");
        }

        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        // Read anew: the person may have taken their own role away.
        return new ShareOutcome.Done(await ListAsync(person, item, cancellationToken) ?? new AccessList(null, []));
    }

    private async Task<string?> GrantAsync(
        StorageContext storage,
        Person person,
        SharedItem item,
        AccessRole own,
        IReadOnlyList<Accessor> present,
        IReadOnlyList<Grant> grants,
        CancellationToken cancellationToken)
    {
        var owner = await OwnerAsync(storage, item, cancellationToken);
        var (accounts, fault) = await FindAsync(storage, [.. grants.Select(grant => grant.Who)], cancellationToken);
        if (fault is not null)
        {
            return fault;
        }

        var now = time.GetUtcNow();
        foreach (var (account, role) in accounts.Zip(grants, (account, grant) => (account, grant.Role)).DistinctBy(grant => grant.account.Id))
        {
            if (account.Id == owner)
            {
                // Whoever sends a whole list back names the owner too.
                continue;
            }

            if (role is AccessRole.Owner)
            {
                return $"This {item.Noun} has one owner, and it stays theirs. Choose another role for {account.Email}.";
            }

            if (role > own)
            {
                return $"You cannot give {account.Email} a role that may more than yours.";
            }

            var row = present.FirstOrDefault(row => row.AccountId == account.Id);
            if (row?.Role == role)
            {
                continue;
            }

            if (row is null)
            {
                storage.Accessors.Add(new Accessor
                {
                    CredentialId = item.Flow is null ? item.Id : null,
                    FlowId = item.Flow is null ? null : item.Id,
                    AccountId = account.Id,
                    Role = role,
                    CreatedAt = now,
                    UpdatedAt = now,
                });
            }
            else
            {
                (row.Role, row.UpdatedAt) = (role, now);
            }

            audit.Add(storage, person, AuditEvents.Shared, item.Noun, item.Id, $"{account.Email} as {role.ToString().ToLowerInvariant()}");
        }

        return null;
    }

    private void Revoke(StorageContext storage, Person person, SharedItem item, IEnumerable<Accessor> rows)
    {
        foreach (var row in rows)
        {
            storage.Accessors.Remove(row);
            audit.Add(storage, person, AuditEvents.Unshared, item.Noun, item.Id, row.Account!.Email!);
        }
    }

    /// <summary>The accounts in the order of the people, or whom there is not.</summary>
    private async Task<(List<Account> Accounts, string? Fault)> FindAsync(
        StorageContext storage, IReadOnlyList<PersonRef> people, CancellationToken cancellationToken)
    {
        var accounts = new List<Account>();
        if (people.Count > Most)
        {
            return (accounts, $"Name {Most} people at most.");
        }

        foreach (var (id, email) in people)
        {
            var name = normalizer.NormalizeEmail(email?.Trim());
            var account = await storage.Users.AsNoTracking()
                .SingleOrDefaultAsync(row => id != null ? row.Id == id : row.NormalizedEmail == name, cancellationToken);
            if (account is null)
            {
                return (accounts, id is null ? $"Nobody here has the e-mail address “{email}”." : $"There is nobody with the id {id}.");
            }

            accounts.Add(account);
        }

        return (accounts, null);
    }

    private static async Task<AccessList> ReadAsync(StorageContext storage, AccessRole role, SharedItem item, CancellationToken cancellationToken)
    {
        var credential = item.Flow is null ? item.Id : 0;
        var people = await RowsOf(storage, item).AsNoTracking()
            .OrderBy(row => row.Id)
            .Select(row => new AccessorView(
                row.AccountId,
                row.Account!.Name,
                row.Account.Email!,
                row.Role,
                row.CreatedAt,
                row.UpdatedAt,
                storage.Flows.Count(flow => flow.CredentialId == credential && flow.OwnerId == row.AccountId)))
            .ToListAsync(cancellationToken);
        var owner = await (item.Flow is null
            ? storage.Credentials.Where(row => row.Id == item.Id).Select(row => new AccessorView(
                row.OwnerId, row.Owner!.Name, row.Owner.Email!, AccessRole.Owner, row.CreatedAt, row.CreatedAt, 0))
            : storage.Flows.Where(row => row.Id == item.Id).Select(row => new AccessorView(
                row.OwnerId, row.Owner!.Name, row.Owner.Email!, AccessRole.Owner, row.CreatedAt, row.CreatedAt, 0))).SingleAsync(cancellationToken);
        return new AccessList(role, [owner, .. people]);
    }

    private static Task<AccessRole?> RoleAsync(StorageContext storage, Person person, SharedItem item, CancellationToken cancellationToken) => item.Flow is { } kind
        ? storage.Flows.Where(row => row.Kind == kind && row.Id == item.Id).RoleAsync(person, cancellationToken)
        : storage.Credentials.Where(row => row.Id == item.Id).RoleAsync(person, cancellationToken);

    private static Task<int> OwnerAsync(StorageContext storage, SharedItem item, CancellationToken cancellationToken) => item.Flow is null
        ? storage.Credentials.Where(row => row.Id == item.Id).Select(row => row.OwnerId).SingleAsync(cancellationToken)
        : storage.Flows.Where(row => row.Id == item.Id).Select(row => row.OwnerId).SingleAsync(cancellationToken);

    private static IQueryable<Accessor> RowsOf(StorageContext storage, SharedItem item) => item.Flow is null
        ? storage.Accessors.Where(row => row.CredentialId == item.Id)
        : storage.Accessors.Where(row => row.FlowId == item.Id);
}

/// <summary>Somebody with an account, by its id or else by the e-mail address.</summary>
internal sealed record PersonRef(int? Id, string? Email);

/// <summary>A role for somebody.</summary>
internal sealed record Grant(PersonRef Who, AccessRole Role);

/// <summary>Who sees a credential, a source or a destination.</summary>
/// <param name="Role">What the person who looks may do; null when it was theirs until now.</param>
/// <param name="People">The owner first.</param>
internal sealed record AccessList(AccessRole? Role, IReadOnlyList<AccessorView> People);

/// <param name="Uses">How many of their own sources and destinations use the credential, and would stand still without it.</param>
public sealed record AccessorView(int AccountId, string Name, string Email, AccessRole Role, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Uses);

/// <summary>What came of changing with whom something is shared.</summary>
internal abstract record ShareOutcome
{
    /// <summary>It is so now, or was so already.</summary>
    public sealed record Done(AccessList List) : ShareOutcome;

    /// <param name="Fault">What to do about it. Nothing was changed.</param>
    public sealed record Invalid(string Fault) : ShareOutcome;

    /// <summary>The person's role does not allow it. Nothing was changed.</summary>
    public sealed record Forbidden : ShareOutcome;

    /// <summary>There is none that the person may see.</summary>
    public sealed record NotFound : ShareOutcome;
}
