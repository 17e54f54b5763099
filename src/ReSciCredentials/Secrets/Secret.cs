using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ReSciCredentials.Secrets;

/// <summary>
/// An API key in plain text while we hold it: 1 to <see cref="MaximumLength"/> visible ASCII characters.
/// Prints as a mask, refuses to be written as JSON, is wiped when disposed, and has one way out: <see cref="Reveal"/>.
/// </summary>
[DebuggerDisplay(Mask)]
[JsonConverter(typeof(NeverWritten))]
internal sealed class Secret : IDisposable
{
    /// <summary>The longest key accepted, in characters.</summary>
    public const int MaximumLength = 4096;

    private const string Mask = "••••••••";

    // Pinned, so that the collector leaves no copies behind that could not be wiped.
    private readonly byte[] _characters;
    private bool _disposed;

    /// <param name="characters">Visible ASCII; copied. The caller wipes its own.</param>
    /// <exception cref="ArgumentException">Empty, too long, or a character outside of visible ASCII. The message contains no character of it.</exception>
    public Secret(ReadOnlySpan<byte> characters)
    {
        if (characters.IsEmpty || characters.Length > MaximumLength || characters.ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            throw new ArgumentException("An API key is 1 to 4096 visible ASCII characters.", nameof(characters));
        }

        _characters = GC.AllocateUninitializedArray<byte>(characters.Length, pinned: true);
        characters.CopyTo(_characters);
    }

    /// <summary>Takes a key that was typed or pasted. The string itself cannot be wiped: hold it as briefly as possible.</summary>
    /// <exception cref="ArgumentException">As for the other constructor.</exception>
    public Secret(string characters)
        : this(Encoding.UTF8.GetBytes(characters))
    {
    }

    public int Length => _characters.Length;

    /// <summary>The plain text. Few may call this; an architecture test names them.</summary>
    /// <exception cref="ObjectDisposedException">The key was wiped.</exception>
    public ReadOnlySpan<byte> Reveal()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _characters;
    }

    /// <summary>Whether a text that will be shown or kept in clear holds the key. Nothing is revealed by the answer to whoever typed both.</summary>
    public bool IsIn(string? text)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return text is not null && Encoding.UTF8.GetBytes(text).AsSpan().IndexOf(_characters) >= 0;
    }

    public override string ToString() => Mask;

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_characters);
        _disposed = true;
    }

    private sealed class NeverWritten : JsonConverter<Secret>
    {
        public override Secret Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new JsonException("A key is cleaned and checked before it becomes a secret; it is not read from JSON.");

        public override void Write(Utf8JsonWriter writer, Secret value, JsonSerializerOptions options) =>
            throw new JsonException("A secret is never written.");
    }
}
