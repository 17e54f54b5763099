using System.Text;

namespace ReSciCredentials.Secrets;

/// <summary>
/// The spellings in which a recovery key could have got into a file: its bytes and those of the key made from it, in hexadecimal, in base64 wherever it
/// begins, and as groups of the sheet, each also as UTF-16. Halves are looked for, since a database cuts long values into pages.
/// </summary>
internal sealed class RecoveryKeyTraces
{
    private const int Chunk = 1024 * 1024;

    private readonly List<byte[]> _spellings = [];

    /// <param name="keys">The bytes of the recovery key and of what is made from it.</param>
    /// <param name="groups">The groups of its sheet.</param>
    public RecoveryKeyTraces(IEnumerable<byte[]> keys, IEnumerable<string> groups)
    {
        foreach (var half in keys.SelectMany(key => key.Chunk(key.Length / 2)))
        {
            _spellings.Add(half);
            AddText(Convert.ToHexString(half));
            AddText(Convert.ToHexStringLower(half));
            for (var alignment = 0; alignment < 3; alignment++)
            {
                var core = Base64Core.Of(half, alignment);
                AddText(core);
                AddText(core.Replace('+', '-').Replace('/', '_'));
            }
        }

        foreach (var group in groups)
        {
            AddText(group);
            AddText(group.ToLowerInvariant());
        }
    }

    /// <summary>Reads the stream to its end.</summary>
    public async Task<bool> AreInAsync(Stream stream, CancellationToken cancellationToken)
    {
        var overlap = _spellings.Max(spelling => spelling.Length) - 1;
        var buffer = new byte[Chunk + overlap];
        var kept = 0;
        while (await stream.ReadAtLeastAsync(buffer.AsMemory(kept, Chunk), Chunk, throwOnEndOfStream: false, cancellationToken) is var read and > 0)
        {
            if (AreIn(buffer.AsSpan(0, kept + read)))
            {
                return true;
            }

            // What could be the beginning of a spelling is looked at again together with what follows.
            var tail = Math.Min(overlap, kept + read);
            buffer.AsSpan(kept + read - tail, tail).CopyTo(buffer);
            kept = tail;
        }

        return false;
    }

    public bool AreIn(ReadOnlySpan<byte> bytes)
    {
        foreach (var spelling in _spellings)
        {
            if (bytes.IndexOf(spelling) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private void AddText(string text)
    {
        _spellings.Add(Encoding.ASCII.GetBytes(text));
        _spellings.Add(Encoding.Unicode.GetBytes(text));
    }
}
