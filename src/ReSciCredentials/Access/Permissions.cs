using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>What a person may see and do. Part of the query, so that what is not theirs is as if it did not exist.</summary>
internal static class Permissions
{
    public static IQueryable<T> VisibleTo<T>(this IQueryable<T> rows, Person person)
        where T : class, IOwned =>
        rows.Where(row => row.OwnerId == person.Id);

    /// <summary>Whether a notice about a row concerns the person.</summary>
    public static bool IsVisibleTo(this ChangeNotice notice, Person person) => notice.OwnerId == person.Id;
}
