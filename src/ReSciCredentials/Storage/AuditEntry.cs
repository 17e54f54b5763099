namespace ReSciCredentials.Storage;

/// <summary>
/// Who did what to which thing, when and from where. Written in the transaction of the change, never changed. Its id is its place in the chain
/// of entries: 1, 2, 3 and so on, in the order of their commits.
/// </summary>
public sealed class AuditEntry
{
    public int Id { get; init; }

    public DateTimeOffset At { get; init; }

    /// <summary>A verb of the product, e.g. <c>create</c>, <c>update</c>, <c>probe</c>, <c>sign_in</c>.</summary>
    public required string Event { get; init; }

    /// <summary>The kind of thing, e.g. <c>credential</c>, <c>source</c>, <c>destination</c>, <c>account</c>.</summary>
    public required string ItemType { get; init; }

    public int ItemId { get; init; }

    /// <summary>Whose thing it was then. Null for what belongs to nobody, or was gone already.</summary>
    public int? OwnerId { get; set; }

    /// <summary>Null when the server or its command line acted.</summary>
    public int? ActorId { get; init; }

    /// <summary>The name the actor had then, kept beyond the account.</summary>
    public required string ActorName { get; init; }

    public required string Address { get; init; }

    public required string UserAgent { get; init; }

    /// <summary>The path of the page or of the request, without its query; empty when there was none.</summary>
    public required string Path { get; init; }

    /// <summary>Names of the fields that changed, separated by commas, or what else took part, e.g. <c>source 12</c>; never a value.</summary>
    public required string Fields { get; init; }

    /// <summary>A JSON object of <c>"field": [before, after]</c>; empty when no value is told. Never the value of a secret.</summary>
    public required string Changes { get; init; }

    /// <summary>Seals this entry and, through the one before it, all that came before.</summary>
    public byte[] Mac { get; set; } = [];
}

/// <summary>A place in the chain of audit entries that is sealed by itself: the head, which is the last entry, or the anchor, the last one that was removed.</summary>
internal sealed class AuditMark
{
    public const string Head = "head";
    public const string Anchor = "anchor";

    public required string Name { get; init; }

    /// <summary>0 before the first entry.</summary>
    public int EntryId { get; set; }

    public required byte[] EntryMac { get; set; }

    /// <summary>Seals the mark itself.</summary>
    public required byte[] Mac { get; set; }
}
