namespace ReSciCredentials.Credentials;

/// <summary>What is wrong with a row of a CSV file.</summary>
internal enum CsvFault
{
    None,

    /// <summary>Longer than <see cref="CsvReader.LongestRow"/>; most likely a quote was never closed.</summary>
    TooLong,

    /// <summary>A quote is opened and never closed.</summary>
    OpenQuote,

    /// <summary>Something follows a closing quote, or a quote stands amid a value.</summary>
    StrayQuote,
}

/// <param name="Line">Where the row begins, from 1.</param>
/// <param name="Fields">Empty when the row is at fault.</param>
internal sealed record CsvRow(int Line, IReadOnlyList<string> Fields, CsvFault Fault)
{
    // Somebody will print this one day, and a key may be in it.
    public override string ToString() => nameof(CsvRow);
}

/// <summary>
/// Reads comma-separated values as people have them (RFC 4180, and separated by semicolons or tabs): row by row, each at fault or not by itself.
/// Not by a library, because the exceptions of those carry what they could not read, and keys are read here.
/// </summary>
internal sealed class CsvReader
{
    /// <summary>In characters: room for the longest name, description and key, quoted.</summary>
    public const int LongestRow = 16 * 1024;

    private const char Quote = '"';

    private readonly ReadOnlyMemory<char> _text;
    private readonly char _separator;
    private int _at;
    private int _line = 1;

    public CsvReader(ReadOnlyMemory<char> text)
    {
        _text = text;
        _separator = TakeSeparator();
    }

    private ReadOnlySpan<char> Rest => _text.Span[_at..];

    /// <summary>The next row that is not blank; null at the end. After a row at fault, the next line is read as a row again.</summary>
    public CsvRow? Read()
    {
        while (_at < _text.Length)
        {
            var (start, line) = (_at, _line);
            var fields = new List<string>();
            var fault = ReadFields(fields);
            if (fault is not CsvFault.None)
            {
                (_at, _line) = (start, line);
                SkipLine();
                return new CsvRow(line, [], fault);
            }

            if (fields is not [var only] || only.AsSpan().Trim().Length > 0)
            {
                return new CsvRow(line, fields, CsvFault.None);
            }
        }

        return null;
    }

    private CsvFault ReadFields(List<string> fields)
    {
        var start = _at;
        while (true)
        {
            var fault = Rest is [Quote, ..] ? ReadQuoted(fields) : ReadPlain(fields);
            if (fault is not CsvFault.None)
            {
                return fault;
            }

            if (_at - start > LongestRow)
            {
                return CsvFault.TooLong;
            }

            if (Rest.IsEmpty || Rest[0] != _separator)
            {
                SkipLine();
                return CsvFault.None;
            }

            _at++;
        }
    }

    private CsvFault ReadPlain(List<string> fields)
    {
        var length = Rest.IndexOfAny(_separator, '\r', '\n');
        var field = length < 0 ? Rest : Rest[..length];
        _at += field.Length;
        if (field.Length > LongestRow)
        {
            return CsvFault.TooLong;
        }

        // Spreadsheets never write such a field; it comes from a row that lost a quote.
        if (field.Contains(Quote))
        {
            return CsvFault.StrayQuote;
        }

        fields.Add(field.ToString());
        return CsvFault.None;
    }

    private CsvFault ReadQuoted(List<string> fields)
    {
        var open = _at + 1;
        var close = open;
        while (true)
        {
            var length = _text.Span[close..].IndexOf(Quote);
            if (length < 0)
            {
                return CsvFault.OpenQuote;
            }

            close += length;
            if (close - open > LongestRow)
            {
                return CsvFault.TooLong;
            }

            // Two quotes stand for one.
            if (close + 1 >= _text.Length || _text.Span[close + 1] != Quote)
            {
                break;
            }

            close += 2;
        }

        var field = _text.Span[open..close];
        _at = close + 1;
        _line += CountLines(field);
        if (!Rest.IsEmpty && Rest[0] != _separator && Rest[0] is not ('\r' or '\n'))
        {
            return CsvFault.StrayQuote;
        }

        fields.Add(field.ToString().Replace("\"\"", "\"", StringComparison.Ordinal));
        return CsvFault.None;
    }

    private void SkipLine()
    {
        var length = Rest.IndexOfAny('\r', '\n');
        _at = length < 0 ? _text.Length : _at + length;
        if (!Rest.IsEmpty)
        {
            _at += Rest is ['\r', '\n', ..] ? 2 : 1;
            _line++;
        }
    }

    private static int CountLines(ReadOnlySpan<char> text) => text.Count('\n') + text.Count('\r') - text.Count("\r\n");

    // What a spreadsheet was told, or what there is most of in the first line.
    private char TakeSeparator()
    {
        if (Rest.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) && Rest is [_, _, _, _, var told, ..])
        {
            SkipLine();
            return told;
        }

        var end = Rest.IndexOfAny('\r', '\n');
        var first = end < 0 ? Rest : Rest[..end];
        var (commas, semicolons, tabs) = (first.Count(','), first.Count(';'), first.Count('\t'));
        return tabs > commas && tabs > semicolons ? '\t' : semicolons > commas ? ';' : ',';
    }
}
