using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ReSciCredentials.Audit;

/// <summary>The fields whose values an audit entry may tell. None of them is secret.</summary>
internal enum AuditField
{
    Name,
    Description,
    Status,
    Endpoint,

    /// <summary>The id of the credential that a source or destination uses.</summary>
    Credential,

    ExpiresOn,
    ReviewOn,

    /// <summary>What a program keeps with a source or destination.</summary>
    Config,

    /// <summary>A program's number for its data set.</summary>
    DataSetId,

    /// <summary>What a program looks for a thing by.</summary>
    Tags,
}

/// <summary>
/// One field before and after. Made only by the methods here, which have no place for a key: a key is told by its fingerprint,
/// and of a text whatever might be a key that somebody pasted into the wrong field is left out.
/// </summary>
internal sealed partial record AuditChange
{
    private const string Fingerprints = "credentials";
    private const string PendingFingerprints = "pending_credentials";

    // Persons read it, in a page that encodes it and in files: letters of all scripts stay as they are.
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Action<Utf8JsonWriter> _before;
    private readonly Action<Utf8JsonWriter> _after;

    private AuditChange(string field, Action<Utf8JsonWriter> before, Action<Utf8JsonWriter> after) => (Field, _before, _after) = (field, before, after);

    /// <summary>What the field is called in the entry.</summary>
    public string Field { get; }

    /// <summary>A text that everybody may read who may see the thing.</summary>
    public static AuditChange Of(AuditField field, string? before, string? after) => new(NameOf(field), Text(before), Text(after));

    public static AuditChange Of(AuditField field, int? before, int? after) => new(NameOf(field), Number(before), Number(after));

    public static AuditChange Of(AuditField field, DateOnly? before, DateOnly? after) => Of(field, Day(before), Day(after));

    /// <summary>Texts that everybody may read who may see the thing.</summary>
    public static AuditChange Of(AuditField field, IReadOnlyList<string> before, IReadOnlyList<string> after) => new(NameOf(field), Texts(before), Texts(after));

    /// <summary>The key in use.</summary>
    /// <param name="before">A fingerprint, eight hexadecimal digits; null when there was none, or it is not known.</param>
    /// <param name="after">As <paramref name="before"/>.</param>
    /// <exception cref="ArgumentException">It is no fingerprint. The message does not repeat it.</exception>
    public static AuditChange OfKey(string? before, string? after) => new(Fingerprints, Print(before), Print(after));

    /// <summary>The key that waits to be promoted; as <see cref="OfKey"/>.</summary>
    /// <exception cref="ArgumentException">It is no fingerprint. The message does not repeat it.</exception>
    public static AuditChange OfPendingKey(string? before, string? after) => new(PendingFingerprints, Print(before), Print(after));

    /// <summary>What the field is called in audit entries.</summary>
    public static string NameOf(AuditField field) => field switch
    {
        AuditField.Name => "name",
        AuditField.Description => "description",
        AuditField.Status => "status",
        AuditField.Endpoint => "endpoint",
        AuditField.Credential => "credential",
        AuditField.ExpiresOn => "expires_on",
        AuditField.ReviewOn => "review_on",
        AuditField.Config => "config",
        AuditField.DataSetId => "data_set_id",
        AuditField.Tags => "tags",
    };

    /// <summary>The JSON object that an entry keeps; empty for no change at all.</summary>
    public static string ToJson(IReadOnlyCollection<AuditChange> changes)
    {
        if (changes.Count == 0)
        {
            return "";
        }

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            foreach (var change in changes)
            {
                json.WriteStartArray(change.Field);
                change._before(json);
                change._after(json);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static Action<Utf8JsonWriter> Text(string? text) => json =>
    {
        if (text is null)
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteStringValue(PossibleKey().Replace(AuditLog.Plain(text), "…"));
        }
    };

    private static Action<Utf8JsonWriter> Texts(IReadOnlyList<string> texts) => json =>
    {
        json.WriteStartArray();
        foreach (var text in texts)
        {
            Text(text)(json);
        }

        json.WriteEndArray();
    };

    private static Action<Utf8JsonWriter> Number(int? number) => json =>
    {
        if (number is { } known)
        {
            json.WriteNumberValue(known);
        }
        else
        {
            json.WriteNullValue();
        }
    };

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static Action<Utf8JsonWriter> Print(string? fingerprint) => fingerprint switch
    {
        null => json => json.WriteNullValue(),
        _ when Fingerprint().IsMatch(fingerprint) => json => json.WriteStringValue($"fp:{fingerprint}"),
        _ => throw new ArgumentException("A fingerprint has eight hexadecimal digits.", nameof(fingerprint)),
    };

    [GeneratedRegex(@"^[0-9a-f]{8}\z")]
    private static partial Regex Fingerprint();

    // Nobody names a thing so; but a key looks so. What is in an entry cannot be taken out again.
    [GeneratedRegex(@"(?=\S*[0-9])\S{16,}|\S{32,}")]
    private static partial Regex PossibleKey();
}
