using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ReSciCredentials.Api;

/// <summary>Times as the API writes them: UTC, in milliseconds, e.g. <c>2026-01-15T20:24:25.209Z</c>.</summary>
internal sealed class ApiTime : JsonConverter<DateTimeOffset>
{
    private const string Format = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    private const int Length = 24;

    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        Span<byte> text = stackalloc byte[Length];
        value.UtcDateTime.TryFormat(text, out var written, Format, CultureInfo.InvariantCulture);
        writer.WriteStringValue(text[..written]);
    }
}
