namespace ReSciCredentials.Storage;

/// <summary>What a program of somebody's calls the REST API with, as that person. Only a hash of the key is kept.</summary>
internal sealed class ServiceKey : IOwned, IRevised
{
    public const int NameLength = 100;

    public int Id { get; init; }

    public int OwnerId { get; init; }

    public Account? Owner { get; init; }

    public required string Name { get; init; }

    public ServiceKeyScope Scope { get; init; }

    /// <summary>SHA-256 of the whole key.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>How the key begins, to tell several apart.</summary>
    public required string Beginning { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Null: until it is revoked.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    /// <summary>Written a few seconds late, and without raising the revision.</summary>
    public DateTimeOffset? LastUsedAt { get; set; }

    /// <summary>The key that took its place, when it was rotated.</summary>
    public int? ReplacedById { get; set; }

    /// <summary>Sent with the form that made the row: a form sent twice makes one.</summary>
    public Guid OperationId { get; init; }

    public int Revision { get; set; }
}

/// <summary>What a program may do of what the person may whose service key it has. Each includes those before it.</summary>
public enum ServiceKeyScope
{
    /// <summary>Look.</summary>
    Read,

    /// <summary>Make, change, test and delete credentials, sources and destinations.</summary>
    Write,

    /// <summary>Say who else may use them, and read what everybody did.</summary>
    Admin,
}

/// <summary>What a service key was exchanged for, and what the calls themselves carry. It is worth nothing once its service key is.</summary>
internal sealed class ApiToken
{
    public int Id { get; init; }

    public int ServiceKeyId { get; init; }

    public ServiceKey? ServiceKey { get; init; }

    /// <summary>SHA-256 of the whole token.</summary>
    public required byte[] Hash { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset ExpiresAt { get; init; }
}
