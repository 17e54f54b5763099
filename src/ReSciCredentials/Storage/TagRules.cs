namespace ReSciCredentials.Storage;

/// <summary>The rules for tags: words that programs keep with a credential, a source or a destination, and look for it by.</summary>
internal static class TagRules
{
    public const int Most = 50;

    /// <summary>In characters, of one tag.</summary>
    public const int Length = 100;

    /// <summary>Returns what to do about tags as they were sent, or null when they are fine, as none at all are.</summary>
    public static string? Check(IReadOnlyCollection<string?>? tags) => Clean(tags) switch
    {
        { Length: > Most } many => $"These are {many.Length} tags. Send {Most} at most.",
        var clean when clean.FirstOrDefault(tag => tag.Length > Length) is { } tag => $"A tag is {tag.Length} characters long. Shorten it to {Length}.",
        var clean when clean.Any(tag => tag.Any(char.IsControl)) => "A tag contains a line break or another control character. Send it on one line.",
        _ => null,
    };

    /// <summary>As they are kept: trimmed, each once, in the order in which they were sent. What is empty is no tag.</summary>
    public static string[] Clean(IReadOnlyCollection<string?>? tags) =>
        [.. (tags ?? []).Select(TextRules.OrNull).OfType<string>().Distinct(StringComparer.Ordinal)];

    /// <summary>All in one text, to be looked through for a key.</summary>
    public static string? TextOf(IReadOnlyCollection<string?>? tags) => tags is null ? null : string.Join('\n', tags);
}
