using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>In what order credentials are listed.</summary>
internal enum CredentialOrder
{
    /// <summary>The newest first.</summary>
    Newest,

    /// <summary>By name, whatever its case.</summary>
    Name,

    /// <summary>Those first that ReSci was asked about longest ago, or never.</summary>
    Checked,
}

/// <summary>Where a page of a list begins: next to a credential that is on the page before or after it.</summary>
/// <param name="Backwards">The page ends before that credential instead of beginning after it.</param>
internal sealed record CredentialPosition(int Id, bool Backwards);

/// <summary>
/// Finds credentials among those that a person may see. Every list is a page by keyset, so a deep page costs what the first does;
/// words are looked up in an index of words. With 100,000 rows no query here reads all of them for a page.
/// </summary>
internal sealed class CredentialSearch(IDbContextFactory<StorageContext> contexts, SecretProtector protector, TimeProvider time)
{
    /// <summary>How far an exact count goes.</summary>
    public const int CountedTo = 1000;

    /// <summary>How many of the newest rows are looked at that hold the words, or a key that is there twice.</summary>
    public const int MatchesTo = 10_000;

    /// <summary>Up to how many rows that are shared with a person are sorted for a page of them.</summary>
    private const int SortedTo = 5_000;

    /// <summary>Among how many people an owner is looked for.</summary>
    private const int OwnersTo = 10_000;

    /// <summary>The collation of the indexes by name.</summary>
    internal const string IgnoringCase = "NOCASE";

    private static readonly TimeSpan Soon = TimeSpan.FromDays(30);
    private static readonly TimeSpan Lately = TimeSpan.FromDays(30);

    /// <summary>One page, at most <paramref name="limit"/> of what matches.</summary>
    /// <param name="position">Null for the first page; one whose credential is gone leads there too.</param>
    public async Task<CredentialListing> ListAsync(
        Person person, CredentialFilter filter, CredentialOrder order, CredentialPosition? position, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var anchor = position is null ? null : await storage.Credentials.AsNoTracking().VisibleTo(person)
            .SingleOrDefaultAsync(credential => credential.Id == position.Id, cancellationToken);
        var backwards = anchor is not null && position!.Backwards;

        var matching = await MatchingAsync(storage, filter, person, cancellationToken);
        var from = anchor is null ? matching : matching.Select(part => part.Where(Beyond(order, anchor, backwards)));
        var rows = await CredentialRow.Project(storage, First(from, order, backwards, limit + 1), person).ToListAsync(cancellationToken);
        var more = rows.Count > limit;
        if (more)
        {
            rows.RemoveAt(limit);
        }

        if (backwards)
        {
            rows.Reverse();
        }

        return new CredentialListing(
            [.. rows.Select(row => row.ToView(protector))],
            HasPrevious: backwards ? more : anchor is not null,
            HasNext: backwards || more,
            Count: await CountAsync(matching, order, cancellationToken),
            IsCutOff: await IsCutOffAsync(storage, filter, cancellationToken));
    }

    /// <summary>A numbered page of the list, as programs go through it: in an order that what is added meanwhile does not disturb.</summary>
    /// <param name="name">A part of the name, whatever its case; null for any.</param>
    /// <param name="atLeast">The least role in which the person sees what is listed.</param>
    public async Task<NumberedListing> ListNumberedAsync(
        Person person, CredentialFilter filter, string? name, AccessRole atLeast, ApiSort sort, ApiPage page, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var narrowed = (await NarrowingAsync(storage, filter, person, cancellationToken))(Found(storage, filter));
        var matching = atLeast is AccessRole.Owner || filter.Mine is true ? narrowed.OwnedBy(person) : narrowed.VisibleTo(person, atLeast);
        if (filter.Mine is false)
        {
            matching = matching.Where(credential => credential.OwnerId != person.Id);
        }

        if (name is not null)
        {
            var pattern = TextRules.PatternOf(name);
            matching = matching.Where(credential => EF.Functions.Like(credential.Name, pattern, TextRules.PatternEscape));
        }

        var ordered = (sort.Field, sort.Descending) switch
        {
            ("name", false) => matching.OrderBy(credential => EF.Functions.Collate(credential.Name, IgnoringCase)).ThenBy(credential => credential.Id),
            ("name", true) => matching.OrderByDescending(credential => EF.Functions.Collate(credential.Name, IgnoringCase)).ThenByDescending(credential => credential.Id),
            ("updated_at", false) => matching.OrderBy(credential => credential.UpdatedAt).ThenBy(credential => credential.Id),
            ("updated_at", true) => matching.OrderByDescending(credential => credential.UpdatedAt).ThenByDescending(credential => credential.Id),
            // Ids are given in the order of creation.
            (_, false) => matching.OrderBy(credential => credential.Id),
            (_, true) => matching.OrderByDescending(credential => credential.Id),
        };
        var rows = await CredentialRow.Project(storage, ordered.Skip(page.Skip).Take(page.Size), person).ToListAsync(cancellationToken);
        return new NumberedListing([.. rows.Select(row => row.ToView(protector))], await matching.CountAsync(cancellationToken));
    }

