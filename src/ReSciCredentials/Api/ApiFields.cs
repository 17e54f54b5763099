using System.Text.Json.Serialization.Metadata;

namespace ReSciCredentials.Api;

/// <summary>Finds out which field of a request an error is about.</summary>
internal static class ApiFields
{
    /// <summary>The body as a whole.</summary>
    public const string Body = "body";

    /// <summary>
    /// The name of a field from the path of a JSON error, e.g. <c>credentials.api_key</c> from <c>$.credentials.api_key</c>. Only names that the type has:
    /// others are what was sent, and somebody may have sent a key as a name.
    /// </summary>
    public static string Of(JsonTypeInfo type, string? path)
    {
        var field = "";
        var rest = path.AsSpan().TrimStart('$');
        var known = type;
        while (!rest.IsEmpty && known is { Kind: JsonTypeInfoKind.Object } && Find(known, ref rest) is { } property)
        {
            field = field.Length == 0 ? property.Name : $"{field}.{property.Name}";
            known = type.Options.GetTypeInfo(property.PropertyType);
        }

        return field.Length == 0 ? Body : field;
    }

    // A name with dots in it is written ['so'].
    private static JsonPropertyInfo? Find(JsonTypeInfo type, ref ReadOnlySpan<char> rest)
    {
        foreach (var property in type.Properties)
        {
            foreach (var spelling in new[] { $".{property.Name}", $"['{property.Name}']" })
            {
                if (rest.StartsWith(spelling, StringComparison.Ordinal) && (rest.Length == spelling.Length || rest[spelling.Length] is '.' or '['))
                {
                    rest = rest[spelling.Length..];
                    return property;
                }
            }
        }

        return null;
    }
}
