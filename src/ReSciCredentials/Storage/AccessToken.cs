namespace ReSciCredentials.Storage;

/// <summary>Why a token that is known was refused.</summary>
public enum TokenFault
{
    Revoked,
    Expired,

    /// <summary>It came from an address that it may not be used from.</summary>
    Address,
}

/// <summary>
/// What a ReSci client sends to the broker in place of the key. Belongs to one source or destination, reads or writes as that does, and may be narrowed further.
/// Only a hash of the token is kept.
/// </summary>
internal sealed class AccessToken : IOwned, IRevised
{
    public const int NameLength = 100;

    public int Id { get; init; }

    /// <summary>Who made it. What may be done with it follows from the source or destination.</summary>
    public int OwnerId { get; init; }

    public int FlowId { get; init; }

    public Flow? Flow { get; init; }

    public required string Name { get; set; }

    /// <summary>SHA-256 of the whole token. It has 256 random bits, so that no salt is needed.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>How the token begins, to tell several apart; 24 of its 256 bits.</summary>
    public required string Beginning { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null: until it is revoked.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Written with the usage, at most a second late, and without raising the revision.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>When it was last refused for a <see cref="TokenFault"/>; somebody uses what should not be in use. As for the two below, to a minute.</summary>
    public DateTimeOffset? RefusedAt { get; set; }

    public TokenFault? RefusedFor { get; set; }

    /// <summary>The network address that it came from.</summary>
    public string? RefusedFrom { get; set; }

    /// <summary>The token that took its place, when it was rotated.</summary>
    public int? ReplacedById { get; set; }

    /// <summary>One import type a line; null allows any. As for the two below.</summary>
    public string? ImportTypes { get; set; }

    /// <summary>One stream, which is the name of a part of the upload, a line.</summary>
    public string? Streams { get; set; }

    /// <summary>One IP address or network (CIDR) a line.</summary>
    public string? Addresses { get; set; }

    /// <summary>Null: as many as the server allows.</summary>
    public int? RequestsPerMinute { get; set; }

    /// <summary>It writes no user that ReSci could send a welcome mail to.</summary>
    public bool NoWelcomeMails { get; set; }

    /// <summary>Sent with the form that made the row: a form sent twice makes one.</summary>
    public Guid OperationId { get; init; }

    public int Revision { get; set; }
}
