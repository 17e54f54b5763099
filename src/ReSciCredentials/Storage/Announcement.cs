namespace ReSciCredentials.Storage;

/// <summary>A way by which people are told beyond the screens.</summary>
internal enum AnnouncementChannel
{
    Webhook,
    Mail,
}

/// <summary>What is announced of a credential.</summary>
internal enum AnnouncementKind
{
    /// <summary>ReSci refuses the key.</summary>
    Failed,

    /// <summary>The last day of the key is near.</summary>
    ExpiresSoon,

    /// <summary>The day on which somebody should look at the credential is near.</summary>
    ReviewDue,
}

/// <summary>
/// One thing to tell by one channel, written in the transaction of the change it tells of and removed once it was delivered or given up:
/// so neither a crash nor an outage of the receiver loses it. Holds what is told, for the credential may be gone by then.
/// </summary>
internal sealed class Announcement
{
    public const int DetailLength = 500;

    public long Id { get; init; }

    /// <summary>By which the receiver knows it again when it comes twice.</summary>
    public Guid Uid { get; init; }

    public AnnouncementChannel Channel { get; init; }

    public AnnouncementKind Kind { get; init; }

    public int CredentialId { get; init; }

    public required string CredentialName { get; init; }

    public required string OwnerName { get; init; }

    /// <summary>What happened, in a sentence or two; never a value.</summary>
    public required string Detail { get; init; }

    /// <summary>The day that is near, when it is about one.</summary>
    public DateOnly? Day { get; init; }

    public DateTimeOffset At { get; init; }

    /// <summary>How often it was tried in vain.</summary>
    public int Attempts { get; set; }

    public DateTimeOffset NextAttemptAt { get; set; }
}

/// <summary>A day of a credential that was announced when it came near: each is announced once.</summary>
internal sealed class AnnouncedDay
{
    public int CredentialId { get; init; }

    public AnnouncementKind Kind { get; init; }

    public DateOnly Day { get; set; }
}
