using System.Text;
using System.Text.Json;

namespace ReSciCredentials.ReSci;

/// <summary>
/// Finds the id of the job in the answer to <c>create_import_job</c>. No source tells the answer's shape, so that it is assumed here and nowhere else: an object with an
/// <c>id</c>, or with the job, and its id, in an object of its own.
/// </summary>
internal static class MadeJobAnswer
{
    private const int DeepestId = 2;

    private static readonly string[] IdNames = ["id", "job_id", "import_job_id"];

    private static readonly string[] JobNames = ["import_job", "job", "data"];

    /// <summary>Null when there is none that could stand in an address of ReSci's.</summary>
    /// <param name="body">The answer, or the beginning of one.</param>
    public static string? IdIn(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, isFinalBlock: false, default);
        string? nested = null;
        var inJob = false;
        try
        {
            if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType is JsonTokenType.PropertyName)
                {
                    inJob = IsOneOf(ref reader, JobNames);
                }

                if (reader.TokenType is JsonTokenType.PropertyName
                    && (reader.CurrentDepth == 1 || (reader.CurrentDepth == DeepestId && inJob))
                    && IsOneOf(ref reader, IdNames))
                {
                    var outermost = reader.CurrentDepth == 1;
                    if (!reader.Read())
                    {
                        return nested;
                    }

                    if (ValueOf(ref reader) is { } id)
                    {
                        if (outermost)
                        {
                            return id;
                        }

                        nested ??= id;
                    }
                }
            }
        }
        catch (JsonException)
        {
            // What came before it was well formed, and nobody else reads it as strictly.
        }

        return nested;
    }

    private static bool IsOneOf(ref Utf8JsonReader reader, string[] names)
    {
        foreach (var name in names)
        {
            if (reader.ValueTextEquals(name))
            {
                return true;
            }
        }

        return false;
    }

    private static string? ValueOf(ref Utf8JsonReader reader)
    {
        // In escapes anything could be spelled, the key included.
        if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Number) || reader.ValueIsEscaped || reader.ValueSpan.Length > ReSciCalls.LongestId)
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(reader.ValueSpan);
        return ReSciCalls.IsId(text) ? text : null;
    }
}
