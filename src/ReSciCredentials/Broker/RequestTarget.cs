using System.Buffers;
using System.Text;

namespace ReSciCredentials.Broker;

/// <summary>
/// What stands in the request line, read strictly: no address of ReSci's needs an escape, and whoever sends one wants it to be read in two ways.
/// </summary>
internal static class RequestTarget
{
    public const string Start = "/resci/";

    private const int LongestQuery = 2048;
    private const int MostParameters = 32;

    private static readonly SearchValues<char> PathLetters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./");

    private static readonly SearchValues<char> NameLetters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.[]");

    /// <summary>Takes path and query apart; false when something in them is odd.</summary>
    /// <param name="target">As it came, before anybody decoded or shortened it.</param>
    /// <param name="path">Behind <see cref="Start"/>.</param>
    /// <param name="query">Without the question mark.</param>
    public static bool TryRead(string target, out ReadOnlySpan<char> path, out ReadOnlySpan<char> query)
    {
        var mark = target.IndexOf('?', StringComparison.Ordinal);
        path = mark < 0 ? target : target.AsSpan(0, mark);
        query = mark < 0 ? default : target.AsSpan(mark + 1);
        if (!path.StartsWith(Start))
        {
            return false;
        }

        path = path[Start.Length..];
        return !path.ContainsAnyExcept(PathLetters) && !path.Contains("//", StringComparison.Ordinal) && !path.StartsWith('/') && !HoldsDots(path);
    }

    /// <summary>Builds the query anew from its parameters; null when one of them is odd.</summary>
    /// <returns>With its question mark; empty when there are no parameters.</returns>
    public static string? Rebuild(ReadOnlySpan<char> query)
    {
        if (query.IsEmpty)
        {
            return "";
        }

        if (query.Length > LongestQuery || query.Count('&') >= MostParameters)
        {
            return null;
        }

        var rebuilt = new StringBuilder(query.Length + 16);
        foreach (var range in query.Split('&'))
        {
            var parameter = query[range];
            var equals = parameter.IndexOf('=');
            var name = Decode(equals < 0 ? parameter : parameter[..equals]);
            var value = equals < 0 ? "" : Decode(parameter[(equals + 1)..]);
            // A name that begins with anything else may be a switch of the framework behind it, such as _method.
            if (name is not { Length: > 0 } || value is null || !char.IsAsciiLetter(name[0]) || name.AsSpan().ContainsAnyExcept(NameLetters) || value.Any(char.IsControl))
            {
                return null;
            }

            rebuilt.Append(rebuilt.Length == 0 ? '?' : '&').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(value));
        }

        return rebuilt.ToString();
    }

    /// <summary>Null when an escape is broken, or is one of an escape.</summary>
    private static string? Decode(ReadOnlySpan<char> text)
    {
        foreach (var character in text)
        {
            if (character is <= ' ' or > '~' or '\\' or ';' or '#')
            {
                return null;
            }
        }

        var decoded = Uri.UnescapeDataString(text.ToString().Replace('+', ' '));
        return decoded.Contains('%', StringComparison.Ordinal) || decoded.Contains('\uFFFD', StringComparison.Ordinal) ? null : decoded;
    }

    private static bool HoldsDots(ReadOnlySpan<char> path)
    {
        foreach (var range in path.Split('/'))
        {
            if (path[range] is "." or "..")
            {
                return true;
            }
        }

        return false;
    }
}
