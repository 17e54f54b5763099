using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ReSciCredentials.Announcements;

/// <summary>Signs a message so that its receiver knows who sent it and when: the scheme of https://www.standardwebhooks.com, version 1.</summary>
internal static class WebhookSignature
{
    private const string Prefix = "whsec_";
    private const int FewestBytes = 24;
    private const int MostBytes = 64;

    /// <summary>What is wrong with a secret, or null when it can sign.</summary>
    public static string? FaultOf(string secret) =>
        KeyOf(secret) is null ? $"the file must hold {Prefix} and {FewestBytes} to {MostBytes} bytes in base64." : null;

    /// <summary>The value of the header <c>webhook-signature</c>.</summary>
    /// <param name="id">The header <c>webhook-id</c>.</param>
    /// <param name="timestamp">The header <c>webhook-timestamp</c>, in seconds since 1970.</param>
    /// <exception cref="FormatException">The secret has a fault.</exception>
    public static string Of(string secret, string id, long timestamp, ReadOnlySpan<byte> body)
    {
        var key = KeyOf(secret) ?? throw new FormatException(FaultOf(secret));
        byte[] signed = [.. Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")), .. body];
        try
        {
            return $"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, signed))}";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private static byte[]? KeyOf(string secret)
    {
        var key = new byte[MostBytes];
        return secret.StartsWith(Prefix, StringComparison.Ordinal)
            && Convert.TryFromBase64String(secret[Prefix.Length..], key, out var length)
            && length >= FewestBytes
                ? key[..length]
                : null;
    }
}