    /// <summary>To choose from: the newest first, at most <paramref name="limit"/>, and the chosen one always.</summary>
    /// <param name="search">Words and terms as typed; empty for all.</param>
    /// <param name="chosen">A credential to show even when it is further down or does not match.</param>
    public async Task<CredentialPage> PickAsync(Person person, string? search, int? chosen, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var total = await CountAsync(await MatchingAsync(storage, new CredentialFilter(), person, cancellationToken), CredentialOrder.Newest, cancellationToken);
        var matching = await MatchingAsync(storage, CredentialFilter.Parse(search), person, cancellationToken);
        var rows = await CredentialRow.Project(storage, First(matching, CredentialOrder.Newest, backwards: false, limit + 1), person)
            .ToListAsync(cancellationToken);
        var more = rows.Count > limit;
        if (more)
        {
            rows.RemoveAt(limit);
        }

        if (chosen is { } id && rows.TrueForAll(row => row.Id != id))
        {
            rows.AddRange(await CredentialRow.Project(storage, storage.Credentials.AsNoTracking().Where(credential => credential.Id == id), person)
                .ToListAsync(cancellationToken));
        }

        return new CredentialPage([.. rows.Select(row => row.ToView(protector))], total, more);
    }

    /// <summary>What matches, in parts that have nothing in common and each an index of its own.</summary>
    private async Task<IReadOnlyList<IQueryable<Credential>>> MatchingAsync(
        StorageContext storage, CredentialFilter filter, Person person, CancellationToken cancellationToken)
    {
        var narrow = await NarrowingAsync(storage, filter, person, cancellationToken);
        // Few rows hold the words or have such a key, so that each may be asked whether it is seen.
        if (filter.ToMatch() is not null || filter.Key is not null)
        {
            var found = narrow(Found(storage, filter));
            return
            [
                filter.Mine switch
                {
                    null => found.VisibleTo(person),
                    true => found.OwnedBy(person),
                    false => found.VisibleTo(person).Where(credential => credential.OwnerId != person.Id),
                },
            ];
        }

        List<IQueryable<Credential>> parts = [];
        if (filter.Mine is not false)
        {
            parts.Add(narrow(storage.Credentials).OwnedBy(person));
        }

        if (filter.Mine is not true)
        {
            parts.Add(narrow(await SharedAsync(storage, filter, person, cancellationToken)));
        }

        return parts;
    }

    // Little is sorted faster than everybody's rows are walked; of much, something is met soon wherever one begins to walk.
    private async Task<IQueryable<Credential>> SharedAsync(
        StorageContext storage, CredentialFilter filter, Person person, CancellationToken cancellationToken)
    {
        var shared = await storage.Accessors
            .Where(accessor => accessor.AccountId == person.Id && accessor.CredentialId != null)
            .OrderBy(accessor => accessor.CredentialId)
            .Take(SortedTo + 1)
            .CountAsync(cancellationToken);
        if (shared <= SortedTo)
        {
            return storage.LittleSharedWith(person);
        }

        IQueryable<Credential> all = storage.Credentials;
        if (filter.Expiring)
        {
            // From their own index: walked in another order they would be too far apart.
            var expiring = storage.Credentials.Where(IsExpiring()).Select(credential => credential.Id);
            all = all.Where(credential => expiring.Contains(credential.Id));
        }

        return all.MuchSharedWith(person);
    }

