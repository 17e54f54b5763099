namespace ReSciCredentials.Access;

/// <summary>What a password must be: long, and not one that is tried first. No rules about its composition.</summary>
internal static class PasswordRules
{
    /// <summary>In characters as people count them: Unicode code points.</summary>
    public const int MinimumLength = 15;

    public const int MaximumLength = 128;

    /// <summary>zxcvbn takes more than linear time; what is guessable in this many characters is refused, the rest only adds to it.</summary>
    private const int EstimatedLength = 64;

    /// <summary>Of 0 to 4; 3 is "safely unguessable: moderate protection from an offline attack".</summary>
    private const int LowestScore = 3;

    private static readonly string[] ProductWords = ["resci", "credentials", "rescicredentials", "retention", "science", "retentionscience", "apikey"];

    /// <summary>Says what is wrong with a new password, or null.</summary>
    /// <param name="about">What an attacker knows of the person: e-mail, name.</param>
    public static string? FaultOf(string? password, params IEnumerable<string> about)
    {
        var length = password?.EnumerateRunes().Count() ?? 0;
        if (length == 0)
        {
            return "Enter a password.";
        }

        if (length < MinimumLength)
        {
            return $"The password has {length} characters. It needs at least {MinimumLength}; a few random words are a good one.";
        }

        if (length > MaximumLength)
        {
            return $"The password has {length} characters. The longest possible has {MaximumLength}.";
        }

        var estimated = password!.Length > EstimatedLength ? password[..EstimatedLength] : password;
        return Zxcvbn.Zxcvbn.MatchPassword(estimated, [.. Words(about), .. ProductWords]).Score < LowestScore
            ? "This password is easy to guess: it is common, repeats itself, or is made of your name or e-mail. Use a few random words instead."
            : null;
    }

    private static IEnumerable<string> Words(IEnumerable<string> about) =>
        about.SelectMany(text => text.Split([' ', '@', '.', '-', '_', '+'], StringSplitOptions.RemoveEmptyEntries).Append(text))
            .Where(word => word.Length is > 2 and <= EstimatedLength)
            .Take(20);
}
