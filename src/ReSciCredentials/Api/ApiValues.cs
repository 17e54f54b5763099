using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ReSciCredentials.Api;

/// <summary>A text of a request that can be cleared: null that was sent is not the same as nothing that was sent.</summary>
[JsonConverter(typeof(Converter))]
internal readonly record struct SentText(bool IsSent, string? Text)
{
    internal sealed class Converter : JsonConverter<SentText>
    {
        public override bool HandleNull => true;

        public override SentText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.Null => new SentText(true, null),
            JsonTokenType.String => new SentText(true, reader.GetString()),
            _ => throw new JsonException(),
        };

        public override void Write(Utf8JsonWriter writer, SentText value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
    }
}

/// <summary>An object that means nothing to this server: kept and given back as it was.</summary>
/// <param name="Text">JSON, in its shortest form.</param>
[JsonConverter(typeof(Converter))]
internal sealed record FreeJson(string Text)
{
    // What stands in it is looked for as it is meant, so nothing is kept in escapes that need none. It is read by programs, never as HTML.
    private static readonly JsonWriterOptions Shortest = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static FreeJson? OrNull(string? text) => text is null ? null : new FreeJson(text);

    internal sealed class Converter : JsonConverter<FreeJson>
    {
        public override FreeJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType is not JsonTokenType.StartObject)
            {
                throw new JsonException();
            }

            using var document = JsonDocument.ParseValue(ref reader);
            using var buffer = new MemoryStream();
            using (var writer = new Utf8JsonWriter(buffer, Shortest))
            {
                document.RootElement.WriteTo(writer);
            }

            return new FreeJson(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length));
        }

        public override void Write(Utf8JsonWriter writer, FreeJson value, JsonSerializerOptions options) => writer.WriteRawValue(value.Text);
    }
}

/// <summary>Of a type with a converter of its own: each shape that it may have in JSON.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class ApiShapesAttribute(params Type[] types) : Attribute
{
    public IReadOnlyList<Type> Types => types;
}

/// <summary>Who something belongs to.</summary>
internal sealed record ApiOwner(int Id, string FullName, string Email);

/// <summary>The connector, as the SDK wants it: there is one.</summary>
internal sealed record ApiConnector(int Id, string Type, string ConnectionType, string Name, string Description, bool NexsetApiCompatible)
{
    /// <summary>The connection type of everything here.</summary>
    public const string Rest = "rest";

    public static ApiConnector ReSci { get; } = new(1, Rest, Rest, "ReSci", "Retention Science: customer data and import jobs. Opened by an API key.", false);
}

/// <summary>The vendor, as the SDK wants it: there is one.</summary>
internal sealed record ApiVendor(int Id, string Name, string DisplayName, string ConnectionType)
{
    public static ApiVendor ReSci { get; } = new(1, "resci", "ReSci", ApiConnector.Rest);

    /// <summary>Whether a program's name for a type of credential, source or sink means ours: the connection type or the vendor.</summary>
    public static bool IsOurs(string type) => type is ApiConnector.Rest || type == ReSci.Name;
}

/// <summary>In what order a list is wanted: a field, and the other way round with a minus in front. Without one it is by id.</summary>
internal readonly record struct ApiSort(string Field, bool Descending)
{
    public const string Fields = "id, name, created_at, updated_at";

    /// <summary>Null when there is no such order.</summary>
    public static ApiSort? Parse(string? text) => text?.TrimStart('-') switch
    {
        null => new ApiSort("id", false),
        "id" or "name" or "created_at" or "updated_at" => new ApiSort(text.TrimStart('-'), text[0] == '-'),
        _ => null,
    };
}
