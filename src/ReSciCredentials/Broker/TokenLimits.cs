using System.Collections.Frozen;
using System.Net;

namespace ReSciCredentials.Broker;

/// <summary>The lists that narrow a token, as people type them and as they are kept: one entry a line.</summary>
internal static class TokenLimits
{
    public const int MostEntries = 100;
    public const int LongestEntry = 200;

    /// <summary>One entry a line, without what is empty or double; null when nothing is left.</summary>
    public static string? Clean(string? typed)
    {
        var entries = Split(typed).Distinct(StringComparer.Ordinal).ToArray();
        return entries.Length == 0 ? null : string.Join('\n', entries);
    }

    public static FrozenSet<string>? ToSet(string? kept) => kept is null ? null : Split(kept).ToFrozenSet(StringComparer.Ordinal);

    public static IReadOnlyList<IPNetwork>? ToNetworks(string? kept) => kept is null ? null : [.. Split(kept).Select(ToNetwork).OfType<IPNetwork>()];

    /// <summary>What to do about a list of names, or null when it is fine.</summary>
    public static string? CheckNames(string? typed, string what) => CheckLength(typed) ?? (
        Split(typed).FirstOrDefault(entry => entry.Any(char.IsControl)) is not null
            ? $"One {what} holds a control character. Type it again."
            : null);

    /// <summary>As <see cref="CheckNames"/>.</summary>
    public static string? CheckAddresses(string? typed) => CheckLength(typed) ?? (
        Split(typed).FirstOrDefault(entry => ToNetwork(entry) is null) is { } wrong
            ? $"“{wrong}” is neither an address, such as 192.0.2.7, nor a network, such as 192.0.2.0/24."
            : null);

    private static string? CheckLength(string? typed)
    {
        var entries = Split(typed);
        return entries.Length > MostEntries ? $"These are {entries.Length} lines. At most {MostEntries} are possible."
            : entries.Any(entry => entry.Length > LongestEntry) ? $"A line is longer than {LongestEntry} characters."
            : null;
    }

    private static IPNetwork? ToNetwork(string text) =>
        IPNetwork.TryParse(text, out var network) ? network
        : IPAddress.TryParse(text, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
        : null;

    private static string[] Split(string? text) =>
        (text ?? "").Split(['\n', '\r'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
