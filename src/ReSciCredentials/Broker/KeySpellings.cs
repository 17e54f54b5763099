using System.Buffers;
using System.Globalization;
using System.Text;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Broker;

/// <summary>
/// Finds a key in bytes that are passing by: as it is, in base64 (wherever it begins in what was encoded) or in hexadecimal, each also where
/// single characters are escaped as URLs, JSON and HTML do it. What reaches the end of the bytes and could still become a key is held back.
/// </summary>
internal sealed class KeySpellings
{
    /// <summary>Of a shorter key only the plain form is looked for: the others are a few letters that occur anywhere.</summary>
    private const int ShortestEncoded = 8;

    /// <summary>The longest escape of one character: <c>&amp;quot;</c> and <c>\u002f</c> have six, and HTML allows zeros in front.</summary>
    private const int LongestEscape = 10;

    /// <summary>What an answer has much of, the commonest first: a spelling is looked for by its rarest character.</summary>
    private const string Common = "\":,/._-eaitonsrldcumhpg0123456789fbywkvxzjq";

    private static readonly SearchValues<byte> Escapes = SearchValues.Create("%\\&"u8);

    private readonly List<Spelling> _spellings = [];

    public KeySpellings(ReadOnlySpan<byte> key)
    {
        Add(key.ToArray(), foldsCase: true, decodes: true);
        if (key.IndexOfAny("%\\&"u8) >= 0)
        {
            // Such a key can be read as an escape of itself.
            Add(key.ToArray(), foldsCase: true, decodes: false);
        }

        if (key.Length < ShortestEncoded)
        {
            return;
        }

        Add(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key)), foldsCase: true, decodes: true);
        for (var alignment = 0; alignment < 3; alignment++)
        {
            var core = Base64Core.Of(key, alignment);
            Add(Encoding.ASCII.GetBytes(core), foldsCase: false, decodes: true);
            var safe = core.Replace('+', '-').Replace('/', '_');
            if (safe != core)
            {
                Add(Encoding.ASCII.GetBytes(safe), foldsCase: false, decodes: true);
            }
        }
    }

    /// <summary>What is longer is no key any more, in any spelling.</summary>
    public int Longest { get; private set; }

    /// <summary>What is shorter is none either.</summary>
    public int Shortest { get; private set; } = int.MaxValue;

    /// <summary>Whether the key is in <paramref name="bytes"/>.</summary>
    /// <param name="ended">Nothing comes after them: what could still become an escape is none.</param>
    /// <param name="safe">How many bytes may go on: those after it could be the beginning of a key.</param>
    public bool IsIn(ReadOnlySpan<byte> bytes, bool ended, out int safe)
    {
        safe = bytes.Length;
        foreach (var spelling in _spellings)
        {
            if (IsIn(bytes, spelling, ended, ref safe))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the key is in a header's value.</summary>
    public bool IsIn(string value)
    {
        if (value.Length < Shortest)
        {
            return false;
        }

        var length = Encoding.UTF8.GetMaxByteCount(value.Length);
        var rented = length > 1024 ? ArrayPool<byte>.Shared.Rent(length) : null;
        var bytes = rented ?? stackalloc byte[1024];
        try
        {
            return IsIn(bytes[..Encoding.UTF8.GetBytes(value, bytes)], ended: true, out _);
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented, clearArray: true);
            }
        }
    }

    /// <summary>Forgets the key.</summary>
    public void Wipe()
    {
        foreach (var spelling in _spellings)
        {
            Array.Clear(spelling.Text);
        }

        _spellings.Clear();
    }

    /// <summary>
    /// Three questions, because nearly every answer is done with after the first, which is asked of many bytes at a time: is it there as it is; does it begin at the
    /// end; and is it there with escapes. What begins with an escape, or has one in it, begins no further before its first escape than it is long.
    /// </summary>
    private static bool IsIn(ReadOnlySpan<byte> bytes, Spelling spelling, bool ended, ref int safe)
    {
        if (IsInPlainly(bytes, spelling))
        {
            return true;
        }

        var length = spelling.Text.Length;
        if (!ended && IsIn(bytes, Math.Max(0, bytes.Length - length + 1), bytes.Length, spelling, ended, ref safe))
        {
            return true;
        }

        if (!spelling.Decodes)
        {
            return false;
        }

        var from = 0;
        while (bytes[from..].IndexOfAny(Escapes) is var offset and >= 0)
        {
            var escape = from + offset;
            if (IsIn(bytes, Math.Max(from, escape - length + 1), escape + 1, spelling, ended, ref safe))
            {
                return true;
            }

            from = escape + 1;
        }

        return false;
    }

    private static bool IsInPlainly(ReadOnlySpan<byte> bytes, Spelling spelling)
    {
        var text = spelling.Text;
        if (!spelling.FoldsCase)
        {
            return bytes.IndexOf(text) >= 0;
        }

        var (first, last) = (spelling.Rarest, bytes.Length - text.Length + spelling.Rarest);
        var (lower, upper) = (ToLower(text[spelling.Rarest]), ToUpper(text[spelling.Rarest]));
        while (first <= last && bytes[first..(last + 1)].IndexOfAny(lower, upper) is var offset and >= 0)
        {
            if (Ascii.EqualsIgnoreCase(bytes.Slice(first + offset - spelling.Rarest, text.Length), text))
            {
                return true;
            }

            first += offset + 1;
        }

        return false;
    }

    /// <summary>Looks at every beginning from <paramref name="from"/> to before <paramref name="to"/>.</summary>
    private static bool IsIn(ReadOnlySpan<byte> bytes, int from, int to, Spelling spelling, bool ended, ref int safe)
    {
        while (from < to && bytes[from..to].IndexOfAny(spelling.Starts) is var offset and >= 0)
        {
            var at = from + offset;
            switch (Compare(bytes[at..], spelling, ended))
            {
                case Comparison.Same:
                    return true;
                case Comparison.Unfinished:
                    safe = Math.Min(safe, at);
                    return false;
                case Comparison.Different:
                    from = at + 1;
                    break;
            }
        }

        return false;
    }

    private static Comparison Compare(ReadOnlySpan<byte> bytes, Spelling spelling, bool ended)
    {
        foreach (var expected in spelling.Text)
        {
            if (bytes.IsEmpty)
            {
                return Comparison.Unfinished;
            }

            var length = 1;
            var value = bytes[0];
            if (spelling.Decodes && value is (byte)'%' or (byte)'\\' or (byte)'&')
            {
                length = Unescape(bytes, out value);
                if (length == 0 && !ended)
                {
                    return Comparison.Unfinished;
                }

                (length, value) = length == 0 ? (1, bytes[0]) : (length, value);
            }

            if (value != expected && (!spelling.FoldsCase || ToLower(value) != ToLower(expected)))
            {
                return Comparison.Different;
            }

            bytes = bytes[length..];
        }

        return Comparison.Same;
    }

    /// <summary>Reads one character; an escape that is none is the sign it begins with.</summary>
    /// <returns>How many bytes it took; 0 when the bytes end before that is clear.</returns>
    private static int Unescape(ReadOnlySpan<byte> bytes, out byte value)
    {
        value = bytes[0];
        return value switch
        {
            (byte)'%' => Hexadecimal(bytes, 1, 2, ref value),
            (byte)'\\' when bytes.Length == 1 => 0,
            (byte)'\\' when bytes[1] == 'u' => Hexadecimal(bytes, 2, 4, ref value),
            (byte)'\\' when bytes[1] == 'x' => Hexadecimal(bytes, 2, 2, ref value),
            (byte)'\\' => Following(bytes[1], ref value),
            _ => Entity(bytes, ref value),
        };
    }

    private static int Following(byte next, ref byte value)
    {
        value = next;
        return 2;
    }

    private static int Hexadecimal(ReadOnlySpan<byte> bytes, int from, int digits, ref byte value)
    {
        var number = 0;
        for (var index = from; index < from + digits; index++)
        {
            if (index == bytes.Length)
            {
                return 0;
            }

            if (!char.IsAsciiHexDigit((char)bytes[index]))
            {
                return 1;
            }

            number = (number << 4) | (bytes[index] <= '9' ? bytes[index] - '0' : ToLower(bytes[index]) - 'a' + 10);
        }

        value = number <= byte.MaxValue ? (byte)number : (byte)0;
        return from + digits;
    }

    private static int Entity(ReadOnlySpan<byte> bytes, ref byte value)
    {
        var end = bytes[..Math.Min(bytes.Length, LongestEscape)].IndexOf((byte)';');
        if (end < 0)
        {
            return bytes.Length < LongestEscape ? 0 : 1;
        }

        var name = Encoding.Latin1.GetString(bytes[1..end]);
        int? character = name switch
        {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "plus" => '+',
            "sol" => '/',
            "equals" => '=',
            ['#', 'x' or 'X', .. var digits] when int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) => number,
            ['#', .. var digits] when int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) => number,
            _ => null,
        };
        if (character is not { } known)
        {
            return 1;
        }

        value = known <= byte.MaxValue ? (byte)known : (byte)0;
        return end + 1;
    }

    private static byte ToLower(byte letter) => letter is >= (byte)'A' and <= (byte)'Z' ? (byte)(letter | 0x20) : letter;

    private static byte ToUpper(byte letter) => letter is >= (byte)'a' and <= (byte)'z' ? (byte)(letter & ~0x20) : letter;

    private void Add(byte[] text, bool foldsCase, bool decodes)
    {
        List<byte> starts = [text[0]];
        if (foldsCase)
        {
            starts.Add(ToLower(text[0]));
            starts.Add(ToUpper(text[0]));
        }

        if (decodes)
        {
            starts.AddRange("%\\&"u8);
        }

        Longest = Math.Max(Longest, text.Length * LongestEscape);
        Shortest = Math.Min(Shortest, text.Length);
        _spellings.Add(new Spelling(text, foldsCase, decodes, SearchValues.Create(starts.ToArray()), RarestIn(text)));
    }

    /// <summary>Where in the text the character is that answers have least of.</summary>
    private static int RarestIn(byte[] text)
    {
        var ranks = Array.ConvertAll(text, letter => Common.IndexOf((char)ToLower(letter), StringComparison.Ordinal) is var rank and >= 0 ? rank : Common.Length);
        return Array.IndexOf(ranks, ranks.Max());
    }

    private enum Comparison
    {
        Different,
        Unfinished,
        Same,
    }

    /// <param name="Rarest">A place in the text.</param>
    private sealed record Spelling(byte[] Text, bool FoldsCase, bool Decodes, SearchValues<byte> Starts, int Rarest);
}
