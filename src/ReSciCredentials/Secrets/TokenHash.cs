using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace ReSciCredentials.Secrets;

/// <summary>SHA-256 of a token, by which it is found. Tokens of ours have 256 random bits, so that no salt is needed.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TokenHash(ulong A, ulong B, ulong C, ulong D)
{
    public static TokenHash Of(ReadOnlySpan<char> token)
    {
        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(token.Length)];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(token, bytes)], hash);
        return MemoryMarshal.Read<TokenHash>(hash);
    }

    /// <param name="bytes">What <see cref="ToBytes"/> gave.</param>
    public static TokenHash From(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<TokenHash>(bytes);

    public byte[] ToBytes()
    {
        var bytes = new byte[SHA256.HashSizeInBytes];
        MemoryMarshal.Write(bytes, in this);
        return bytes;
    }
}
