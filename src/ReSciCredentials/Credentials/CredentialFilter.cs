using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// What a person looks for, as typed: words, and <c>keyword:value</c> terms. The text is the whole truth: buttons for filters only write terms into it,
/// so an address with the text in it shows the same list to everybody who may see it.
/// </summary>
internal sealed partial record CredentialFilter
{
    /// <summary>In characters. More than anybody types, little enough to be read at every keystroke.</summary>
    public const int LongestText = 400;

    private const int MostWords = 8;

    /// <summary>The terms there are.</summary>
    public static IReadOnlyList<CredentialTerm> Terms { get; } =
    [
        new("status", "verified", "Verified", "ReSci accepted the key"),
        new("status", "failed", "Failed", "ReSci refused the key"),
        new("status", "unverified", "Unverified", "No verdict yet"),
        new("owner", "me", "Mine", "You own it"),
        new("owner", "others", "Shared", "Somebody else shares it with you"),
        new("used", "no", "Unused", "No source or destination uses it"),
        new("used", "yes", "In use", "A source or destination uses it"),
        new("used", "lately", "Called lately", "A program called ReSci with it within 30 days"),
        new("expires", "soon", "Expiring", "Expires within 30 days, or has"),
        new("key", "same", "Same key", "Another credential has the same key"),
    ];

    /// <summary>Each must begin a word of the name or description.</summary>
    public IReadOnlyList<string> Words { get; private init; } = [];

    /// <summary>Each must begin a word of the name.</summary>
    public IReadOnlyList<string> NameWords { get; private init; } = [];

    public VerifiedStatus? Status { get; private init; }

    /// <summary>Whether the person owns it, or somebody else who shares it.</summary>
    public bool? Mine { get; private init; }

    /// <summary>A part of the owner's name, or the beginning of their e-mail address.</summary>
    public string? Owner { get; private init; }

    public bool? Used { get; private init; }

    /// <summary>A program called ReSci with it within 30 days, through the broker.</summary>
    public bool Lately { get; private init; }

    /// <summary>The key expires within 30 days, or has.</summary>
    public bool Expiring { get; private init; }

    /// <summary>Another credential that the person may see has the same key.</summary>
    public bool SameKey { get; private init; }

    /// <summary>How the fingerprint begins, or what the key ends in.</summary>
    public string? Key { get; private init; }

    /// <summary>One of its tags, as it is written. Programs alone look for it.</summary>
    public string? Tag { get; init; }

    /// <summary>What was not understood, and what would be; null when all was.</summary>
    public string? Misunderstood { get; private init; }

    public static CredentialFilter Parse(string? text)
    {
        var filter = new CredentialFilter();
        foreach (Match term in TermPattern().Matches(Shorten(text)))
        {
            filter = filter.With(term.Groups["keyword"].Value, term.Groups["value"].Value.Trim('"'));
        }

        return filter;
    }

    /// <summary>Whether the text holds this very term.</summary>
    public static bool Has(string text, CredentialTerm term) => TermPattern().Matches(Shorten(text)).Any(match => Is(match, term));

    /// <summary>Writes the term into the text in place of others of its keyword, or takes it out when it is there.</summary>
    public static string Toggle(string text, CredentialTerm term)
    {
        var terms = TermPattern().Matches(Shorten(text));
        var kept = terms.Where(match => !match.Groups["keyword"].Value.Equals(term.Keyword, StringComparison.OrdinalIgnoreCase)).Select(match => match.Value);
        return string.Join(' ', terms.Any(match => Is(match, term)) ? kept : kept.Append(term.ToString()));
    }

    /// <summary>The whole text with its last word completed to each term that begins so.</summary>
    public static IEnumerable<(string Text, string Meaning)> Suggest(string text)
    {
        var start = text.LastIndexOf(' ') + 1;
        var last = text[start..];
        return last.Length == 0
            ? []
            : Terms
                .Where(term => term.ToString().StartsWith(last, StringComparison.OrdinalIgnoreCase) && term.ToString().Length > last.Length)
                .Select(term => (text[..start] + term, term.Meaning));
    }

    /// <summary>What is searched for in the index of words (https://sqlite.org/fts5.html#full_text_query_syntax); null when there are no words.</summary>
    public string? ToMatch()
    {
        var phrases = NameWords.Select(word => $"\"Name\" : {Phrase(word)}").Concat(Words.Select(Phrase)).Take(MostWords).ToList();
        return phrases.Count == 0 ? null : string.Join(" AND ", phrases);
    }

    private CredentialFilter With(string keyword, string value) => (keyword.ToLowerInvariant(), value.ToLowerInvariant()) switch
    {
        (_, "") => this,
        ("status", var status) => Enum.TryParse<VerifiedStatus>(status, ignoreCase: true, out var known) && !char.IsAsciiDigit(status[0])
            ? this with { Status = known }
            : Not(keyword),
        ("owner", "me") => this with { Mine = true },
        ("owner", "others") => this with { Mine = false },
        ("owner", _) => this with { Owner = value },
        ("used", "yes") => this with { Used = true },
        ("used", "no") => this with { Used = false },
        ("used", "lately") => this with { Lately = true },
        ("expires", "soon") => this with { Expiring = true },
        ("key", "same") => this with { SameKey = true },
        // As typed: what a key ends in minds case.
        ("key", _) => this with { Key = value },
        ("name", _) => this with { NameWords = [.. NameWords, .. Searchable(value)] },
        ("used" or "expires", _) => Not(keyword),
        ("", _) => this with { Words = [.. Words, .. Searchable(value)] },
        // Not a keyword of ours: a word with a colon in it.
        _ => this with { Words = [.. Words, .. Searchable($"{keyword}:{value}")] },
    };

    private CredentialFilter Not(string keyword) => this with
    {
        Misunderstood = $"“{keyword}:” knows {string.Join(", ", Terms.Where(term => term.Keyword.Equals(keyword, StringComparison.OrdinalIgnoreCase)).Select(term => term.Value))}.",
    };

    // A phrase of which the index holds nothing, such as a dash, would find nothing.
    private static IEnumerable<string> Searchable(string word) => word.EnumerateRunes().Any(IsIndexed) ? [word] : [];

    private static bool IsIndexed(Rune rune) => Rune.IsLetterOrDigit(rune) || Rune.GetUnicodeCategory(rune)
        is UnicodeCategory.OtherSymbol or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber or UnicodeCategory.PrivateUse;

    private static string Phrase(string word) => $"\"{word.Replace("\"", "\"\"", StringComparison.Ordinal)}\"*";

    private static string Shorten(string? text) => text is { Length: > LongestText } ? text[..LongestText] : text ?? "";

    private static bool Is(Match match, CredentialTerm term) => match.Value.Equals(term.ToString(), StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex("""(?:(?<keyword>[a-z]+):)?(?<value>"[^"]*"|[^\s"]\S*)|(?<keyword>[a-z]+):(?<value>)""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex TermPattern();
}

/// <summary>A <c>keyword:value</c> that narrows the list.</summary>
/// <param name="Title">On a button, in a word or two.</param>
/// <param name="Meaning">What it finds, in a list of suggestions.</param>
internal sealed record CredentialTerm(string Keyword, string Value, string Title, string Meaning)
{
    public override string ToString() => $"{Keyword}:{Value}";
}
