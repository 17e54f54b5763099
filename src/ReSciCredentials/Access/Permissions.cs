using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// What a person may see and do. Seeing is part of the query, so that what is not theirs is as if it did not exist. Doing is asked of the role that
/// comes with the row, so that what they see and may not do is refused in words.
/// </summary>
internal static class Permissions
{
    /// <summary>Rows of the person, and rows that are shared with them in whatever role.</summary>
    public static IQueryable<T> VisibleTo<T>(this IQueryable<T> rows, Person person)
        where T : class, IShared =>
        rows.Where(row => row.OwnerId == person.Id || row.Accessors.Any(accessor => accessor.AccountId == person.Id));

    /// <summary>Rows of the person, and rows that are shared with them in this role or one that may more.</summary>
    public static IQueryable<T> VisibleTo<T>(this IQueryable<T> rows, Person person, AccessRole atLeast)
        where T : class, IShared =>
        rows.Where(row => row.OwnerId == person.Id || row.Accessors.Any(accessor => accessor.AccountId == person.Id && accessor.Role >= atLeast));

    /// <summary>The rows that the person sees, each with what they may do.</summary>
    public static IQueryable<Seen<T>> SeenBy<T>(this IQueryable<T> rows, Person person)
        where T : class, IShared =>
        rows.VisibleTo(person).Select(row => new Seen<T>
        {
            Row = row,
            Role = row.OwnerId == person.Id
                ? AccessRole.Owner
                : row.Accessors.Where(accessor => accessor.AccountId == person.Id).Select(accessor => accessor.Role).FirstOrDefault(),
        });

    /// <summary>What the person may do with one row; null when they do not see it.</summary>
    public static async Task<AccessRole?> RoleAsync<T>(this IQueryable<T> row, Person person, CancellationToken cancellationToken)
        where T : class, IShared =>
        await row.SeenBy(person).Select(seen => (AccessRole?)seen.Role).SingleOrDefaultAsync(cancellationToken);

    /// <summary>Tests, activates, pauses.</summary>
    public static bool MayOperate(this AccessRole role) => role >= AccessRole.Operator;

    /// <summary>Changes, copies, deletes, shares; sees what was done.</summary>
    public static bool MayChange(this AccessRole role) => role >= AccessRole.Admin;

    // For lists. SQLite answers each of these halves from an index, and sorts all there is when they are one condition with an OR: a list takes its
    // part of either, and then of both.

    /// <summary>One half of what the person sees: rows of their own.</summary>
    public static IQueryable<T> OwnedBy<T>(this IQueryable<T> rows, Person person)
        where T : class, IOwned =>
        rows.Where(row => row.OwnerId == person.Id);

    /// <summary>The other half: what others share with them.</summary>
    public static IQueryable<Credential> SharedWith(this IQueryable<Credential> rows, StorageContext storage, Person person)
    {
        var shared = storage.Accessors.Where(accessor => accessor.AccountId == person.Id && accessor.CredentialId != null).Select(accessor => accessor.CredentialId!.Value);
        return rows.Where(row => shared.Contains(row.Id));
    }

    /// <inheritdoc cref="SharedWith(IQueryable{Credential}, StorageContext, Person)"/>
    public static IQueryable<Flow> SharedWith(this IQueryable<Flow> rows, StorageContext storage, Person person)
    {
        var shared = storage.Accessors.Where(accessor => accessor.AccountId == person.Id && accessor.FlowId != null).Select(accessor => accessor.FlowId!.Value);
        return rows.Where(row => shared.Contains(row.Id));
    }

    /// <summary>
    /// What others share with them, found from the list of that, whatever else is asked for. CROSS JOIN, because SQLite would otherwise walk everybody's rows
    /// when an index has them in the order of the list (https://sqlite.org/lang_select.html#crossjoin).
    /// </summary>
    public static IQueryable<Credential> LittleSharedWith(this StorageContext storage, Person person) => storage.Credentials.FromSql(
        $"""
         SELECT c.* FROM "accessors" AS s CROSS JOIN "credentials" AS c ON c."Id" = s."CredentialId" WHERE s."AccountId" = {person.Id}
         """);

    /// <summary>The same for somebody with whom very much is shared: everybody's rows are walked in the order of the list, and each is asked for.</summary>
    public static IQueryable<Credential> MuchSharedWith(this IQueryable<Credential> rows, Person person) =>
        rows.Where(row => row.Accessors.Any(accessor => accessor.AccountId == person.Id));

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
}

/// <summary>A row, and what the person who sees it may do with it.</summary>
internal sealed record Seen<T>
{
    public required T Row { get; init; }

    public required AccessRole Role { get; init; }
}

/// <summary>What a person gets who asks for something that not everybody may have who sees the row.</summary>
public abstract record Reply<T>
{
    /// <summary>What was asked for, or the default when it was not granted.</summary>
    public T? ValueOrDefault => this is Granted granted ? granted.Value : default;

    public sealed record Granted(T Value) : Reply<T>;

    /// <summary>The person sees the row and may not do this. Nothing was done.</summary>
    public sealed record Forbidden : Reply<T>;

    /// <summary>There is no row that the person may see.</summary>
    public sealed record NotFound : Reply<T>;
}
