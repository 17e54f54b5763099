using System.Text.Json;

namespace ReSciCredentials.ReSci;

/// <summary>
/// Where the records lie in an answer whose shape no source tells: a bare array, or an object with an array in it.
/// An object without one is itself the only record.
/// </summary>
/// <param name="Records">The byte ranges of the complete records.</param>
/// <param name="Whole">False when the answer went on after what was read.</param>
internal sealed record JsonAnswer(IReadOnlyList<Range> Records, bool Whole)
{
    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>
    /// Reads a whole answer, or, when <paramref name="ended"/> is false, the valid beginning of one; null when it is neither.
    /// </summary>
    public static JsonAnswer? Read(ReadOnlySpan<byte> body, bool ended)
    {
        var start = body.StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;
        try
        {
            return Walk(body[start..], start, ended);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonAnswer? Walk(ReadOnlySpan<byte> json, int offset, bool ended)
    {
        var reader = new Utf8JsonReader(json, ended, default);
        if (!reader.Read() || reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
        {
            return null;
        }

        var bare = reader.TokenType is JsonTokenType.StartArray;
        var arrayDepth = bare ? 0 : 1;
        List<List<Range>> arrays = bare ? [[]] : [];
        var inArray = bare;
        var recordStart = 0;
        while (reader.Read())
        {
            if (!bare && reader.CurrentDepth == arrayDepth && reader.TokenType is JsonTokenType.StartArray)
            {
                arrays.Add([]);
                inArray = true;
            }
            else if (reader.CurrentDepth == arrayDepth && reader.TokenType is JsonTokenType.EndArray)
            {
                inArray = false;
            }
            else if (inArray && reader.CurrentDepth == arrayDepth + 1)
            {
                if (reader.TokenType is not (JsonTokenType.EndArray or JsonTokenType.EndObject))
                {
                    recordStart = (int)reader.TokenStartIndex;
                }

                if (reader.TokenType is not (JsonTokenType.StartArray or JsonTokenType.StartObject))
                {
                    arrays[^1].Add(new Range(offset + recordStart, offset + (int)reader.BytesConsumed));
                }
            }
        }

        var records = arrays.MaxBy(array => array.Count) ?? (ended ? [new Range(offset, offset + json.Length)] : []);
        return new JsonAnswer(records, ended);
    }
}
