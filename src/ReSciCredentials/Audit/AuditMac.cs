using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

/// <summary>What seals an entry: HMAC-SHA256 over what seals the one before it and every field of its own. Without the key none can be made.</summary>
internal static class AuditMac
{
    private const byte OfEntry = 1;
    private const byte OfMark = 2;

    /// <summary>What stands before the first entry.</summary>
    public static byte[] None { get; } = new byte[HMACSHA256.HashSizeInBytes];

    /// <param name="before">What seals the entry before.</param>
    /// <param name="place">The id that the entry has, or would have to have.</param>
    public static byte[] Of(byte[] key, ReadOnlySpan<byte> before, int place, AuditEntry entry)
    {
        var text = new ArrayBufferWriter<byte>(512);
        text.Write([OfEntry]);
        Write(text, before);
        Write(text, place);
        Write(text, entry.At.UtcTicks);
        Write(text, entry.Event);
        Write(text, entry.ItemType);
        Write(text, entry.ItemId);
        // No account has a negative id.
        Write(text, entry.OwnerId ?? -1);
        Write(text, entry.ActorId ?? -1);
        Write(text, entry.ActorName);
        Write(text, entry.Address);
        Write(text, entry.UserAgent);
        Write(text, entry.Path);
        Write(text, entry.Fields);
        Write(text, entry.Changes);
        return HMACSHA256.HashData(key, text.WrittenSpan);
    }

    public static byte[] Of(byte[] key, AuditMark mark)
    {
        var text = new ArrayBufferWriter<byte>();
        text.Write([OfMark]);
        Write(text, mark.Name);
        Write(text, mark.EntryId);
        Write(text, mark.EntryMac);
        return HMACSHA256.HashData(key, text.WrittenSpan);
    }

    public static bool Seals(byte[] key, AuditMark mark) => CryptographicOperations.FixedTimeEquals(mark.Mac, Of(key, mark));

    /// <summary>Moves the mark to an entry.</summary>
    public static void Move(byte[] key, AuditMark mark, int entry, byte[] entryMac)
    {
        (mark.EntryId, mark.EntryMac) = (entry, entryMac);
        mark.Mac = Of(key, mark);
    }

    // Each part with its length: no two entries have the same text.
    private static void Write(ArrayBufferWriter<byte> text, ReadOnlySpan<byte> bytes)
    {
        Write(text, bytes.Length);
        text.Write(bytes);
    }

    private static void Write(ArrayBufferWriter<byte> text, string part)
    {
        var length = Encoding.UTF8.GetByteCount(part);
        Write(text, length);
        text.Advance(Encoding.UTF8.GetBytes(part, text.GetSpan(length)));
    }

    private static void Write(ArrayBufferWriter<byte> text, long number)
    {
        BinaryPrimitives.WriteInt64BigEndian(text.GetSpan(sizeof(long)), number);
        text.Advance(sizeof(long));
    }
}