    private Expression<Func<Credential, bool>> IsExpiring()
    {
        var last = DateOnly.FromDateTime((time.GetUtcNow() + Soon).UtcDateTime);
        return credential => credential.ExpiresOn <= last;
    }

    /// <summary>Everybody's rows that hold the words or have such a key; all, when neither is looked for.</summary>
    private static IQueryable<Credential> Found(StorageContext storage, CredentialFilter filter)
    {
        var (from, to) = FingerprintsLike(filter.Key);
        // A common word matches most rows: joining and sorting them all would take longer than the rest of the page. CROSS JOIN, because SQLite
        // would otherwise walk all rows of the owner and ask of each whether it was found (https://sqlite.org/lang_select.html#crossjoin); and the index
        // is named, because an owner looks as telling to it as a key.
        return (filter.ToMatch(), filter.Key) switch
        {
            ({ } match, _) => storage.Credentials.FromSql(
                $"""
                 SELECT c.* FROM (
                     SELECT rowid AS "Id" FROM "credential_words" WHERE "credential_words" MATCH {match} ORDER BY rowid DESC LIMIT {MatchesTo}
                 ) AS w CROSS JOIN "credentials" AS c ON c."Id" = w."Id"
                 """),
            (null, { } key) => storage.Credentials.FromSql(
                $"""
                 SELECT c.* FROM (
                     SELECT "Uid" FROM "credential_keys" WHERE "LastFour" = {key}
                     UNION SELECT "Uid" FROM "credential_keys" WHERE "Fingerprint" >= {from} AND "Fingerprint" < {to} LIMIT {MatchesTo}
                 ) AS k CROSS JOIN "credentials" AS c INDEXED BY "IX_credentials_CurrentKeyUid" ON c."CurrentKeyUid" = k."Uid"
                 """),
            (null, null) => storage.Credentials,
        };
    }

    /// <summary>What the rest of the filter leaves of rows: whoever calls this says which of them the person sees.</summary>
    private async Task<Func<IQueryable<Credential>, IQueryable<Credential>>> NarrowingAsync(
        StorageContext storage, CredentialFilter filter, Person person, CancellationToken cancellationToken)
    {
        var owners = filter.Owner is { } name ? await FindOwnersAsync(storage, name, cancellationToken) : null;
        var same = filter.SameKey ? await FindSameKeysAsync(storage, person, cancellationToken) : null;
        return rows => Narrow(storage, rows.AsNoTracking(), filter, owners, same);
    }

    /// <param name="owners">Whose it may be; null: anybody's.</param>
    /// <param name="same">Those of which another has the same key; null when that is not looked for.</param>
    private IQueryable<Credential> Narrow(
        StorageContext storage, IQueryable<Credential> matching, CredentialFilter filter, IReadOnlyList<int>? owners, IReadOnlyList<int>? same)
    {
        if (filter.Status is { } status)
        {
            matching = matching.Where(credential => credential.VerifiedStatus == status);
        }

        if (owners is not null)
        {
            // Of one, SQLite reads the rows in the order of an index; those of several it sorts.
            matching = owners is [var only]
                ? matching.Where(credential => credential.OwnerId == only)
                : matching.Where(credential => owners.Contains(credential.OwnerId));
        }

        if (filter.Tag is { } tag)
        {
            matching = matching.Where(credential => credential.Tags.Contains(tag));
        }

        if (filter.Used is { } used)
        {
            matching = matching.Where(credential => storage.Flows.Any(flow => flow.CredentialId == credential.Id) == used);
        }

        if (filter.Lately)
        {
            var since = time.GetUtcNow() - Lately;
            matching = matching.Where(credential =>
                storage.BrokerHours.Any(hour => hour.CredentialId == credential.Id && hour.Hour >= since && hour.KeyUid != Guid.Empty));
        }

        if (filter.Expiring)
        {
            matching = matching.Where(IsExpiring());
        }

        if (filter.Key is { } ofKey && filter.ToMatch() is not null)
        {
            var keys = KeysLike(storage, ofKey);
            matching = matching.Where(credential => keys.Contains(credential.CurrentKeyUid));
        }

        if (same is not null)
        {
            matching = matching.Where(credential => same.Contains(credential.Id));
        }

        return matching;
    }

