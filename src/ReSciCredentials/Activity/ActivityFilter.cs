using System.Globalization;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>Which entries are looked for. Everything that is given must hold. It is written into addresses, and read from them.</summary>
internal sealed record ActivityFilter
{
    /// <summary>In place of an account's id: the server, its command line, programs with a token, people who were not signed in.</summary>
    public const int NoAccount = 0;

    private const string DayFormat = "yyyy-MM-dd";

    /// <summary>In characters; longer than any verb or kind of thing.</summary>
    private const int LongestWord = 64;

    /// <summary>The account that acted, or <see cref="NoAccount"/>.</summary>
    public int? Who { get; init; }

    /// <summary>The kind of thing, e.g. <c>credential</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>The id of the thing.</summary>
    public int? Item { get; init; }

    /// <summary>The verb, e.g. <c>update</c>.</summary>
    public string? Event { get; init; }

    /// <summary>The name of a field that changed, e.g. <c>name</c>.</summary>
    public string? Field { get; init; }

    /// <summary>The first day, in UTC.</summary>
    public DateOnly? From { get; init; }

    /// <summary>The last day, in UTC, the whole of it.</summary>
    public DateOnly? To { get; init; }

    public bool IsEmpty => this == new ActivityFilter();

    /// <summary>Reads what <see cref="ToQuery"/> writes; what cannot be read is left out.</summary>
    /// <param name="value">The value of a parameter of the query; null when it is not there.</param>
    public static ActivityFilter Parse(Func<string, string?> value) => new()
    {
        Who = Number(value("who")),
        Kind = Word(value("kind")),
        Item = Number(value("id")),
        Event = Word(value("event")),
        Field = Word(value("field")),
        From = Day(value("from")),
        To = Day(value("to")),
    };

    /// <summary>The parameters of a query; null for what is not looked for.</summary>
    public Dictionary<string, object?> ToQuery() => new(StringComparer.Ordinal)
    {
        ["who"] = Who,
        ["kind"] = Kind,
        ["id"] = Item,
        ["event"] = Event,
        ["field"] = Field,
        ["from"] = From?.ToString(DayFormat, CultureInfo.InvariantCulture),
        ["to"] = To?.ToString(DayFormat, CultureInfo.InvariantCulture),
    };

    public IQueryable<AuditEntry> Of(IQueryable<AuditEntry> entries)
    {
        if (Who is { } who)
        {
            entries = who == NoAccount ? entries.Where(entry => entry.ActorId == null) : entries.Where(entry => entry.ActorId == who);
        }

        if (Kind is { } kind)
        {
            entries = entries.Where(entry => entry.ItemType == kind);
        }

        if (Item is { } item)
        {
            entries = entries.Where(entry => entry.ItemId == item);
        }

        if (Event is { } verb)
        {
            entries = entries.Where(entry => entry.Event == verb);
        }

        if (Field is { } field)
        {
            // A quotation mark within a value is escaped, so this is found as a name only.
            var name = $"\"{field}\":[";
            entries = entries.Where(entry => entry.Changes.Contains(name));
        }

        if (From is { } first)
        {
            var from = StartOf(first);
            entries = entries.Where(entry => entry.At >= from);
        }

        if (To is { } last && last < DateOnly.MaxValue)
        {
            var until = StartOf(last.AddDays(1));
            entries = entries.Where(entry => entry.At < until);
        }

        return entries;
    }

    public static DateOnly? Day(string? text) =>
        DateOnly.TryParseExact(text, DayFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    public static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    public static string? Word(string? text) => string.IsNullOrWhiteSpace(text) || text.Length > LongestWord ? null : text;

    private static DateTimeOffset StartOf(DateOnly day) => new(day, TimeOnly.MinValue, TimeSpan.Zero);
}
