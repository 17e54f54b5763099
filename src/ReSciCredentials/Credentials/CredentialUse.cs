using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>A source or destination that uses a credential.</summary>
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

    /// <summary>Whether it belongs to the person who asked, who can then open it.</summary>
    public required bool IsMine { get; init; }
}
