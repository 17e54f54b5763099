namespace ReSciCredentials.Storage;

/// <summary>The last definite verdict of ReSci about a key.</summary>
public enum VerifiedStatus
{
    Unverified,
    Verified,
    Failed,
}

/// <summary>A name, a description and a ReSci API key that many sources and destinations may use. The key lies in <see cref="CredentialKey"/>.</summary>
internal sealed class Credential : IShared, IRevised
{
    public const int NameLength = 255;
    public const int DescriptionLength = 2000;

    /// <summary>The type of what people make; programs may say <c>rest</c>.</summary>
    public const string UsualType = "resci";

    public int Id { get; init; }

    /// <summary>128 random bits that never change; part of what binds a ciphertext to its row.</summary>
    public Guid Uid { get; init; }

    public int OwnerId { get; init; }

    public Account? Owner { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>The key in use. Moving this pointer is what promoting a key means; no ciphertext moves.</summary>
    public Guid CurrentKeyUid { get; set; }

    /// <summary>A key that was entered to replace the current one and waits for someone to promote or drop it.</summary>
    public Guid? PendingKeyUid { get; set; }

    /// <summary>The key that was current before, kept for a roll back until <see cref="PreviousKeyWipedAt"/>.</summary>
    public Guid? PreviousKeyUid { get; set; }

    /// <summary>When the previous key is to be wiped. Null exactly when there is none.</summary>
    public DateTimeOffset? PreviousKeyWipedAt { get; set; }

    public ICollection<CredentialKey> Keys { get; init; } = [];

    public ICollection<Accessor> Accessors { get; init; } = [];

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

    /// <summary>When the server asks ReSci by itself again.</summary>
    public DateTimeOffset NextCheckAt { get; set; }

    /// <summary>The first of the refusals that are not yet believed: a key that was good must be refused twice, some minutes apart.</summary>
    public DateTimeOffset? DoubtedAt { get; set; }

    /// <summary>Checks in a row that gave no definite verdict; the next one waits the longer for it.</summary>
    public int ChecksWithoutVerdict { get; set; }

    /// <summary>The last day on which the key is good, as far as the team knows; ReSci tells no expiry.</summary>
    public DateOnly? ExpiresOn { get; set; }

    /// <summary>The day on which somebody should look whether the credential is still needed.</summary>
    public DateOnly? ReviewOn { get; set; }

    /// <summary>What the program that made it calls its type, to be given back to it; it says nothing else.</summary>
    public string Type { get; init; } = UsualType;

    /// <summary>As <see cref="TagRules"/> has them.</summary>
    public string[] Tags { get; set; } = [];

    /// <summary>The credential it is a copy of, which may be gone.</summary>
    public int? CopiedFromId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>When it was deleted. From then on it is seen nowhere (a query filter), can be brought back for a moment, and is then wiped.</summary>
    public DateTimeOffset? DeletedAt { get; set; }

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

/// <summary>One time that ReSci was asked about a key of a credential, the current or the pending one. Only the newest are kept.</summary>
internal sealed class CredentialCheck
{
    public long Id { get; init; }

    public int CredentialId { get; init; }

    /// <summary>The key that was asked about.</summary>
    public Guid KeyUid { get; init; }

    public DateTimeOffset At { get; init; }

    /// <summary>The step at which the check ended, by the name of ReSci.VerdictStep.</summary>
    public required string Step { get; init; }

    /// <summary>The HTTP status, when there was an answer.</summary>
    public int? HttpStatus { get; init; }

    /// <summary>Until the verdict, in milliseconds.</summary>
    public int Latency { get; init; }
}
