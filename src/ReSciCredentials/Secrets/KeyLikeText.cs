namespace ReSciCredentials.Secrets;

/// <summary>
/// Tells text that looks like an API key from what people write. A guess, for places where a key must not be shown and is not known to be one:
/// the browser holds such text back before it is sent (<c>held-back.js</c> has the same rule), an import does not show it.
/// </summary>
internal static class KeyLikeText
{
    /// <summary>In characters. Random letters and digits of this length are no word, no date and no number.</summary>
    private const int Window = 20;

    private const int LeastDigits = 2;

    /// <summary>How often small letters, capitals and digits take turns in so many characters: random ones about eight times, written ones up to five.</summary>
    private const int LeastTurns = 7;

    /// <summary>Whether a word of the text looks like a key. Addresses of pages and of e-mail do not count.</summary>
    public static bool IsIn(string? text) =>
        text is not null && text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Any(IsLikeKey);

    private static bool IsLikeKey(string word)
    {
        if (word.Contains("://", StringComparison.Ordinal) || word.Contains('@', StringComparison.Ordinal))
        {
            return false;
        }

        for (var start = 0; start + Window <= word.Length; start++)
        {
            var (digits, turns, last) = (0, 0, Kind.Other);
            foreach (var character in word.AsSpan(start, Window))
            {
                var kind = KindOf(character);
                digits += kind is Kind.Digit ? 1 : 0;
                turns += IsTurn(last, kind) ? 1 : 0;
                last = kind is Kind.Other ? last : kind;
            }

            if (digits >= LeastDigits && turns >= LeastTurns)
            {
                return true;
            }
        }

        return false;
    }

    // A small letter after a capital goes on with a word.
    private static bool IsTurn(Kind last, Kind kind) =>
        kind != last && kind is not Kind.Other && last is not Kind.Other && (last, kind) is not (Kind.Capital, Kind.Small);

    private static Kind KindOf(char character) => character switch
    {
        >= 'a' and <= 'z' => Kind.Small,
        >= 'A' and <= 'Z' => Kind.Capital,
        >= '0' and <= '9' => Kind.Digit,
        _ => Kind.Other,
    };

    private enum Kind
    {
        Other,
        Small,
        Capital,
        Digit,
    }
}