    // What SQLite takes for the same letter in another case are the ASCII ones alone.
    private static async Task<List<int>> FindOwnersAsync(StorageContext storage, string name, CancellationToken cancellationToken)
    {
        var accounts = await storage.Users.OrderBy(account => account.Id).Take(OwnersTo)
            .Select(account => new { account.Id, account.Name, account.Email })
            .ToListAsync(cancellationToken);
        return
        [
            .. accounts
                .Where(account => account.Name.Contains(name, StringComparison.OrdinalIgnoreCase)
                    || account.Email!.StartsWith(name, StringComparison.OrdinalIgnoreCase))
                .Select(account => account.Id),
        ];
    }

    private static IQueryable<Guid> KeysLike(StorageContext storage, string key)
    {
        var (from, to) = FingerprintsLike(key);
        return storage.CredentialKeys.Where(row => row.LastFour == key).Select(row => row.Uid)
            .Union(storage.CredentialKeys
                .Where(row => row.Fingerprint.CompareTo(from) >= 0 && row.Fingerprint.CompareTo(to) < 0)
                .Select(row => row.Uid));
    }

    // A range, because SQLite finds its beginning in the index; of a pattern in a parameter it looks at every row. Empty when no fingerprint begins so.
    private static (string From, string To) FingerprintsLike(string? key) =>
        key is { Length: > 0 } && key.All(char.IsAsciiHexDigit) ? (key.ToLowerInvariant(), $"{key.ToLowerInvariant()}g") : ("", "");

    // Whether more rows hold the words, or have such a key, than were looked at.
    private static async Task<bool> IsCutOffAsync(StorageContext storage, CredentialFilter filter, CancellationToken cancellationToken) =>
        (filter.ToMatch(), filter.Key) switch
        {
            ({ } match, _) => await storage.Database
                .SqlQuery<int>($"""SELECT 1 AS "Value" FROM "credential_words" WHERE "credential_words" MATCH {match} LIMIT {MatchesTo + 1}""")
                .CountAsync(cancellationToken) > MatchesTo,
            (null, { } key) => await KeysLike(storage, key).Take(MatchesTo + 1).CountAsync(cancellationToken) > MatchesTo,
            (null, null) => false,
        };

    // First which fingerprints there are twice at all, which triggers keep; then only among what the person may see.
    private static async Task<List<int>> FindSameKeysAsync(StorageContext storage, Person person, CancellationToken cancellationToken)
    {
        var candidates = await storage.Credentials
            .FromSql(
                $"""
                 SELECT c.* FROM "repeated_fingerprints" AS r CROSS JOIN "credential_keys" AS k ON k."Fingerprint" = r."Fingerprint"
                 CROSS JOIN "credentials" AS c INDEXED BY "IX_credentials_CurrentKeyUid" ON c."CurrentKeyUid" = k."Uid"
                 """)
            .AsNoTracking()
            .VisibleTo(person)
            .OrderByDescending(credential => credential.Id)
            .Select(credential => new { credential.Id, credential.Keys.Single(key => key.Uid == credential.CurrentKeyUid).Fingerprint })
            .Take(MatchesTo)
            .ToListAsync(cancellationToken);
        return [.. candidates.GroupBy(row => row.Fingerprint, row => row.Id).Where(ids => ids.Skip(1).Any()).SelectMany(ids => ids)];
    }

    // As many of each part as are wanted of all, so that none is read further than that.
    private static IQueryable<Credential> First(IEnumerable<IQueryable<Credential>> parts, CredentialOrder order, bool backwards, int limit)
    {
        IQueryable<Credential>[] firsts = [.. parts.Select(part => Ordered(part, order, backwards).Take(limit))];
        return firsts.Length == 1 ? firsts[0] : Ordered(firsts.Aggregate((all, part) => all.Concat(part)), order, backwards).Take(limit);
    }

