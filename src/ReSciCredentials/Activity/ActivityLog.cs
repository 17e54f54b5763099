using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>What was done, to read: the newest first. The owner of the server sees everything, a member what they did and what was done with what is theirs.</summary>
internal sealed class ActivityLog(IDbContextFactory<StorageContext> contexts, AuditVerifier chain)
{
    /// <summary>The most that can be asked for at once.</summary>
    public const int Most = 1000;

    /// <summary>The most people that can be chosen from.</summary>
    private const int MostPeople = 500;

    /// <summary>Goes through the entries one page after the other, as fast at the end of a million as at its beginning.</summary>
    /// <param name="after">The entry to go on behind; null for the newest.</param>
    /// <param name="limit">From 1 to <see cref="Most"/>.</param>
    public async Task<ActivityListing> ListAsync(
        Person person, ActivityFilter filter, ActivityPosition? after, int limit, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, Most);
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var found = new List<AuditEntry>();
        // Each part is read in the order of an index; an OR of them would have to be sorted whole.
        foreach (var part in storage.AuditEntries.AsNoTracking().PartsVisibleTo(person))
        {
            found.AddRange(await NewestFirst(Behind(after, filter.Of(part))).Take(limit + 1).ToListAsync(cancellationToken));
        }

        var rows = found.OrderByDescending(entry => entry.At).ThenByDescending(entry => entry.Id).Take(limit).ToList();
        return new ActivityListing(await NameAsync(storage, person, rows, cancellationToken), HasMore: found.Count > limit);
    }

    /// <summary>A page by its number, for lists that are asked for so; the further back, the longer it takes.</summary>
    /// <param name="page">From 1.</param>
    /// <param name="size">From 1 to <see cref="Most"/>.</param>
    public async Task<ActivityPageOf> PageAsync(Person person, ActivityFilter filter, int page, int size, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await PageAsync(storage, filter.Of(storage.AuditEntries.AsNoTracking().VisibleTo(person)), page, size, cancellationToken);
    }

    /// <summary>As <see cref="PageAsync(Person, ActivityFilter, int, int, CancellationToken)"/>, of one thing and for whoever may see all that was done with it: that is for the caller to check.</summary>
    /// <param name="itemType">One of <see cref="AuditItems"/>.</param>
    public async Task<ActivityPageOf> PageOfItemAsync(
        string itemType, int itemId, ActivityFilter filter, int page, int size, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var entries = (filter with { Kind = itemType, Item = itemId }).Of(storage.AuditEntries.AsNoTracking());
        return await PageAsync(storage, entries, page, size, cancellationToken);
    }

    /// <summary>The accounts that can be looked for; for a member it is their own.</summary>
    public async Task<IReadOnlyList<ActivityPerson>> ListPeopleAsync(Person person, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Users
            .Where(account => person.Role == AccountRole.Owner || account.Id == person.Id)
            .OrderBy(account => account.Name)
            .ThenBy(account => account.Id)
            .Take(MostPeople)
            .Select(account => new ActivityPerson(account.Id, account.Name, account.Email!))
            .ToListAsync(cancellationToken);
    }

    /// <summary>Where the chain of entries ends now; null for a member, who sees a part of it only.</summary>
    public async Task<AuditHead?> FindHeadAsync(Person person, CancellationToken cancellationToken) =>
        person.Role is AccountRole.Owner ? await chain.HeadAsync(cancellationToken) : null;

    private static async Task<ActivityPageOf> PageAsync(
        StorageContext storage, IQueryable<AuditEntry> entries, int page, int size, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(page, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Most);
        var skipped = (int)Math.Min((long)(page - 1) * size, int.MaxValue);
        var rows = await NewestFirst(entries).Skip(skipped).Take(size).ToListAsync(cancellationToken);
        return new ActivityPageOf(await RecordAsync(storage, rows, cancellationToken), await entries.CountAsync(cancellationToken));
    }

    /// <summary>With the e-mail addresses of the owners, as far as they have an account still.</summary>
    internal static async Task<IReadOnlyList<ActivityRecord>> RecordAsync(
        StorageContext storage, IReadOnlyCollection<AuditEntry> entries, CancellationToken cancellationToken)
    {
        var owners = entries.Select(entry => entry.OwnerId).Distinct().ToArray();
        var emails = await storage.Users
            .Where(account => owners.Contains(account.Id))
            .ToDictionaryAsync(account => account.Id, account => account.Email ?? "", cancellationToken);
        return [.. entries.Select(entry => new ActivityRecord(entry, entry.OwnerId is { } owner ? emails.GetValueOrDefault(owner, "") : ""))];
    }

    private static IQueryable<AuditEntry> Behind(ActivityPosition? position, IQueryable<AuditEntry> entries)
    {
        if (position is not { At: var at, Id: var id })
        {
            return entries;
        }

        // The first half alone is what the index answers.
        return entries.Where(entry => entry.At <= at && (entry.At < at || entry.Id < id));
    }

    private static IQueryable<AuditEntry> NewestFirst(IQueryable<AuditEntry> entries) =>
        entries.OrderByDescending(entry => entry.At).ThenByDescending(entry => entry.Id);

    // What the things are called now, of those that are still there and that the person may see.
    private static async Task<IReadOnlyList<ActivityRow>> NameAsync(
        StorageContext storage, Person person, List<AuditEntry> entries, CancellationToken cancellationToken)
    {
        var credentials = IdsOf(AuditItems.Credential);
        var flows = IdsOf(AuditItems.Source).Concat(IdsOf(AuditItems.Destination)).ToArray();
        var named = await storage.Credentials.VisibleTo(person).Where(row => credentials.Contains(row.Id))
            .ToDictionaryAsync(row => (AuditItems.Credential, row.Id), row => row.Name, cancellationToken);
        foreach (var flow in await storage.Flows.VisibleTo(person).Where(row => flows.Contains(row.Id))
            .Select(row => new { row.Id, row.Kind, row.Name }).ToListAsync(cancellationToken))
        {
            named[(flow.Kind is FlowKind.Source ? AuditItems.Source : AuditItems.Destination, flow.Id)] = flow.Name;
        }

        return [.. entries.Select(entry => new ActivityRow(entry, named.GetValueOrDefault((entry.ItemType, entry.ItemId))))];

        int[] IdsOf(string itemType) => [.. entries.Where(entry => entry.ItemType == itemType).Select(entry => entry.ItemId).Distinct()];
    }
}

/// <summary>A place in the list: behind this entry.</summary>
internal sealed record ActivityPosition(DateTimeOffset At, int Id);

/// <param name="Name">What the thing is called now; null when it is gone, has no name, or is not for the person to see.</param>
internal sealed record ActivityRow(AuditEntry Entry, string? Name);

internal sealed record ActivityListing(IReadOnlyList<ActivityRow> Rows, bool HasMore);

/// <param name="Total">How many there are on all pages.</param>
internal sealed record ActivityPageOf(IReadOnlyList<ActivityRecord> Records, int Total);

/// <summary>Somebody who can be looked for.</summary>
internal sealed record ActivityPerson(int Id, string Name, string Email);
