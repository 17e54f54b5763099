using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace ReSciCredentials.Secrets;

/// <summary>
/// How a token of ours is written: a prefix that secret scanners can know, 43 random letters and digits (256 bits), and a checksum of six,
/// so that most of what is not a token is told without asking the database.
/// </summary>
/// <param name="prefix">ASCII letters that end with an underscore.</param>
internal sealed class TokenFormat(string prefix)
{
    private const int RandomLength = 43;
    private const int ChecksumLength = 6;
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public string Prefix => prefix;

    public int Length => prefix.Length + RandomLength + ChecksumLength;

    public string Create()
    {
        var body = prefix + RandomNumberGenerator.GetString(Alphabet, RandomLength);
        return body + Checksum(Encoding.ASCII.GetBytes(body));
    }

    /// <summary>As much of it as may be shown later on: the prefix and 24 of its 256 bits.</summary>
    public string BeginningOf(string token) => token[..(prefix.Length + 4)];

    /// <summary>Whether it is written as ours are; of those that are not ours, one in two billion is.</summary>
    public bool IsWellFormed(ReadOnlySpan<char> token)
    {
        if (token.Length != Length || !token.StartsWith(prefix))
        {
            return false;
        }

        Span<byte> body = stackalloc byte[Length - ChecksumLength];
        return Encoding.ASCII.TryGetBytes(token[..^ChecksumLength], body, out _) && token[^ChecksumLength..].SequenceEqual(Checksum(body));
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
