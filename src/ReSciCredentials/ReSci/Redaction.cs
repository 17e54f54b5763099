using System.Globalization;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;

namespace ReSciCredentials.ReSci;

/// <summary>
/// Takes a key out of text that ReSci sent, before the text leaves the process. The key itself is masked in place; a text that holds it
/// in any encoded or broken-up form is dropped whole, because what stands around such a form still tells a part of it.
/// </summary>
internal sealed partial class Redaction
{
    /// <summary>In place of a text that cannot be shown.</summary>
    public const string Removed = "(removed: it contained the API key)";

    private const string Mask = "••••••••";

    // Below it an encoded form is a few letters that occur anywhere: nothing could be shown with certainty.
    private const int ShortestKey = 8;
    private const int DecodingRounds = 4;

    private readonly string _key;
    private readonly string _lettersOfKey;
    private readonly List<string> _hex = [];
    private readonly List<string> _base64 = [];

    public Redaction(ReadOnlySpan<byte> key)
    {
        _key = Encoding.ASCII.GetString(key);
        _lettersOfKey = LettersOf(_key);
        foreach (var bytes in new[] { key.ToArray(), Encoding.Unicode.GetBytes(_key) })
        {
            _hex.Add(Convert.ToHexStringLower(bytes));
            for (var alignment = 0; alignment < 3; alignment++)
            {
                var core = CoreOfBase64(bytes, alignment);
                _base64.Add(core);
                _base64.Add(core.Replace('+', '-').Replace('/', '_'));
            }
        }
    }

    /// <summary>The text without the key, or <see cref="Removed"/>.</summary>
    public string Clean(string text)
    {
        if (_key.Length < ShortestKey)
        {
            return Removed;
        }

        var masked = text.Replace(_key, Mask, StringComparison.OrdinalIgnoreCase);
        return IsClean(masked) ? masked : Removed;
    }

    /// <summary>Whether the key is in the text in no form that we know of.</summary>
    public bool IsClean(string text)
    {
        if (_key.Length < ShortestKey)
        {
            return false;
        }

        for (var round = 0; round < DecodingRounds; round++)
        {
            if (Holds(text))
            {
                return false;
            }

            var decoded = Decode(text);
            if (decoded == text)
            {
                return true;
            }

            text = decoded;
        }

        // Encoded over and over: nobody does that by accident.
        return false;
    }

    private bool Holds(string text)
    {
        var letters = LettersOf(text);
        var unbroken = WhiteSpace().Replace(text, "");
        return text.Contains(_key, StringComparison.OrdinalIgnoreCase)
            || (_lettersOfKey.Length >= ShortestKey && letters.Contains(_lettersOfKey, StringComparison.Ordinal))
            || _hex.Exists(form => letters.Contains(form, StringComparison.Ordinal))
            || _base64.Exists(form => unbroken.Contains(form, StringComparison.Ordinal));
    }

    /// <summary>One layer of URL, HTML and JSON escapes off.</summary>
    private static string Decode(string text) =>
        JsonEscape().Replace(
            WebUtility.HtmlDecode(Uri.UnescapeDataString(text)),
            escape => escape.Groups[1].Success
                ? ((char)ushort.Parse(escape.Groups[1].ValueSpan, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)).ToString()
                : escape.Groups[2].Value);

    private static string LettersOf(string text) => string.Concat(text.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();

    /// <summary>The characters of the key's base64 form that stay the same whatever stands before and behind it.</summary>
    /// <param name="alignment">How many bytes of something else share the first group of three: 0, 1 or 2.</param>
    private static string CoreOfBase64(byte[] key, int alignment)
    {
        var encoded = Convert.ToBase64String([.. new byte[alignment], .. key]);
        var first = alignment == 0 ? 0 : alignment + 1;
        var end = (alignment + key.Length) * 8 / 6;
        return encoded[first..end];
    }

    [GeneratedRegex(@"\s")]
    private static partial Regex WhiteSpace();

    [GeneratedRegex(@"\\(?:u([0-9a-fA-F]{4})|([""\\/]))")]
    private static partial Regex JsonEscape();
}
