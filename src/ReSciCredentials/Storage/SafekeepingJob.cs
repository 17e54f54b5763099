namespace ReSciCredentials.Storage;

/// <summary>What is done so that nothing stored is lost or stays exposed.</summary>
public enum JobKind
{
    /// <summary>A copy of the database in a file.</summary>
    Backup,

    /// <summary>The newest backup is restored into a temporary place and every key in it opened.</summary>
    Drill,

    /// <summary>Every stored key is encrypted anew under the newest key of the ring.</summary>
    Reencrypt,

    /// <summary>The same after a new key of the ring was made.</summary>
    RenewRing,

    /// <summary>A new key of the ring, every stored key under it, and everybody signed out.</summary>
    RotateAll,

    /// <summary>A new recovery key takes the place of the present one.</summary>
    RotateRecoveryKey,
}

/// <summary>
/// Something that was ordered or done for safe keeping. What changes the key ring runs inside the server, which caches it: a command writes the
/// order down here and waits. The newest are kept, as the history of backups and drills.
/// </summary>
internal sealed class SafekeepingJob
{
    public const int DetailLength = 1000;

    public int Id { get; init; }

    public Guid Uid { get; init; }

    public JobKind Kind { get; init; }

    public DateTimeOffset RequestedAt { get; init; }

    /// <summary>The account that asked for it; null for the command line and the server's own schedule.</summary>
    public int? RequestedById { get; init; }

    /// <summary>What whoever asked is called in the audit log.</summary>
    public required string RequestedBy { get; init; }

    /// <summary>
    /// Proof, sealed by the recovery key, that somebody who has it gave the order: a row that was merely written into the database is not carried out.
    /// Null for what was done already when it was written down.
    /// </summary>
    public byte[]? Order { get; set; }

    public DateTimeOffset? StartedAt { get; set; }

    public DateTimeOffset? FinishedAt { get; set; }

    public bool Succeeded { get; set; }

    /// <summary>How far it is, in bytes or rows, of <see cref="Total"/>.</summary>
    public long Done { get; set; }

    /// <summary>0 while it is not known.</summary>
    public long Total { get; set; }

    /// <summary>What came of it, in a sentence; never a value.</summary>
    public string? Detail { get; set; }
}
