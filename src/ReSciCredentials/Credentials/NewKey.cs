using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>What becomes of the key that was current when another one takes its place.</summary>
internal enum OldKey
{
    /// <summary>It stays, encrypted, for the time the installation sets, so that one can roll back.</summary>
    Keep,

    /// <summary>It is wiped in the same step.</summary>
    Wipe,
}

/// <summary>What a person entered into the <i>Replace key</i> dialog.</summary>
/// <param name="OperationId">The same for every attempt to save the same dialog: sent twice, it stores one key.</param>
/// <param name="Unverified">Store it without asking ReSci; the person saw why it could not tell. Such a key waits, whatever <paramref name="Then"/> says.</param>
/// <param name="Same">Store it although it is a key this credential has already; the person was told.</param>
/// <param name="Instead">The fingerprint of the waiting key that this one takes the place of; the person was told that there is one.</param>
/// <param name="Then">Promote it as soon as ReSci accepted it, and what becomes of the old key; null lets it wait for a decision.</param>
internal sealed record NewKey(string? Key, Guid OperationId, bool Unverified = false, bool Same = false, string? Instead = null, OldKey? Then = null)
{
    // Somebody will print this one day.
    public override string ToString() => nameof(NewKey);
}

/// <summary>What came of entering a new key. None of them carries the key.</summary>
internal abstract record ReplaceOutcome
{
    /// <summary>It is stored beside the current one, now or by an earlier attempt of the same operation, and waits for a decision.</summary>
    public sealed record Waiting : ReplaceOutcome;

    /// <summary>It is the current one.</summary>
    public sealed record Promoted : ReplaceOutcome;

    /// <summary>ReSci refused the key; nothing was stored.</summary>
    public sealed record Refused(Verdict Verdict) : ReplaceOutcome;

    /// <summary>ReSci could not be asked; nothing was stored.</summary>
    public sealed record CannotTell(Verdict Verdict) : ReplaceOutcome;

    /// <summary>The credential has this very key already; nothing was stored yet.</summary>
    public sealed record Same(string Text) : ReplaceOutcome;

    /// <summary>Another key waits already, and this one would take its place; nothing was stored yet.</summary>
    /// <param name="Fingerprint">Of the key that waits; sent back as <see cref="NewKey.Instead"/>.</param>
    public sealed record AnotherWaits(string Text, string Fingerprint) : ReplaceOutcome;

    /// <param name="Errors">What to do, by field: key.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : ReplaceOutcome;

    /// <summary>The person's role does not allow it; nothing was stored.</summary>
    public sealed record Forbidden : ReplaceOutcome;

    /// <summary>There is no credential that the person may see.</summary>
    public sealed record NotFound : ReplaceOutcome;
}

/// <summary>What came of a decision about a key of a credential.</summary>
internal abstract record RotationOutcome
{
    /// <summary>It is so now, or was so already.</summary>
    public sealed record Done : RotationOutcome;

    /// <summary>Somebody else decided otherwise about the key that was meant. Nothing was changed now.</summary>
    public sealed record ChangedMeanwhile : RotationOutcome;

    /// <summary>The person's role does not allow it. Nothing was changed.</summary>
    public sealed record Forbidden : RotationOutcome;

    /// <summary>There is no credential that the person may see.</summary>
    public sealed record NotFound : RotationOutcome;
}
