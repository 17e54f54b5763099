using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>What a tile shows of a credential. There is no place for a key in it.</summary>
public sealed record CredentialTileView
{
    public required int Id { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required VerifiedStatus VerifiedStatus { get; init; }

    /// <summary>When ReSci last gave a definite verdict.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>When ReSci was last asked, whatever came of it.</summary>
    public DateTimeOffset? CheckedAt { get; init; }

    /// <summary>What the last check found and what to do about it, in a sentence; null when all is well.</summary>
    public string? LastCheck { get; init; }

    public required string OwnerName { get; init; }

    public required bool IsMine { get; init; }

    /// <summary>The last four characters of the key, only of keys of at least 20.</summary>
    public string? LastFour { get; init; }

    /// <summary>The last day on which the key is good, when somebody set one.</summary>
    public DateOnly? ExpiresOn { get; init; }

    /// <summary>The day by which somebody should look at the credential, when somebody set one.</summary>
    public DateOnly? ReviewOn { get; init; }

    public required int UsedBySources { get; init; }

    public required int UsedByDestinations { get; init; }

    /// <summary>The stored key does not open: the row was changed or moved, or its ring key is gone.</summary>
    public bool CannotBeDecrypted { get; init; }
}
