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
    public int Longest => _spellings.Max(spelling => spelling.Text.Length) * LongestEscape;

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

    private static bool IsIn(ReadOnlySpan<byte> bytes, Spelling spelling, bool ended, ref int safe)
    {
        var from = 0;
        while (bytes[from..].IndexOfAny(spelling.Starts) is var offset and >= 0)
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

            if (value != expected && (!spelling.FoldsCase || char.ToLowerInvariant((char)value) != char.ToLowerInvariant((char)expected)))
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

            number = (number << 4) | Convert.ToInt32(((char)bytes[index]).ToString(), 16);
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

    private void Add(byte[] text, bool foldsCase, bool decodes)
    {
        List<byte> starts = [text[0]];
        if (foldsCase)
        {
            starts.Add((byte)char.ToLowerInvariant((char)text[0]));
            starts.Add((byte)char.ToUpperInvariant((char)text[0]));
        }

        if (decodes)
        {
            starts.AddRange("%\\&"u8);
        }

        _spellings.Add(new Spelling(text, foldsCase, decodes, SearchValues.Create(starts.ToArray())));
    }

    private enum Comparison
    {
        Different,
        Unfinished,
        Same,
    }

    private sealed record Spelling(byte[] Text, bool FoldsCase, bool Decodes, SearchValues<byte> Starts);
}
