using System.Text;
using System.Text.Encodings.Web;

namespace ReSciCredentials.Tests.Harness;

/// <summary>A key that can be recognised in every spelling. It holds characters that URLs, HTML and JSON escape.</summary>
internal sealed class PlantedKey
{
    /// <param name="prefix">Says what the sandbox does with it.</param>
    public PlantedKey(string prefix) => Text = $"{prefix}-pl4nted+k3y/{Guid.NewGuid():N}==";

    private PlantedKey() => Text = "";

    /// <summary>Differs from key to key, so that a hit tells which one got out.</summary>
    public string Text { get; private init; }

    /// <summary>A secret that the server made, to be looked for in the same way.</summary>
    public static PlantedKey Made(string text) => new() { Text = text };

    /// <summary>Whether the bytes hold the key in any spelling.</summary>
    public bool IsIn(ReadOnlySpan<byte> bytes)
    {
        foreach (var spelling in Spellings())
        {
            if (bytes.IndexOf(spelling) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    public bool IsIn(string text) => IsIn(Encoding.UTF8.GetBytes(text));

    private IEnumerable<byte[]> Spellings()
    {
        var bytes = Encoding.UTF8.GetBytes(Text);
        yield return bytes;
        yield return Encoding.Unicode.GetBytes(Text);
        yield return Encoding.BigEndianUnicode.GetBytes(Text);
        yield return Encoding.UTF8.GetBytes(Uri.EscapeDataString(Text));
        yield return Encoding.UTF8.GetBytes(HtmlEncoder.Default.Encode(Text));
        yield return Encoding.UTF8.GetBytes(JavaScriptEncoder.Default.Encode(Text));
        yield return Encoding.UTF8.GetBytes(Convert.ToHexString(bytes));
        yield return Encoding.UTF8.GetBytes(Convert.ToHexStringLower(bytes));
        // Wherever the key begins in what was encoded, the middle is spelled in one of three ways.
        for (var skipped = 0; skipped < 3; skipped++)
        {
            yield return Encoding.UTF8.GetBytes(Convert.ToBase64String(bytes.AsSpan(skipped, (bytes.Length - skipped) / 3 * 3)));
        }
    }
}
