namespace ReSciCredentials.Secrets;

/// <summary>What is wrong with a key that was typed or pasted.</summary>
public enum KeyFault
{
    None,
    Missing,
    TooLong,

    /// <summary>White space inside the key: most likely two values were pasted.</summary>
    Spaces,

    /// <summary>A control character, or one that no HTTP header can carry.</summary>
    Characters,

    /// <summary>The prefix <c>ApiKey</c> more than once.</summary>
    Prefix,
}

/// <summary>Cleans a key as people paste it: surrounding white space and line breaks, one pair of quotes, one leading <c>ApiKey </c>.</summary>
internal static class PastedKey
{
    private const string Prefix = "ApiKey ";
    private const string Quotes = "\"'`“”‘’«»";

    /// <summary>Returns the key, or null and what is wrong with it. Whoever receives the secret disposes it.</summary>
    public static Secret? Clean(string? pasted, out KeyFault fault)
    {
        var key = Trim(pasted.AsSpan());

        // ‘Authorization: ApiKey …’ copied whole from a program is as common as the bare key.
        if (key.StartsWith("Authorization:", StringComparison.OrdinalIgnoreCase))
        {
            key = Trim(key["Authorization:".Length..]);
        }

        if (key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            key = Trim(key[Prefix.Length..]);
        }

        fault = FaultOf(key);
        return fault is KeyFault.None ? new Secret(key.ToString()) : null;
    }

    /// <summary>Says what is wrong and what to do; never repeats what was pasted.</summary>
    public static string? Explain(KeyFault fault) => fault switch
    {
        KeyFault.None => null,
        KeyFault.Missing => "Enter the API key.",
        KeyFault.TooLong => $"This is longer than {Secret.MaximumLength} characters. Paste the API key alone.",
        KeyFault.Spaces => "There is a space or line break inside the key. Paste the API key alone, without anything before or after it.",
        KeyFault.Characters => "The key contains a character that cannot be part of an API key. Copy it again from ReSci.",
        KeyFault.Prefix => "The word ApiKey stands in front more than once. Paste the API key alone.",
    };

    private static KeyFault FaultOf(ReadOnlySpan<char> key)
    {
        if (key.IsEmpty || key.Equals("ApiKey", StringComparison.OrdinalIgnoreCase))
        {
            return KeyFault.Missing;
        }

        if (key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return KeyFault.Prefix;
        }

        if (key.Length > Secret.MaximumLength)
        {
            return KeyFault.TooLong;
        }

        foreach (var character in key)
        {
            if (char.IsWhiteSpace(character))
            {
                return KeyFault.Spaces;
            }

            if (character is < '!' or > '~')
            {
                return KeyFault.Characters;
            }
        }

        return KeyFault.None;
    }

    private static ReadOnlySpan<char> Trim(ReadOnlySpan<char> text)
    {
        text = text.Trim().Trim('\u200B').Trim('\uFEFF').Trim();
        return text.Length >= 2 && Quotes.Contains(text[0]) && Quotes.Contains(text[^1]) ? text[1..^1].Trim() : text;
    }
}
