using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>A source or destination that uses a credential, and that the person who asked may see.</summary>
public sealed record CredentialUse
{
    public required int Id { get; init; }

    public required FlowKind Kind { get; init; }

    public required string Name { get; init; }

    public required FlowStatus Status { get; init; }

    /// <summary>The page of the source or destination.</summary>
    public string Address => Kind switch
    {
        FlowKind.Source => $"/sources/{Id}",
        FlowKind.Destination => $"/destinations/{Id}",
    };

    public required string OwnerName { get; init; }

    /// <summary>How many of its access tokens work; for each there may be a program.</summary>
    public int Tokens { get; init; }

    /// <summary>When a program last called with one of its tokens.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    public required bool IsMine { get; init; }
}

/// <summary>What uses a credential. Of what the person may not see there is a number alone.</summary>
/// <param name="Seen">The newest first.</param>
/// <param name="SeenCount">How many the person may see in all.</param>
/// <param name="OtherSources">How many more sources of others there are.</param>
public sealed record UseList(IReadOnlyList<CredentialUse> Seen, int SeenCount, int OtherSources, int OtherDestinations)
{
    public static UseList None { get; } = new([], 0, 0, 0);

    public int Count => SeenCount + OtherSources + OtherDestinations;

    /// <summary><c>1 source of somebody else</c>; null when there is none.</summary>
    public string? Others => (OtherSources, OtherDestinations) switch
    {
        (0, 0) => null,
        (var sources, 0) => $"{CredentialWords.Count(sources, "source")} of somebody else",
        (0, var destinations) => $"{CredentialWords.Count(destinations, "destination")} of somebody else",
        var (sources, destinations) => $"{CredentialWords.Count(sources, "source")} and {CredentialWords.Count(destinations, "destination")} of somebody else",
    };

    /// <summary>Of a credential that the person may see.</summary>
    internal static async Task<UseList> ReadAsync(
        StorageContext storage, Person person, int credential, int limit, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var uses = storage.Flows.AsNoTracking().Where(flow => flow.CredentialId == credential);
        var all = await CountAsync(uses, cancellationToken);
        var seen = await CountAsync(uses.VisibleTo(person), cancellationToken);
        return new UseList(
            await uses.VisibleTo(person)
                .OrderByDescending(flow => flow.Id)
                .Take(limit)
                .Select(flow => new CredentialUse
                {
                    Id = flow.Id,
                    Kind = flow.Kind,
                    Name = flow.Name,
                    Status = flow.Status,
                    OwnerName = flow.Owner!.Name,
                    IsMine = flow.OwnerId == person.Id,
                    Tokens = storage.AccessTokens.Count(token =>
                        token.FlowId == flow.Id && token.RevokedAt == null && (token.ExpiresAt == null || token.ExpiresAt > now)),
                    LastUsedAt = storage.AccessTokens.Where(token => token.FlowId == flow.Id).Max(token => token.LastUsedAt),
                })
                .ToListAsync(cancellationToken),
            seen.Sources + seen.Destinations,
            all.Sources - seen.Sources,
            all.Destinations - seen.Destinations);
    }

    private static async Task<(int Sources, int Destinations)> CountAsync(IQueryable<Flow> flows, CancellationToken cancellationToken)
    {
        var counts = await flows.GroupBy(flow => flow.Kind).Select(kind => new { kind.Key, Count = kind.Count() })
            .ToDictionaryAsync(kind => kind.Key, kind => kind.Count, cancellationToken);
        return (counts.GetValueOrDefault(FlowKind.Source), counts.GetValueOrDefault(FlowKind.Destination));
    }
}