    private static async Task<int> CountAsync(IEnumerable<IQueryable<Credential>> parts, CredentialOrder order, CancellationToken cancellationToken)
    {
        var count = 0;
        foreach (var part in parts)
        {
            count += await Ordered(part, order, backwards: false).Select(credential => credential.Id).Take(CountedTo + 1).CountAsync(cancellationToken);
        }

        return Math.Min(count, CountedTo + 1);
    }

    private static IQueryable<Credential> Ordered(IQueryable<Credential> matching, CredentialOrder order, bool backwards) => (order, backwards) switch
    {
        (CredentialOrder.Newest, false) => matching.OrderByDescending(credential => credential.Id),
        (CredentialOrder.Newest, true) => matching.OrderBy(credential => credential.Id),
        (CredentialOrder.Name, false) => matching.OrderBy(credential => EF.Functions.Collate(credential.Name, IgnoringCase)).ThenBy(credential => credential.Id),
        (CredentialOrder.Name, true) => matching.OrderByDescending(credential => EF.Functions.Collate(credential.Name, IgnoringCase))
            .ThenByDescending(credential => credential.Id),
        (CredentialOrder.Checked, false) => matching.OrderBy(credential => credential.CheckedAt).ThenBy(credential => credential.Id),
        (CredentialOrder.Checked, true) => matching.OrderByDescending(credential => credential.CheckedAt).ThenByDescending(credential => credential.Id),
        _ => throw new ArgumentOutOfRangeException(nameof(order)),
    };

    // Written as a range and a rest, because SQLite finds the beginning of a range in an index, but not that of an OR.
    private static Expression<Func<Credential, bool>> Beyond(CredentialOrder order, Credential anchor, bool backwards)
    {
        var (id, name, at) = (anchor.Id, anchor.Name, anchor.CheckedAt);
        return (order, backwards) switch
        {
            (CredentialOrder.Newest, false) => credential => credential.Id < id,
            (CredentialOrder.Newest, true) => credential => credential.Id > id,
            (CredentialOrder.Name, false) => credential => EF.Functions.Collate(credential.Name, IgnoringCase).CompareTo(name) >= 0
                && (EF.Functions.Collate(credential.Name, IgnoringCase).CompareTo(name) > 0 || credential.Id > id),
            (CredentialOrder.Name, true) => credential => EF.Functions.Collate(credential.Name, IgnoringCase).CompareTo(name) <= 0
                && (EF.Functions.Collate(credential.Name, IgnoringCase).CompareTo(name) < 0 || credential.Id < id),
            // Never checked comes first.
            (CredentialOrder.Checked, false) when at is null => credential => credential.CheckedAt != null || credential.Id > id,
            (CredentialOrder.Checked, false) => credential => credential.CheckedAt >= at && (credential.CheckedAt > at || credential.Id > id),
            (CredentialOrder.Checked, true) when at is null => credential => credential.CheckedAt == null && credential.Id < id,
            (CredentialOrder.Checked, true) => credential => credential.CheckedAt == null
                || (credential.CheckedAt <= at && (credential.CheckedAt < at || credential.Id < id)),
            _ => throw new ArgumentOutOfRangeException(nameof(order)),
        };
    }
}

/// <summary>One page of a list of credentials.</summary>
/// <param name="Count">How many match in all, up to <see cref="CredentialSearch.CountedTo"/>; one more than that means more.</param>
/// <param name="IsCutOff">Whether more hold the words, or have such a key, than the <see cref="CredentialSearch.MatchesTo"/> that were looked at.</param>
internal sealed record CredentialListing(IReadOnlyList<CredentialTileView> Rows, bool HasPrevious, bool HasNext, int Count, bool IsCutOff);

/// <summary>A bounded part of the credentials that a person may choose from.</summary>
/// <param name="Total">How many they may see in all, whatever was searched, up to <see cref="CredentialSearch.CountedTo"/>.</param>
/// <param name="HasMore">Whether more than these match.</param>
internal sealed record CredentialPage(IReadOnlyList<CredentialTileView> Tiles, int Total, bool HasMore);

/// <summary>A numbered page of a list of credentials.</summary>
/// <param name="Total">How many there are on all pages.</param>
internal sealed record NumberedListing(IReadOnlyList<CredentialTileView> Rows, int Total);
