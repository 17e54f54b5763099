namespace ReSciCredentials.Storage;

/// <summary>One element of the Data Protection key ring, a key or a revocation, sealed whole by the recovery key.</summary>
internal sealed class RingElement
{
    public int Id { get; init; }

    public required string Name { get; init; }

    /// <summary>The id, in clear, of the recovery key that sealed it.</summary>
    public required string RecoveryKeyId { get; init; }

    public required byte[] Sealed { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A value of the server's own that the recovery key sealed: the sentinel, the fingerprint key, the audit key.</summary>
internal sealed class SealedValue
{
    public required string Name { get; init; }

    public required string RecoveryKeyId { get; init; }

    public required byte[] Sealed { get; init; }
}
