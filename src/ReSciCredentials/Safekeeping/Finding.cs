namespace ReSciCredentials.Safekeeping;

/// <summary>How bad a finding is.</summary>
public enum FindingState
{
    Good,

    /// <summary>It works, but somebody should look.</summary>
    Warning,

    /// <summary>Something does not work, or is exposed.</summary>
    Fault,
}

/// <summary>What was found about one part of the server.</summary>
/// <param name="Area">The part, in a word or two.</param>
/// <param name="Text">What was found, and what to do; never a value.</param>
internal sealed record Finding(string Area, FindingState State, string Text)
{
    public static Finding Good(string area, string text) => new(area, FindingState.Good, text);

    public static Finding Warning(string area, string text) => new(area, FindingState.Warning, text);

    public static Finding Fault(string area, string text) => new(area, FindingState.Fault, text);
}
