using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace ReSciCredentials.Broker;

/// <summary>The upload does what its token may not do, or cannot be looked into.</summary>
internal sealed class UploadRefusedException(BrokerError error) : IOException(error.Message)
{
    public BrokerError Error { get; } = error;
}

/// <summary>
/// A multipart upload with a token that is limited to some import types or streams. The first part has to be the <c>import_type</c>, and is looked at before ReSci is
/// called at all; the head of every other part is looked at before it is passed on. Strict where parsers differ: what ReSci could read otherwise is refused.
/// </summary>
internal sealed class LimitedUpload : CountedUpload
{
    private const int BufferLength = 64 * 1024;
    private const int LongestHead = 4 * 1024;
    private const int LongestBoundary = 70;
    private const string ImportType = "import_type";

    private static readonly SearchValues<char> HeaderLetters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
    private static readonly SearchValues<char> BoundaryLetters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'()+_,-./:=?");

    private readonly byte[] _delimiter;
    private readonly FrozenSet<string>? _importTypes;
    private readonly FrozenSet<string>? _streams;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferLength);
    private int _from;
    private int _safe;
    private int _end;
    private bool _ended;
    private bool _atDelimiter;

    /// <param name="boundary">From the content type, see <see cref="BoundaryOf"/>.</param>
    public LimitedUpload(Stream source, string boundary, FrozenSet<string>? importTypes, FrozenSet<string>? streams)
        : base(source)
    {
        // Also what ends a line with LF alone is found, and refused: some parsers accept it.
        _delimiter = Encoding.ASCII.GetBytes("\n--" + boundary);
        (_importTypes, _streams) = (importTypes, streams);
    }

    /// <summary>The boundary of a plain multipart form; null for anything else.</summary>
    public static string? BoundaryOf(IHeaderDictionary headers)
    {
        if (headers.ContentEncoding.Count > 0
            || headers.ContentType is not [{ } text]
            || !MediaTypeHeaderValue.TryParse(text, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || type.Parameters.Count(parameter => parameter.Name.Equals("boundary", StringComparison.OrdinalIgnoreCase)) != 1)
        {
            return null;
        }

        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary);
        return boundary.Length is > 0 and <= LongestBoundary && !boundary.AsSpan().ContainsAnyExcept(BoundaryLetters) ? boundary.Value : null;
    }

    /// <summary>Reads the first part and judges it, before ReSci hears of the call.</summary>
    /// <exception cref="UploadRefusedException"/>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        // The first delimiter has no line in front of it.
        var opening = _delimiter.AsMemory(1);
        await ReadUntilAsync(() => _end >= opening.Length + 2, cancellationToken);
        if (!_buffer.AsSpan(0, _end).StartsWith(opening.Span))
        {
            throw Unsupported();
        }

        _safe = opening.Length;
        var name = await ReadHeadAsync(cancellationToken);
        if (name != ImportType)
        {
            throw Unsupported();
        }

        var next = -1;
        await ReadUntilAsync(() => (next = Undecided.IndexOf(_delimiter)) >= 0 || Undecided.Length > LongestHead, cancellationToken);
        if (next is < 1 or > LongestHead || Undecided[next - 1] != '\r')
        {
            throw Unsupported();
        }

        var importType = Encoding.UTF8.GetString(Undecided[..(next - 1)]);
        if (_importTypes is not null && !_importTypes.Contains(importType))
        {
            throw new UploadRefusedException(BrokerError.ImportTypeNotAllowed);
        }

        // From here on it goes by itself; what was read waits in the buffer.
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_from == _safe && !(_ended && _from == _end))
        {
            await LookAsync(cancellationToken);
        }

        var length = Math.Min(buffer.Length, _safe - _from);
        _buffer.AsSpan(_from, length).CopyTo(buffer.Span);
        _from += length;
        return Count(length);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }

        base.Dispose(disposing);
    }

    private Span<byte> Undecided => _buffer.AsSpan(_safe, _end - _safe);

    /// <summary>Decides about more of what was read, or reads more.</summary>
    private async ValueTask LookAsync(CancellationToken cancellationToken)
    {
        if (_atDelimiter)
        {
            _atDelimiter = false;
            _safe += _delimiter.Length;
            var name = await ReadHeadAsync(cancellationToken);
            if (name is not null && IsReadAsImportType(name))
            {
                // Some parsers take the last of two.
                throw Unsupported();
            }

            if (name is not null && _streams?.Contains(name) == false)
            {
                throw new UploadRefusedException(BrokerError.StreamNotAllowed);
            }

            return;
        }

        var next = Undecided.IndexOf(_delimiter);
        if (next >= 0)
        {
            if (next == 0 || Undecided[next - 1] != '\r')
            {
                throw Unsupported();
            }

            _safe += next;
            _atDelimiter = true;
        }
        else if (Undecided.Length > _delimiter.Length)
        {
            // Whatever begins in the rest has a byte in front of it that can still be looked at.
            _safe = _end - _delimiter.Length;
        }
        else if (_ended)
        {
            // It has no last delimiter.
            throw Unsupported();
        }
        else
        {
            await ReadMoreAsync(cancellationToken);
        }
    }

    /// <summary>After a delimiter: the end of the upload, or the head of a part.</summary>
    /// <returns>The part's name; null at the end.</returns>
    private async ValueTask<string?> ReadHeadAsync(CancellationToken cancellationToken)
    {
        await ReadUntilAsync(() => Undecided.Length >= 2, cancellationToken);
        if (Undecided.StartsWith("--"u8))
        {
            _safe += 2;
            await ReadEndAsync(cancellationToken);
            return null;
        }

        var length = -1;
        await ReadUntilAsync(() => (length = Undecided.IndexOf("\r\n\r\n"u8)) >= 0 || Undecided.Length > LongestHead, cancellationToken);
        if (length is < 0 or > LongestHead || !Undecided.StartsWith("\r\n"u8))
        {
            throw Unsupported();
        }

        var name = NameIn(Encoding.Latin1.GetString(_buffer, _safe + 2, length - 2)) ?? throw Unsupported();
        _safe += length + 4;
        return name;
    }

    /// <summary>The name in the head of a part, when every parser reads the same in it.</summary>
    private static string? NameIn(string head)
    {
        string? disposition = null;
        foreach (var line in head.Split("\r\n"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExcept(HeaderLetters) || line.AsSpan().ContainsAny('\r', '\n', '\0'))
            {
                return null;
            }

            if (line.AsSpan(0, colon).Equals("Content-Disposition", StringComparison.OrdinalIgnoreCase))
            {
                if (disposition is not null)
                {
                    return null;
                }

                disposition = line[(colon + 1)..].Trim();
            }
        }

        if (disposition is null
            || disposition.Contains('\\', StringComparison.Ordinal)
            || !ContentDispositionHeaderValue.TryParse(disposition, out var parsed)
            || !parsed.DispositionType.Equals("form-data", StringComparison.OrdinalIgnoreCase)
            || parsed.Parameters.Count(parameter => parameter.Name.StartsWith("name", StringComparison.OrdinalIgnoreCase)) != 1
            || parsed.Parameters.Any(parameter => parameter.Name.Equals("name*", StringComparison.OrdinalIgnoreCase)))
        {
            return null;
        }

        // Python's requests and curl write a name that is not ASCII as UTF-8.
        var name = HeaderUtilities.RemoveQuotes(parsed.Name);
        return name.Length > 0 ? Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(name.ToString())) : null;
    }

    /// <summary>Whether some framework could take it for the import type: several trim names, ignore case, write dots and spaces as underscores, or read brackets.</summary>
    private static bool IsReadAsImportType(string name) =>
        name.Trim().Replace('.', '_').Replace(' ', '_').Replace('-', '_').StartsWith(ImportType, StringComparison.OrdinalIgnoreCase);

    /// <summary>After the last delimiter comes a line end, or nothing.</summary>
    private async ValueTask ReadEndAsync(CancellationToken cancellationToken)
    {
        while (!_ended && Undecided.Length <= 2)
        {
            await ReadMoreAsync(cancellationToken);
        }

        if (!Undecided.IsEmpty && !Undecided.SequenceEqual("\r\n"u8))
        {
            throw Unsupported();
        }

        _safe = _end;
    }

    private async ValueTask ReadUntilAsync(Func<bool> enough, CancellationToken cancellationToken)
    {
        while (!enough())
        {
            if (_ended)
            {
                throw Unsupported();
            }

            await ReadMoreAsync(cancellationToken);
        }
    }

    private async ValueTask ReadMoreAsync(CancellationToken cancellationToken)
    {
        if (_end == _buffer.Length)
        {
            if (_from == 0)
            {
                throw Unsupported();
            }

            _buffer.AsSpan(_from, _end - _from).CopyTo(_buffer);
            (_safe, _end, _from) = (_safe - _from, _end - _from, 0);
        }

        var read = await Source.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        _ended |= read == 0;
        _end += read;
    }

    private static UploadRefusedException Unsupported() => new(BrokerError.UnsupportedBody);
}
