using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ReSciCredentials.Credentials;

/// <summary>One credential as a file has it, or what is wrong with the row.</summary>
/// <param name="Line">Where it begins in the file, from 1.</param>
internal sealed record FileRow(int Line, string? Name, string? Description, string? Key, string? Fault = null)
{
    // Somebody will print this one day.
    public override string ToString() => nameof(FileRow);
}

/// <summary>
/// A file of credentials: target-resci's <c>config.json</c>, or CSV of name, description and key. It is read as it comes into one bounded piece of memory,
/// never onto a disk, and wiped from there when disposed. Whole, because a browser takes no answer before it has sent all of it, and an import takes minutes.
/// </summary>
internal sealed partial class CredentialFile : IDisposable
{
    /// <summary>The largest file, in bytes.</summary>
    public const int MostBytes = 1024 * 1024;

    /// <summary>The most credentials in one file.</summary>
    public const int MostRows = 1000;

    // Both pinned, so that the collector leaves no copies behind that could not be wiped.
    private readonly byte[] _bytes;
    private readonly char[] _characters;
    private readonly int _length;

    private CredentialFile(byte[] bytes, int length)
    {
        _bytes = bytes;
        var (encoding, mark) = EncodingOf(bytes.AsSpan(0, length));
        _characters = GC.AllocateUninitializedArray<char>(encoding.GetMaxCharCount(length), pinned: true);
        _length = encoding.GetChars(bytes.AsSpan(mark, length - mark), _characters);
    }

    private ReadOnlyMemory<char> Text => _characters.AsMemory(0, _length);

    /// <summary>Reads the whole of it.</summary>
    /// <returns>Null when it is larger than <see cref="MostBytes"/>.</returns>
    public static async Task<CredentialFile?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(MostBytes + 1, pinned: true);
        try
        {
            var length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
            return length > MostBytes ? null : new CredentialFile(bytes, length);
        }
        finally
        {
            // What is kept of it is the text.
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    /// <summary>What is wrong with the file as a whole and what to do; null when its rows can be read. Never repeats what is in it.</summary>
    public string? FindFault()
    {
        if (IsJson)
        {
            return null;
        }

        if (new CsvReader(Text).Read() is not { } first)
        {
            return "The file is empty.";
        }

        if (Columns.Of(first) is { Key: null } or { Name: null })
        {
            return "The first line names the columns, but not all that are needed. There must be “name” and “key”; “description” is welcome.";
        }

        return ReadRows().Skip(MostRows).Any() ? $"There are more than {MostRows:N0} rows in the file. Split it, and import one part after the other." : null;
    }

    /// <summary>The credentials in it, in their order.</summary>
    public IEnumerable<FileRow> ReadRows() => IsJson ? [ReadConfiguration()] : ReadCsv();

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _characters.AsSpan().Clear();
    }

    private bool IsJson => Text.Span.TrimStart() is ['{' or '[', ..];

    private IEnumerable<FileRow> ReadCsv()
    {
        var reader = new CsvReader(Text);
        var columns = Columns.ByPosition;
        var isFirst = true;
        while (reader.Read() is { } row)
        {
            if (isFirst && Columns.Of(row) is { } named)
            {
                columns = named;
            }
            else
            {
                yield return row.Fault is CsvFault.None ? columns.Read(row) : new FileRow(row.Line, null, null, null, Explain(row.Fault));
            }

            isFirst = false;
        }
    }

    // https://github.com/RetentionScience/target-resci: api_key is what counts; the rest tells which configuration it was.
    private FileRow ReadConfiguration()
    {
        var bytes = GC.AllocateUninitializedArray<byte>(Encoding.UTF8.GetMaxByteCount(_length), pinned: true);
        try
        {
            var length = Encoding.UTF8.GetBytes(Text.Span, bytes);
            using var json = JsonDocument.Parse(bytes.AsMemory(0, length));
            if (json.RootElement.ValueKind is not JsonValueKind.Object || TextOf(json.RootElement, "api_key") is not { } key)
            {
                return new FileRow(1, null, null, null, "This is JSON, but not target-resci’s config.json: there is no “api_key” in it.");
            }

            var site = TextOf(json.RootElement, "site_id");
            var type = TextOf(json.RootElement, "import_type");
            return new FileRow(
                1,
                site is null ? "target-resci" : $"target-resci, site {site}",
                type is null ? "From target-resci’s config.json." : $"From target-resci’s config.json; its import type is {type}.",
                key);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Their text carries what could not be read; the place in the file does not.
            var line = (int)((exception as JsonException)?.LineNumber ?? 0) + 1;
            return new FileRow(line, null, null, null, "The file begins like JSON and is not well-formed from here on. Save it again as target-resci reads it.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static string? TextOf(JsonElement json, string name) => !json.TryGetProperty(name, out var value) ? null : value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    };

    private static string? Explain(CsvFault fault) => fault switch
    {
        CsvFault.None => null,
        CsvFault.TooLong => $"The row is longer than {CsvReader.LongestRow:N0} characters. Perhaps a quote that was opened in it is not closed.",
        CsvFault.OpenQuote => "A quote is opened in this row and never closed.",
        CsvFault.StrayQuote => "There is a quote amid a value. Put the value in quotes and double each quote inside it, or remove the quote.",
    };

    // Without a mark it is taken for UTF-8; what is not, comes out as replacement characters, which are told row by row.
    private static (Encoding Encoding, int Mark) EncodingOf(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding.UTF8, 3),
        [0xFF, 0xFE, ..] => (Encoding.Unicode, 2),
        [0xFE, 0xFF, ..] => (Encoding.BigEndianUnicode, 2),
        _ => (Encoding.UTF8, 0),
    };

    /// <summary>Where in a row each value stands; null where the first line does not say.</summary>
    private sealed partial record Columns(int? Name, int? Description, int? Key)
    {
        /// <summary>As it is without a first line that names them.</summary>
        public static Columns ByPosition { get; } = new(0, 1, 2);

        /// <returns>Null when the row names no columns.</returns>
        public static Columns? Of(CsvRow row)
        {
            var names = row.Fields.Select(field => NotLetters().Replace(field, "").ToLowerInvariant()).ToList();
            var columns = new Columns(
                Find("name", "credential", "credentialname", "title"),
                Find("description", "credentialdescription", "notes"),
                Find("key", "apikey", "apikeyvalue", "apipassword"));
            // One word alone may be the name of a credential.
            return new[] { columns.Name, columns.Description, columns.Key }.Count(column => column is not null) > 1 ? columns : null;

            int? Find(params string[] known) => names.FindIndex(known.Contains) is var index and >= 0 ? index : null;
        }

        public FileRow Read(CsvRow row)
        {
            var last = Math.Max(Math.Max(Name ?? 0, Description ?? 0), Key ?? 0);
            if (row.Fields.Count <= last)
            {
                return new FileRow(row.Line, null, null, null, $"The row has {row.Fields.Count} of {last + 1} columns: name, description and key. A description may be empty.");
            }

            string?[] values = [ValueOf(Name), ValueOf(Description), ValueOf(Key)];
            return values.Any(value => value?.Contains('\uFFFD', StringComparison.Ordinal) == true)
                ? new FileRow(row.Line, null, null, null, "There are letters in this row that cannot be read. Save the file as “CSV UTF-8”.")
                : new FileRow(row.Line, values[0], values[1], values[2]);

            string? ValueOf(int? column) => column is { } index ? row.Fields[index] : null;
        }

        [GeneratedRegex("[^A-Za-z]")]
        private static partial Regex NotLetters();
    }
}
