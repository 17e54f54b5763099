using Microsoft.Extensions.Primitives;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Broker;

/// <summary>How ReSci clients send an access token.</summary>
internal static class TokenText
{
    public static TokenFormat Format { get; } = new("rcat_");

    /// <summary>The token in an Authorization header: exactly one, <c>ApiKey</c> or <c>Bearer</c>, one space, the token.</summary>
    public static bool TryRead(StringValues authorization, out ReadOnlySpan<char> token)
    {
        token = default;
        if (authorization is not [{ } header])
        {
            return false;
        }

        var space = header.IndexOf(' ', StringComparison.Ordinal);
        if (space < 0)
        {
            return false;
        }

        var scheme = header.AsSpan(0, space);
        token = header.AsSpan(space + 1);
        return token.Length == Format.Length
            && (scheme.Equals("ApiKey", StringComparison.OrdinalIgnoreCase) || scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase));
    }
}
