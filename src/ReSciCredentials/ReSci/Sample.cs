using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ReSciCredentials.ReSci;

/// <summary>What came of asking for a sample.</summary>
/// <param name="Sample">Null unless ReSci accepted the key.</param>
public sealed record SampleResult(Verdict Verdict, Sample? Sample);

/// <summary>A few records as ReSci sent them, to look at: bounded in every direction, and without the key in any form.</summary>
/// <param name="Columns">At most 12.</param>
/// <param name="Rows">At most 10, each with one cell of at most 200 characters a column.</param>
/// <param name="Json">The same records, indented, at most 16,384 characters.</param>
public sealed record Sample(IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows, string Json)
{
    private const int MostRecords = 10;
    private const int MostColumns = 12;
    private const int LongestCell = 200;
    private const int LongestJson = 16 * 1024;
    private const string OnlyColumn = "value";
    private const string Ellipsis = "…";

    // Read by people, and encoded again by whatever shows it.
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal static Sample From(ReadOnlyMemory<byte> body, JsonAnswer answer, Redaction redaction)
    {
        var documents = answer.Records
            .Where(record => IsText(body.Span[record]))
            .Take(MostRecords)
            .Select(record => JsonDocument.Parse(body[record]))
            .ToList();
        try
        {
            return From([.. documents.Select(document => document.RootElement)], redaction);
        }
        finally
        {
            documents.ForEach(document => document.Dispose());
        }
    }

    private static Sample From(IReadOnlyList<JsonElement> records, Redaction redaction)
    {
        string[] columns = [.. records.SelectMany(ColumnsOf).Distinct().Take(MostColumns)];
        return new Sample(
            [.. columns.Select(column => Cut(redaction.Clean(column), LongestCell))],
            [.. records.Select(record => RowOf(record, columns, redaction))],
            JsonOf(records, redaction));
    }

    /// <summary>Whether every text in a record is one: valid JSON may still hold broken UTF-8 and half a surrogate pair.</summary>
    private static bool IsText(ReadOnlySpan<byte> record)
    {
        var reader = new Utf8JsonReader(record);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                {
                    reader.GetString();
                }
            }

            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static IEnumerable<string> ColumnsOf(JsonElement record) =>
        record.ValueKind is JsonValueKind.Object ? record.EnumerateObject().Select(property => property.Name) : [OnlyColumn];

    private static IReadOnlyList<string> RowOf(JsonElement record, string[] columns, Redaction redaction)
    {
        string[] cells = [.. columns.Select(column => CellOf(record, column, redaction))];
        // A key may also lie broken over neighbouring cells.
        return redaction.IsClean(string.Concat(cells))
            ? [.. cells.Select(cell => Cut(cell, LongestCell))]
            : [.. cells.Select(_ => Redaction.Removed)];
    }

    private static string CellOf(JsonElement record, string column, Redaction redaction)
    {
        JsonElement value;
        if (record.ValueKind is not JsonValueKind.Object)
        {
            value = column == OnlyColumn ? record : default;
        }
        else if (!record.TryGetProperty(column, out value))
        {
            value = default;
        }

        return value.ValueKind switch
        {
            JsonValueKind.Undefined or JsonValueKind.Null => "",
            JsonValueKind.String => redaction.Clean(value.GetString()!),
            JsonValueKind.True or JsonValueKind.False or JsonValueKind.Number => redaction.Clean(value.GetRawText()),
            JsonValueKind.Object or JsonValueKind.Array => redaction.Clean(Written(value, redaction, Compact)),
        };
    }

    private static string JsonOf(IReadOnlyList<JsonElement> records, Redaction redaction)
    {
        var json = new StringBuilder("[");
        foreach (var record in records)
        {
            json.Append(json.Length == 1 ? "\n" : ",\n").Append(Written(record, redaction, Indented));
            if (json.Length > LongestJson)
            {
                break;
            }
        }

        json.Append("\n]");
        var text = json.ToString();
        return redaction.IsClean(text) ? Cut(text, LongestJson) : Redaction.Removed;
    }

    private static string Written(JsonElement value, Redaction redaction, JsonWriterOptions options)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            Write(writer, value, redaction);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    // Written anew from the values: raw JSON could spell a key in escapes.
    private static void Write(Utf8JsonWriter writer, JsonElement value, Redaction redaction)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var property in value.EnumerateObject())
                {
                    writer.WritePropertyName(redaction.Clean(property.Name));
                    Write(writer, property.Value, redaction);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(writer, item, redaction);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(redaction.Clean(value.GetString()!));
                break;
            case JsonValueKind.Number when !redaction.IsClean(value.GetRawText()):
                writer.WriteStringValue(Redaction.Removed);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
        {
            return text;
        }

        var end = length - Ellipsis.Length;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), Ellipsis);
    }
}
