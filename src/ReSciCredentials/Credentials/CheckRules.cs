using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>Who had ReSci asked about a key.</summary>
internal enum CheckAsker
{
    /// <summary>The server by itself.</summary>
    Schedule,

    /// <summary>A person, who saw the answer.</summary>
    Person,
}

/// <summary>What is known of a credential's key, as far as checks go.</summary>
/// <param name="DoubtedAt">The first of the refusals that are not yet believed.</param>
/// <param name="WithoutVerdict">Scheduled checks in a row that gave no definite answer.</param>
/// <param name="NextAt">When the server asks by itself again.</param>
internal sealed record CheckState(VerifiedStatus Status, DateTimeOffset? DoubtedAt, int WithoutVerdict, DateTimeOffset NextAt);

/// <summary>
/// What a verdict changes. Only a definite answer changes the status; and a key that was good has to be refused twice, some minutes apart,
/// before the server by itself calls it FAILED. A person who tests a key sees the refusal, and it counts at once.
/// </summary>
internal static class CheckRules
{
    /// <summary>Two refusals closer than this count as one; nor does the server by itself ask about a key more often.</summary>
    public static readonly TimeSpan LeastApart = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LongestUnverified = TimeSpan.FromHours(6);

    /// <summary>What is known after <paramref name="verdict"/>.</summary>
    /// <param name="chance">From 0 to below 1: where within its spread the next check falls.</param>
    public static CheckState After(CheckState before, Verdict verdict, CheckAsker asker, DateTimeOffset now, ChecksOptions options, double chance) =>
        verdict.Outcome switch
        {
            VerdictOutcome.Accepted => Settled(VerifiedStatus.Verified, now, options, chance),
            VerdictOutcome.Refused when IsBelieved(before, asker, now) => Settled(VerifiedStatus.Failed, now, options, chance),
            // Asked again soon; the doubt counts from its first refusal.
            VerdictOutcome.Refused => before with
            {
                DoubtedAt = before.DoubtedAt ?? now,
                WithoutVerdict = 0,
                NextAt = now + Spread(options.SecondLookAfter, chance),
            },
            // What a person asked for in between leaves the server's own rhythm as it is, unless ReSci wants to be left alone for longer.
            VerdictOutcome.CannotTell when asker is CheckAsker.Person => before with { NextAt = Later(before.NextAt, now + verdict.RetryAfter) },
            VerdictOutcome.CannotTell => before with
            {
                WithoutVerdict = before.WithoutVerdict + 1,
                NextAt = Later(now + Spread(BackOff(before, options), chance), now + verdict.RetryAfter),
            },
        };

    /// <summary>What is known of a key that was just set.</summary>
    /// <param name="verdict">What ReSci said of it, if it was asked.</param>
    /// <param name="chance">As for <see cref="After"/>.</param>
    public static CheckState AtFirst(Verdict? verdict, DateTimeOffset now, ChecksOptions options, double chance)
    {
        var unverified = new CheckState(VerifiedStatus.Unverified, null, 0, now + Spread(LeastApart, chance));
        return verdict is null ? unverified : After(unverified, verdict, CheckAsker.Person, now, options, chance);
    }

    private static bool IsBelieved(CheckState before, CheckAsker asker, DateTimeOffset now) =>
        asker is CheckAsker.Person || before.Status is not VerifiedStatus.Verified || now - before.DoubtedAt >= LeastApart;

    // A key that is refused is not hammered: it is asked about as seldom as a good one.
    private static CheckState Settled(VerifiedStatus status, DateTimeOffset now, ChecksOptions options, double chance) =>
        new(status, null, 0, now + Spread(options.Every, chance));

    // Doubles from check to check. UNVERIFIED ones are waited for by somebody, and those in doubt too: they come sooner.
    private static TimeSpan BackOff(CheckState before, ChecksOptions options)
    {
        var longest = before.Status is VerifiedStatus.Unverified || before.DoubtedAt is not null ? LongestUnverified : options.Every;
        var wait = LeastApart * Math.Pow(2, Math.Min(before.WithoutVerdict, 16));
        return wait < longest ? wait : longest;
    }

    // A tenth either way, so that credentials added together part; but never sooner than may be asked at all.
    private static TimeSpan Spread(TimeSpan wait, double chance)
    {
        var spread = wait * (0.9 + (0.2 * chance));
        return spread < LeastApart ? LeastApart : spread;
    }

    private static DateTimeOffset Later(DateTimeOffset planned, DateTimeOffset? asked) => asked > planned ? asked.Value : planned;
}
