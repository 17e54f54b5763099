using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>The keys of a credential as a page shows them. There is no place for a key in it.</summary>
/// <param name="Role">What the person who looks may do.</param>
/// <param name="Version">Counts key changes, from 1.</param>
public sealed record CredentialKeys(string Name, AccessRole Role, int Version, StoredKey Current, WaitingKey? Pending, KeptKey? Previous);

/// <summary>One stored key.</summary>
/// <param name="Uid">Names the key in a decision about it.</param>
/// <param name="Fingerprint">Null when its row is gone.</param>
/// <param name="LastFour">The last four characters, only of keys of at least 20.</param>
/// <param name="Opens">Whether it can be decrypted.</param>
public sealed record StoredKey(Guid Uid, string? Fingerprint, string? LastFour, DateTimeOffset? SetAt, bool Opens);

/// <summary>A key that waits to be promoted or dropped.</summary>
/// <param name="EnteredBy">Null when nobody wrote it down, as in a database of an earlier version.</param>
/// <param name="Verdict">What ReSci said of it last.</param>
public sealed record WaitingKey(StoredKey Key, string? EnteredBy, KeyVerdict Verdict);

/// <summary>The key that was current before.</summary>
/// <param name="WipedAt">Until when one can roll back to it.</param>
public sealed record KeptKey(StoredKey Key, DateTimeOffset WipedAt);

/// <summary>What is known about one key from the checks that asked about it.</summary>
/// <param name="Status">The last definite verdict.</param>
/// <param name="VerifiedAt">When it was given.</param>
/// <param name="CheckedAt">When ReSci was last asked, whatever came of it.</param>
/// <param name="Step">Where the last check ended.</param>
/// <param name="HttpStatus">Its HTTP status, when there was an answer.</param>
public sealed record KeyVerdict(VerifiedStatus Status, DateTimeOffset? VerifiedAt, DateTimeOffset? CheckedAt, VerdictStep? Step, int? HttpStatus)
{
    public static KeyVerdict None { get; } = new(VerifiedStatus.Unverified, null, null, null, null);

    /// <summary>What happened and what it means, in two sentences; null when ReSci was never asked.</summary>
    public string? Text => Step is { } step ? $"{Verdict.TitleOf(step, HttpStatus)} {Verdict.AdviceOf(step)}" : null;

    /// <param name="checks">The checks that asked about the key, the newest first.</param>
    internal static KeyVerdict From(IReadOnlyList<CredentialCheck> checks)
    {
        if (checks is not [var newest, ..])
        {
            return None;
        }

        var definite = checks.FirstOrDefault(check => StatusOf(check) is not VerifiedStatus.Unverified);
        return new KeyVerdict(
            definite is null ? VerifiedStatus.Unverified : StatusOf(definite),
            definite?.At,
            newest.At,
            Verdict.StepFrom(newest.Step),
            newest.HttpStatus);
    }

    private static VerifiedStatus StatusOf(CredentialCheck check) => Verdict.StepFrom(check.Step) switch
    {
        { } step => Verdict.OutcomeOf(step) switch
        {
            VerdictOutcome.Accepted => VerifiedStatus.Verified,
            VerdictOutcome.Refused => VerifiedStatus.Failed,
            VerdictOutcome.CannotTell => VerifiedStatus.Unverified,
        },
        null => VerifiedStatus.Unverified,
    };
}

/// <summary>What ReSci said of the waiting key and of the current one in the same moment.</summary>
/// <param name="Current">Null when the current key does not open.</param>
internal sealed record SideBySide(Verdict Pending, Verdict? Current);
