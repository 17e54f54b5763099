using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>One time that ReSci was asked about a credential.</summary>
/// <param name="Step">How it ended; null when this version does not know the name that is stored.</param>
/// <param name="HttpStatus">Null when no answer came.</param>
/// <param name="Latency">Until the verdict, in milliseconds.</param>
/// <param name="OfCurrentKey">False for a key that was replaced since.</param>
public sealed record CheckView(DateTimeOffset At, VerdictStep? Step, int? HttpStatus, int Latency, bool OfCurrentKey)
{
    public VerdictOutcome Outcome => Step is { } step ? Verdict.OutcomeOf(step) : VerdictOutcome.CannotTell;

    /// <summary>What happened, in one sentence.</summary>
    public string Title => Step is { } step ? Verdict.TitleOf(step, HttpStatus) : "Something that a later version of this program knows.";
}

/// <summary>The newest checks of a credential, and what comes next.</summary>
/// <param name="Checks">The oldest first, at most <see cref="Limit"/>.</param>
/// <param name="NextAt">When the server asks by itself again; null when it does not.</param>
/// <param name="DoubtedAt">When ReSci refused the key, as long as that is not believed yet.</param>
internal sealed record CheckHistory(IReadOnlyList<CheckView> Checks, DateTimeOffset? NextAt, DateTimeOffset? DoubtedAt)
{
    /// <summary>More would be drawn too small to tell one from the other.</summary>
    public const int Limit = 100;
}
