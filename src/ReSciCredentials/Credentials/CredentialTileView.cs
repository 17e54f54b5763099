using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>What a tile, a row or the drawer shows of a credential. There is no place for a key in it.</summary>
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

    /// <summary>When ReSci refused a key that was good before; it counts once it is refused again. Null when it was not.</summary>
    public DateTimeOffset? DoubtedAt { get; init; }

    /// <summary>What the last check found and what to do about it, in a sentence; null when all is well.</summary>
    public string? LastCheck { get; init; }

    /// <summary>The last day on which the key is good, as far as the team knows.</summary>
    public DateOnly? ExpiresOn { get; init; }

    /// <summary>The day on which somebody should look whether it is still needed.</summary>
    public DateOnly? ReviewOn { get; init; }

    /// <summary>Counts key changes, from 1.</summary>
    public int Version { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a person or program changed it last. A check is no change.</summary>
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Raised with every change, from 1.</summary>
    public int Revision { get; init; }

    /// <summary>What the program that made it calls its type.</summary>
    public string Type { get; init; } = Credential.UsualType;

    /// <summary>What programs look for it by.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    public int? CopiedFromId { get; init; }

    /// <summary>When a client of ReSci last used it through the broker.</summary>
    public DateTimeOffset? LastUsedAt { get; init; }

    public int OwnerId { get; init; }

    public string OwnerEmail { get; init; } = "";

    public required string OwnerName { get; init; }

    /// <summary>What the person who looks may do with it.</summary>
    public required AccessRole Role { get; init; }

    public bool IsMine => Role is AccessRole.Owner;

    /// <summary>Eight hexadecimal digits that tell whether two keys are the same, and nothing else.</summary>
    public string? Fingerprint { get; init; }

    /// <summary>The last four characters of the key, only of keys of at least 20.</summary>
    public string? LastFour { get; init; }

    /// <summary>When the present key was set.</summary>
    public DateTimeOffset? KeySetAt { get; init; }

    /// <summary>A key that is to replace the present one waits for a decision.</summary>
    public bool HasPendingKey { get; init; }

    public required int UsedBySources { get; init; }

    public required int UsedByDestinations { get; init; }

    /// <summary>The stored key does not open: the row was changed or moved, or its ring key is gone.</summary>
    public bool CannotBeDecrypted { get; init; }
}
