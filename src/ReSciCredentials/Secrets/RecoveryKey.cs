using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ReSciCredentials.Secrets;

/// <summary>What was typed is no recovery key.</summary>
/// <param name="group">The first group that is wrong, from 1; null when there are too few or too many.</param>
public sealed class RecoveryKeyFormatException(string message, int? group) : FormatException(message)
{
    public int? Group { get; } = group;
}

/// <summary>
/// The 32 bytes that open everything else. They lie in a file outside the database and on a sheet of paper, in the same form:
/// eight numbered groups, each of four bytes and one check byte, so that a slip in copying is found and named.
/// </summary>
internal sealed class RecoveryKey
{
    private const int Size = 32;
    private const int GroupSize = 4;
    private const byte FormatVersion = 1;

    private readonly byte[] _key;
    private readonly byte[] _sealingKey;

    private RecoveryKey(byte[] key)
    {
        _key = key;
        Id = IdOf(key);
        SheetGroups = [.. key.Chunk(GroupSize).Select((group, index) => $"{Convert.ToHexString(group)}-{CheckOf(index, group):X2}")];
        _sealingKey = HKDF.DeriveKey(HashAlgorithmName.SHA256, key, Size, info: "ReSciCredentials.Sealing.v1"u8.ToArray());
    }

    /// <summary>Names the key without telling it, e.g. <c>K-7F3A-91C2</c>. Stored in clear with everything the key sealed.</summary>
    public string Id { get; }

    /// <summary>The key itself, for the recovery sheet: eight groups such as <c>7F3A91C2-5D</c>.</summary>
    public IReadOnlyList<string> SheetGroups { get; }

    public static RecoveryKey Create() => new(RandomNumberGenerator.GetBytes(Size));

    /// <summary>Reads the key file or a sheet that was typed in: lines with a group each, in order; numbers, blanks, case and lines with # do not matter.</summary>
    /// <exception cref="RecoveryKeyFormatException">Says which group is wrong, never what it holds.</exception>
    public static RecoveryKey Parse(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith('#'))
            .ToArray();
        if (lines.Length != Size / GroupSize)
        {
            throw new RecoveryKeyFormatException($"A recovery key has {Size / GroupSize} groups, here are {lines.Length}.", group: null);
        }

        var key = new byte[Size];
        for (var index = 0; index < lines.Length; index++)
        {
            // The last word of the line: the number in front is for people.
            var word = lines[index].Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].Replace("-", "", StringComparison.Ordinal);
            var group = new byte[GroupSize + 1];
            if (word.Length != 2 * group.Length
                || Convert.FromHexString(word, group, out _, out _) is not System.Buffers.OperationStatus.Done
                || group[GroupSize] != CheckOf(index, group.AsSpan(0, GroupSize)))
            {
                throw new RecoveryKeyFormatException(
                    string.Create(CultureInfo.InvariantCulture, $"Group {index + 1} of the recovery key is not right."), index + 1);
            }

            group.AsSpan(0, GroupSize).CopyTo(key.AsSpan(index * GroupSize));
        }

        return new RecoveryKey(key);
    }

    /// <summary>What the key file holds.</summary>
    public string ToFileText() => new StringBuilder()
        .Append(CultureInfo.InvariantCulture, $"# ReSci Credentials recovery key {Id}\n")
        .Append("# Without it nothing in the database can be opened. Keep a copy on another machine or on paper.\n")
        .AppendJoin('\n', SheetGroups.Select((group, index) => $"{index + 1} {group}"))
        .Append('\n')
        .ToString();

    /// <summary>Encrypts with AES-256-GCM; what is sealed opens only under the same key and context.</summary>
    /// <param name="context">What it is, e.g. the name of a ring element: a sealed value moved elsewhere stays shut.</param>
    public byte[] Seal(string context, ReadOnlySpan<byte> plaintext)
    {
        var nonceSize = AesGcm.NonceByteSizes.MaxSize;
        var tagSize = AesGcm.TagByteSizes.MaxSize;
        var result = new byte[1 + nonceSize + tagSize + plaintext.Length];
        result[0] = FormatVersion;
        var nonce = result.AsSpan(1, nonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(_sealingKey, tagSize);
        aes.Encrypt(nonce, plaintext, result.AsSpan(1 + nonceSize + tagSize), result.AsSpan(1 + nonceSize, tagSize), AssociatedData(context));
        return result;
    }

    /// <summary>Returns null when it was not sealed by this key for this context, or was changed since.</summary>
    public byte[]? TryOpen(string context, ReadOnlySpan<byte> sealedValue)
    {
        var nonceSize = AesGcm.NonceByteSizes.MaxSize;
        var tagSize = AesGcm.TagByteSizes.MaxSize;
        if (sealedValue.Length < 1 + nonceSize + tagSize || sealedValue[0] != FormatVersion)
        {
            return null;
        }

        var plaintext = new byte[sealedValue.Length - 1 - nonceSize - tagSize];
        using var aes = new AesGcm(_sealingKey, tagSize);
        try
        {
            aes.Decrypt(
                sealedValue.Slice(1, nonceSize),
                sealedValue[(1 + nonceSize + tagSize)..],
                sealedValue.Slice(1 + nonceSize, tagSize),
                plaintext,
                AssociatedData(context));
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }

    /// <summary>For looking whether the key, in any spelling, got into something that is to be kept.</summary>
    public RecoveryKeyTraces Traces() => new([_key, _sealingKey], SheetGroups);

    private byte[] AssociatedData(string context) => Encoding.UTF8.GetBytes($"ReSciCredentials.v{FormatVersion}\n{Id}\n{context}");

    private static string IdOf(ReadOnlySpan<byte> key)
    {
        var hash = Convert.ToHexString(HMACSHA256.HashData(key, "ReSciCredentials.RecoveryKeyId.v1"u8).AsSpan(0, 4));
        return $"K-{hash[..4]}-{hash[4..]}";
    }

    private static byte CheckOf(int index, ReadOnlySpan<byte> group) => SHA256.HashData([(byte)index, .. group])[0];
}
