namespace ReSciCredentials.Storage;

/// <summary>The last definite verdict of ReSci about a key.</summary>
public enum VerifiedStatus
{
    Unverified,
    Verified,
    Failed,
}

/// <summary>A name, a description and a ReSci API key that many sources and destinations may use. The key lies in <see cref="CredentialKey"/>.</summary>
internal sealed class Credential : IOwned, IRevised
{
    public const int NameLength = 255;
    public const int DescriptionLength = 2000;

    public int Id { get; init; }

    /// <summary>128 random bits that never change; part of what binds a ciphertext to its row.</summary>
    public Guid Uid { get; init; }

    public int OwnerId { get; init; }

    public Account? Owner { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>The key in use. Moving this pointer is what promoting a key means; no ciphertext moves.</summary>
    public Guid CurrentKeyUid { get; set; }

    public ICollection<CredentialKey> Keys { get; init; } = [];

    /// <summary>Counts key changes, from 1.</summary>
    public int Version { get; set; }

    public VerifiedStatus VerifiedStatus { get; set; }

    /// <summary>When ReSci last gave a definite verdict.</summary>
    public DateTimeOffset? VerifiedAt { get; set; }

    /// <summary>When ReSci was last asked, whatever came of it.</summary>
    public DateTimeOffset? CheckedAt { get; set; }

    /// <summary>The step at which the last check ended, by the name of ReSci.VerdictStep.</summary>
    public string? CheckedStep { get; set; }

    /// <summary>The HTTP status of the last check, when there was an answer.</summary>
    public int? CheckedHttpStatus { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Sent with the form that made the row: a form sent twice makes one.</summary>
    public Guid OperationId { get; init; }

    public int Revision { get; set; }
}

/// <summary>One API key of a credential, encrypted. Never changed after it was written.</summary>
internal sealed class CredentialKey
{
    public Guid Uid { get; init; }

    public int CredentialId { get; init; }

    public Credential? Credential { get; init; }

    /// <summary>A format marker and the Data Protection payload.</summary>
    public required byte[] Ciphertext { get; init; }

    /// <summary>Eight hexadecimal digits of a keyed hash: tells that two keys are the same, and nothing else.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The last four characters, only of keys of at least 20.</summary>
    public string? LastFour { get; init; }

    public DateTimeOffset SetAt { get; init; }
}
