using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

internal enum PersonOutcome
{
    Done,

    /// <summary>Somebody has this e-mail address already.</summary>
    Exists,

    /// <summary>The first account is the owner's, see <see cref="Owners"/>.</summary>
    NoOwner,

    /// <summary>See <see cref="PersonFaults"/>.</summary>
    NotAcceptable,
    Busy,
}

/// <summary>Somebody who has an account.</summary>
/// <param name="SeenAt">When they were last here; null when they have no session that is kept.</param>
public sealed record PersonSummary(int Id, string Name, string Email, AccountRole Role, DateTimeOffset CreatedAt, DateTimeOffset? SeenAt);

/// <summary>Who has an account on this server.</summary>
internal sealed class People(StorageContext storage, UserManager<Account> users, Passwords passwords, AuditLog audit, TimeProvider time)
{
    private const int Listed = 1000;

    /// <summary>Everybody for the owner, the earliest first and at most a thousand; for anybody else themselves.</summary>
    public async Task<IReadOnlyList<PersonSummary>> ListAsync(Person person, CancellationToken cancellationToken) =>
        await storage.Users.AsNoTracking()
            .Where(account => person.Role == AccountRole.Owner || account.Id == person.Id)
            .OrderBy(account => account.Id)
            .Take(Listed)
            .Select(account => new PersonSummary(
                account.Id,
                account.Name,
                account.Email!,
                account.Role,
                account.CreatedAt,
                storage.Sessions.Where(session => session.AccountId == account.Id).Max(session => (DateTimeOffset?)session.SeenAt)))
            .ToListAsync(cancellationToken);

    /// <summary>Makes a member from the command line.</summary>
    public async Task<PersonOutcome> CreateAsync(string email, string name, string password, CancellationToken cancellationToken)
    {
        if (PersonFaults.Of(name, email, password).Any)
        {
            return PersonOutcome.NotAcceptable;
        }

        using var turn = await passwords.TryTakeTurnAsync(cancellationToken);
        if (turn is null)
        {
            return PersonOutcome.Busy;
        }

        var hash = turn.Hash(password);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (!await storage.Users.AnyAsync(account => account.Role == AccountRole.Owner, cancellationToken))
        {
            return PersonOutcome.NoOwner;
        }

        if (await users.FindByEmailAsync(email.Trim()) is not null)
        {
            return PersonOutcome.Exists;
        }

        var account = await AddInAsync(email, name, hash, AccountRole.Member);
        audit.Add(storage, Actor.CommandLine, AuditEvents.Create, "account", account.Id);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return PersonOutcome.Done;
    }

    /// <summary>Adds an account within the caller's transaction; its details have been checked.</summary>
    internal async Task<Account> AddInAsync(string email, string name, string passwordHash, AccountRole role)
    {
        var account = new Account
        {
            Name = name.Trim(),
            Email = email.Trim(),
            UserName = email.Trim(),
            Role = role,
            PasswordHash = passwordHash,
            CreatedAt = time.GetUtcNow(),
        };
        var result = await users.CreateAsync(account);
        return result.Succeeded ? account : throw new InvalidOperationException($"Identity refused the account: {result}");
    }
}
