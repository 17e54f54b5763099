using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>What a person may see and do. Part of the query, so that what is not theirs is as if it did not exist.</summary>
internal static class Permissions
{
    public static IQueryable<T> VisibleTo<T>(this IQueryable<T> rows, Person person)
        where T : class, IOwned =>
        rows.Where(row => row.OwnerId == person.Id);

    /// <summary>The owner of the server sees every entry, a member what they did and what was done with what was theirs then.</summary>
    public static IQueryable<AuditEntry> VisibleTo(this IQueryable<AuditEntry> entries, Person person) => person.Role switch
    {
        AccountRole.Owner => entries,
        AccountRole.Member => entries.Where(entry => entry.OwnerId == person.Id || entry.ActorId == person.Id),
    };

    /// <summary>The same in parts that have no entry in common, each of which an index knows in order of time.</summary>
    public static IReadOnlyList<IQueryable<AuditEntry>> PartsVisibleTo(this IQueryable<AuditEntry> entries, Person person) => person.Role switch
    {
        AccountRole.Owner => [entries],
        AccountRole.Member =>
        [
            entries.Where(entry => entry.OwnerId == person.Id),
            entries.Where(entry => entry.ActorId == person.Id && entry.OwnerId != person.Id),
        ],
    };

    /// <summary>Whether a notice about a row concerns the person.</summary>
    public static bool IsVisibleTo(this ChangeNotice notice, Person person) => notice.OwnerId == person.Id;
}
