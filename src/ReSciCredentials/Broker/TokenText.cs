using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace ReSciCredentials.Broker;

/// <summary>The hash by which a token is found.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TokenHash(ulong A, ulong B, ulong C, ulong D)
{
    public static TokenHash Of(ReadOnlySpan<byte> token)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(token, hash);
        return MemoryMarshal.Read<TokenHash>(hash);
    }

    public byte[] ToBytes()
    {
        var bytes = new byte[SHA256.HashSizeInBytes];
        MemoryMarshal.Write(bytes, in this);
        return bytes;
    }
}

/// <summary>
/// How an access token is written: a prefix that secret scanners can know, 43 random letters and digits (256 bits), and a checksum of six,
/// so that most of what is not a token is told without asking the database.
/// </summary>
internal static class TokenText
{
    public const string Prefix = "rcat_";

    private const int RandomLength = 43;
    private const int ChecksumLength = 6;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public static int Length => Prefix.Length + RandomLength + ChecksumLength;

    /// <summary>How many of its characters may be shown later on.</summary>
    public static int BeginningLength => Prefix.Length + 4;

    public static string Create()
    {
        var body = Prefix + RandomNumberGenerator.GetString(Alphabet, RandomLength);
        return body + Checksum(Encoding.ASCII.GetBytes(body));
    }

    /// <summary>Whether it is written as ours are; of those that are not ours, one in two billion is.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> token)
    {
        if (token.Length != Length || !token.StartsWith(Prefix))
        {
            return false;
        }

        Span<byte> body = stackalloc byte[Length - ChecksumLength];
        return Encoding.ASCII.TryGetBytes(token[..^ChecksumLength], body, out _) && token[^ChecksumLength..].SequenceEqual(Checksum(body));
    }

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
        return token.Length == Length
            && (scheme.Equals("ApiKey", StringComparison.OrdinalIgnoreCase) || scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase));
    }

    public static TokenHash HashOf(ReadOnlySpan<char> token)
    {
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(token.Length)];
        return TokenHash.Of(bytes[..Encoding.UTF8.GetBytes(token, bytes)]);
    }

    private static string Checksum(ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        var rest = BinaryPrimitives.ReadUInt32BigEndian(hash);
        return string.Create(ChecksumLength, rest, static (target, value) =>
        {
            for (var index = target.Length - 1; index >= 0; index--)
            {
                target[index] = Alphabet[(int)(value % (uint)Alphabet.Length)];
                value /= (uint)Alphabet.Length;
            }
        });
    }
}
