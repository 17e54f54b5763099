using System.Globalization;

namespace ReSciCredentials.ReSci;

/// <summary>What a test call says about a key.</summary>
public enum VerdictOutcome
{
    Accepted,
    Refused,

    /// <summary>Nothing was learnt about the key: ReSci is down, slow, rate limiting or answers oddly.</summary>
    CannotTell,
}

/// <summary>The step at which a test call ended. Stored by name: a name never changes.</summary>
public enum VerdictStep
{
    Accepted,

    /// <summary>401.</summary>
    Refused,

    /// <summary>403: refused, or good for other things than the test call.</summary>
    NotAllowed,

    /// <summary>The host name was not found.</summary>
    Address,

    /// <summary>No connection, or one that broke off.</summary>
    Connection,

    Tls,

    /// <summary>No whole answer within the time limit, or 408.</summary>
    Timeout,

    /// <summary>429.</summary>
    RateLimited,

    /// <summary>5xx.</summary>
    ServerError,

    /// <summary>404 or 405.</summary>
    WrongAddress,

    /// <summary>3xx; never followed.</summary>
    Redirect,

    /// <summary>A success that is not JSON, or an answer that is not HTTP.</summary>
    OddAnswer,

    /// <summary>Any other status.</summary>
    UnexpectedStatus,
}

/// <summary>The result of a test call. Nothing in it comes from the body of the answer except a count.</summary>
/// <param name="HttpStatus">Null when no answer came.</param>
/// <param name="RetryAfter">How long ReSci asked to wait.</param>
/// <param name="Records">How many records the answer held, when it could be counted.</param>
public sealed record Verdict(VerdictStep Step, int? HttpStatus, TimeSpan Latency, TimeSpan? RetryAfter = null, int? Records = null)
{
    public VerdictOutcome Outcome => OutcomeOf(Step);

    /// <summary>What happened, in one sentence.</summary>
    public string Title => TitleOf(Step, HttpStatus);

    /// <summary>What it means and what to do next.</summary>
    public string Advice => AdviceOf(Step, RetryAfter);

    public static VerdictOutcome OutcomeOf(VerdictStep step) => step switch
    {
        VerdictStep.Accepted => VerdictOutcome.Accepted,
        VerdictStep.Refused or VerdictStep.NotAllowed => VerdictOutcome.Refused,
        VerdictStep.Address or VerdictStep.Connection or VerdictStep.Tls or VerdictStep.Timeout or VerdictStep.RateLimited
            or VerdictStep.ServerError or VerdictStep.WrongAddress or VerdictStep.Redirect or VerdictStep.OddAnswer
            or VerdictStep.UnexpectedStatus => VerdictOutcome.CannotTell,
    };

    /// <summary>The step that was stored by name, or null when there is none or it is not known to this version.</summary>
    public static VerdictStep? StepFrom(string? stored) =>
        Enum.GetValues<VerdictStep>().Cast<VerdictStep?>().FirstOrDefault(step => step.ToString() == stored);

    public static string TitleOf(VerdictStep step, int? httpStatus)
    {
        var status = httpStatus is { } code ? string.Create(CultureInfo.InvariantCulture, $" (HTTP {code})") : "";
        return step switch
        {
            VerdictStep.Accepted => "ReSci accepted this key.",
            VerdictStep.Refused => $"ReSci refused this key{status}.",
            VerdictStep.NotAllowed => $"ReSci refused this key, or does not allow it to list import jobs{status}.",
            VerdictStep.Address => "ReSci’s address was not found.",
            VerdictStep.Connection => "The connection to ReSci failed or broke off.",
            VerdictStep.Tls => "No secure connection to ReSci could be made.",
            VerdictStep.Timeout => $"ReSci did not answer in time{status}.",
            VerdictStep.RateLimited => $"ReSci has had too many calls for now{status}.",
            VerdictStep.ServerError => $"ReSci has a problem of its own{status}.",
            VerdictStep.WrongAddress => $"ReSci does not know the address that was called{status}.",
            VerdictStep.Redirect => $"ReSci’s address leads somewhere else{status}.",
            VerdictStep.OddAnswer => $"Something answered, but not the way ReSci does{status}.",
            VerdictStep.UnexpectedStatus => $"ReSci gave an answer that is not expected{status}.",
        };
    }

    /// <param name="retryAfter">How long ReSci asked to wait, when it did and that is still of interest.</param>
    public static string AdviceOf(VerdictStep step, TimeSpan? retryAfter = null)
    {
        var later = retryAfter is { } wait ? $"Try again in {InWords(wait)}." : "Try again in a few minutes.";
        return step switch
        {
            VerdictStep.Accepted => "It is ready to use.",
            VerdictStep.Refused =>
                "Copy the key again from ReSci: the menu at the upper right, API settings, API Password. "
                + "If a new key was made there, use the new one.",
            VerdictStep.NotAllowed =>
                "Check the key in ReSci under API settings. A key that is good for imports alone could be refused here too: "
                + "ask ReSci what it may do.",
            VerdictStep.Address =>
                "This says nothing about the key. Check this server’s network and name resolution, and the setting ReSci:BaseAddress.",
            VerdictStep.Connection =>
                $"This says nothing about the key. {later} If it stays so, check whether this server may reach ReSci through its firewall.",
            VerdictStep.Tls =>
                "This says nothing about the key, which was not sent. Check this server’s clock, "
                + "and whether a proxy opens encrypted connections.",
            VerdictStep.Timeout or VerdictStep.RateLimited or VerdictStep.ServerError => $"This says nothing about the key. {later}",
            VerdictStep.WrongAddress =>
                "This says nothing about the key. Check the settings ReSci:BaseAddress and ReSci:ProbePath; ReSci’s API may have changed.",
            VerdictStep.Redirect =>
                "The key was not sent there, and this says nothing about it. Check the setting ReSci:BaseAddress, "
                + "and whether a proxy wants a sign-in.",
            VerdictStep.OddAnswer =>
                "This says nothing about the key. A proxy or a wrong address may have answered: check the setting ReSci:BaseAddress.",
            VerdictStep.UnexpectedStatus => $"This says nothing about the key. {later} If it stays so, ask ReSci what this status means.",
        };
    }

    private static string InWords(TimeSpan wait) => Math.Ceiling(wait.TotalSeconds) switch
    {
        <= 1 => "a second",
        <= 90 and var seconds => string.Create(CultureInfo.InvariantCulture, $"{seconds} seconds"),
        <= 5400 and var seconds => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(seconds / 60)} minutes"),
        var seconds => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(seconds / 3600)} hours"),
    };
}
