using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>A session that is still alive, as its owner sees it.</summary>
internal sealed record SessionSummary(Guid Id, DateTimeOffset CreatedAt, DateTimeOffset SeenAt, string Address, string Browser);

/// <summary>
/// Who is signed in, and where. Asked with every request and every action of a circuit; nothing is remembered in between,
/// so a session that ended anywhere is seen at once (one lookup by primary key costs less than a tenth of a millisecond).
/// </summary>
internal sealed partial class Sessions(
    IDbContextFactory<StorageContext> storages, AuditLog audit, LiveConnections live, TimeProvider time, ILogger<Sessions> logger)
{
    /// <summary>A stolen cookie is worth nothing after a week, however busily it is used.</summary>
    public static readonly TimeSpan AbsoluteLimit = TimeSpan.FromDays(7);

    /// <summary>Long enough for a working day with a long break, short enough that a forgotten browser is signed out the next morning.</summary>
    public static readonly TimeSpan IdleLimit = TimeSpan.FromHours(12);

    /// <summary>How long the row of an ended session stays, so that a late request of it is still known for what it is.</summary>
    public static readonly TimeSpan KeptAfterEnd = TimeSpan.FromDays(1);

    private static readonly TimeSpan TouchInterval = TimeSpan.FromMinutes(1);

    /// <summary>Adds a session and its audit entry to <paramref name="storage"/>; the caller saves them.</summary>
    public SignInSession Start(StorageContext storage, Account account, Client client)
    {
        var now = time.GetUtcNow();
        var session = new SignInSession
        {
            Id = Guid.NewGuid(),
            AccountId = account.Id,
            CreatedAt = now,
            SeenAt = now,
            Address = client.Address,
            UserAgent = client.UserAgent,
        };
        storage.Sessions.Add(session);
        audit.Add(storage, client.As(account.Id, account.Email!), AuditEvents.SignIn, AuditItems.Account, account.Id);
        return session;
    }

    /// <summary>The person a living session belongs to, and notes that the session was used; null when it has ended.</summary>
    public async Task<Person?> FindAsync(Guid session, Client client, CancellationToken cancellationToken)
    {
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        var found = await Alive(storage)
            .Where(s => s.Id == session)
            .Join(storage.Users, s => s.AccountId, a => a.Id, (s, a) => new { s.SeenAt, a.Id, a.Name, a.Email, a.Role })
            .SingleOrDefaultAsync(cancellationToken);
        if (found is null)
        {
            return null;
        }

        if (time.GetUtcNow() - found.SeenAt >= TouchInterval)
        {
            await TouchAsync(storage, session, cancellationToken);
        }

        return new Person(found.Id, found.Name, found.Email!, found.Role, session, client.Address, client.UserAgent);
    }

    /// <summary>Those of <paramref name="sessions"/> that have ended, by whatever process or limit. Does not count as use.</summary>
    public async Task<IReadOnlyCollection<Guid>> EndedAmongAsync(IReadOnlyCollection<Guid> sessions, CancellationToken cancellationToken)
    {
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        var alive = await Alive(storage).Where(s => sessions.Contains(s.Id)).Select(s => s.Id).ToListAsync(cancellationToken);
        return [.. sessions.Except(alive)];
    }

    /// <summary>The living sessions of a person, the last used first.</summary>
    public async Task<IReadOnlyList<SessionSummary>> ListAsync(Person person, CancellationToken cancellationToken)
    {
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        return await Alive(storage)
            .Where(s => s.AccountId == person.Id)
            .OrderByDescending(s => s.SeenAt)
            .Select(s => new SessionSummary(s.Id, s.CreatedAt, s.SeenAt, s.Address, Browsers.NameOf(s.UserAgent)))
            .ToListAsync(cancellationToken);
    }

    /// <summary>Ends one session of the person's own; false when there is no such living session.</summary>
    public async Task<bool> EndAsync(Person person, Guid session, CancellationToken cancellationToken)
    {
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var ended = await EndIn(storage, Alive(storage).Where(s => s.AccountId == person.Id && s.Id == session), cancellationToken);
        if (ended.Count == 0)
        {
            return false;
        }

        audit.Add(storage, person, AuditEvents.SignOut, AuditItems.Account, person.Id);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        live.End(ended);
        return true;
    }

    /// <summary>Ends all sessions of the person, this one included.</summary>
    public async Task EndAllAsync(Person person, CancellationToken cancellationToken)
    {
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var ended = await EndAllInAsync(storage, person.Id, cancellationToken);
        audit.Add(storage, person, AuditEvents.SignOutEverywhere, AuditItems.Account, person.Id);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        live.End(ended);
    }

    /// <summary>Ends all sessions of an account within the caller's transaction, who cuts their connections after the commit.</summary>
    public Task<IReadOnlyCollection<Guid>> EndAllInAsync(StorageContext storage, int accountId, CancellationToken cancellationToken) =>
        EndIn(storage, Alive(storage).Where(s => s.AccountId == accountId), cancellationToken);

    /// <summary>Ends everybody's sessions within the caller's transaction, who cuts their connections after the commit.</summary>
    public Task<IReadOnlyCollection<Guid>> EndEverybodysInAsync(StorageContext storage, CancellationToken cancellationToken) =>
        EndIn(storage, Alive(storage), cancellationToken);

    /// <summary>
    /// Removes what is left of sessions that ended, by a sign-out or a limit, more than <see cref="KeptAfterEnd"/> ago. The audit log still
    /// tells of them.
    /// </summary>
    public async Task RemoveEndedAsync(CancellationToken cancellationToken)
    {
        DateTimeOffset? endedBefore = time.GetUtcNow() - KeptAfterEnd;
        var startedBefore = endedBefore - AbsoluteLimit;
        var seenBefore = endedBefore - IdleLimit;
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        await storage.Sessions
            .Where(s => s.EndedAt < endedBefore || s.CreatedAt < startedBefore || s.SeenAt < seenBefore)
            .ExecuteDeleteAsync(cancellationToken);
    }

    private async Task<IReadOnlyCollection<Guid>> EndIn(
        StorageContext storage, IQueryable<SignInSession> sessions, CancellationToken cancellationToken)
    {
        var ids = await sessions.Select(s => s.Id).ToListAsync(cancellationToken);
        var now = time.GetUtcNow();
        await storage.Sessions.Where(s => ids.Contains(s.Id))
            .ExecuteUpdateAsync(s => s.SetProperty(x => x.EndedAt, now), cancellationToken);
        return ids;
    }

    private IQueryable<SignInSession> Alive(StorageContext storage)
    {
        var startedAfter = time.GetUtcNow() - AbsoluteLimit;
        var seenAfter = time.GetUtcNow() - IdleLimit;
        return storage.Sessions.AsNoTracking().Where(s => s.EndedAt == null && s.CreatedAt > startedAfter && s.SeenAt > seenAfter);
    }

    private async Task TouchAsync(StorageContext storage, Guid session, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        try
        {
            await storage.Sessions.Where(s => s.Id == session)
                .ExecuteUpdateAsync(s => s.SetProperty(x => x.SeenAt, now), cancellationToken);
        }
        catch (Exception exception) when (exception is DbException or WritesRefusedException)
        {
            // A full or read-only disk, or a sealed server, must not keep people from reading.
            LogNotTouched(exception);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Could not note that a session was used")]
    private partial void LogNotTouched(Exception exception);
}
