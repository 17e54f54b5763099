namespace ReSciCredentials.Storage;

/// <summary>Who did what to which thing, when and from where. Written in the transaction of the change, never changed.</summary>
public sealed class AuditEntry
{
    public int Id { get; init; }

    public DateTimeOffset At { get; init; }

    /// <summary>A verb of the product, e.g. <c>create</c>, <c>update</c>, <c>probe</c>, <c>sign_in</c>.</summary>
    public required string Event { get; init; }

    /// <summary>The kind of thing, e.g. <c>credential</c>, <c>source</c>, <c>destination</c>, <c>account</c>.</summary>
    public required string ItemType { get; init; }

    public int ItemId { get; init; }

    /// <summary>Null when the server or its command line acted.</summary>
    public int? ActorId { get; init; }

    /// <summary>The name the actor had then, kept beyond the account.</summary>
    public required string ActorName { get; init; }

    public required string Address { get; init; }

    public required string UserAgent { get; init; }

    /// <summary>Names of the fields that changed, separated by commas, or what else took part, e.g. <c>source 12</c>; never a value.</summary>
    public required string Fields { get; init; }
}
