namespace ReSciCredentials.Storage;

/// <summary>The rules for names and descriptions that people type. Emoji and right-to-left text are welcome; what cannot be seen is not.</summary>
internal static class TextRules
{
    /// <summary>Returns what to do about a name, or null when it is fine.</summary>
    public static string? CheckName(string? name, int maximumLength) => name?.Trim() switch
    {
        null or "" => "Enter a name.",
        { Length: var length } when length > maximumLength => $"The name is {length} characters long. Shorten it to {maximumLength}.",
        var text when text.Any(char.IsControl) => "The name contains a line break or another control character. Type it on one line.",
        _ => null,
    };

    /// <summary>Returns what to do about a description, or null when it is fine. Line breaks are.</summary>
    public static string? CheckDescription(string? description, int maximumLength) => description?.Trim() switch
    {
        null => null,
        { Length: var length } when length > maximumLength => $"The description is {length} characters long. Shorten it to {maximumLength}.",
        var text when text.Any(character => char.IsControl(character) && character is not ('\n' or '\r' or '\t')) =>
            "The description contains a control character. Remove it, or type the text again.",
        _ => null,
    };

    /// <summary>The escape character of <see cref="PatternOf"/>.</summary>
    public const string PatternEscape = "\\";

    /// <summary>A LIKE pattern for what holds the text somewhere.</summary>
    public static string PatternOf(string text) =>
        $"%{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal)}%";

    /// <summary>The name of a copy, shortened where it must be.</summary>
    public static string CopyOf(string name, int maximumLength)
    {
        const string Prefix = "Copy of ";
        var room = maximumLength - Prefix.Length;
        return Prefix + (name.Length <= room ? name : name[..room]);
    }

    /// <summary>Trimmed; null when nothing is left.</summary>
    public static string? OrNull(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();
}
