using System.Buffers;
using System.Net;

namespace ReSciCredentials.Broker;

/// <summary>
/// The body of ReSci's answer on its way to the client. Passes on what cannot be a part of the key, holds back what still could, and breaks off when it
/// was one. The first piece is looked at before the answer begins, so that in nearly every case an error of our own can take its place.
/// </summary>
internal sealed class GuardedBody : Stream
{
    private const int UsualLength = 16 * 1024;

    private readonly Stream _source;
    private readonly KeySpellings _key;
    private readonly CancellationToken _clientLeft;
    private byte[] _buffer;
    private int _from;
    private int _safe;
    private int _end;
    private bool _ended;

    /// <param name="clientLeft">Tells the end of the client's patience from that of ours.</param>
    public GuardedBody(Stream source, KeySpellings key, CancellationToken clientLeft)
    {
        (_source, _key, _clientLeft) = (source, key, clientLeft);
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(UsualLength, 2 * key.Longest));
    }

    /// <summary>The key was in it.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>ReSci sent nothing for too long.</summary>
    public bool StoodStill { get; private set; }

    /// <summary>All of it was passed on.</summary>
    public bool IsWhole => _ended && _from == _end;

    /// <summary>How much the client got.</summary>
    public long Passed { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>What was looked through and is not passed on yet.</summary>
    public ReadOnlySpan<byte> Beginning => _buffer.AsSpan(_from, _safe - _from);

    /// <summary>Reads the first piece, and on while its end could be the beginning of the key: until then an error of our own can be answered.</summary>
    /// <param name="all">Reads on until the end, or until no more can be held: for who has to look into the answer.</param>
    /// <exception cref="KeyEchoedException"/>
    public async ValueTask BeginAsync(bool all, CancellationToken cancellationToken)
    {
        do
        {
            await ReadMoreAsync(cancellationToken);
        }
        while (!_ended && (all || _safe < _end) && _end < _buffer.Length);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_from == _safe && !_ended)
        {
            await ReadMoreAsync(cancellationToken);
        }

        var length = Math.Min(buffer.Length, _safe - _from);
        _buffer.AsSpan(_from, length).CopyTo(buffer.Span);
        _from += length;
        Passed += length;
        return length;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private async ValueTask ReadMoreAsync(CancellationToken cancellationToken)
    {
        if (_from > 0)
        {
            _buffer.AsSpan(_from, _end - _from).CopyTo(_buffer);
            (_from, _safe, _end) = (0, _safe - _from, _end - _from);
        }

        var read = 0;
        try
        {
            read = await _source.ReadAsync(_buffer.AsMemory(_end), cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested && !_clientLeft.IsCancellationRequested)
        {
            StoodStill = true;
            throw;
        }

        _ended = read == 0;
        _end += read;
        // A beginning that fills the whole buffer is longer than any spelling: somebody plays with us.
        if (_key.IsIn(_buffer.AsSpan(0, _end), _ended, out var safe) || (safe == 0 && _end == _buffer.Length))
        {
            IsBroken = true;
            throw new KeyEchoedException();
        }

        _safe = _ended ? _end : safe;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && _buffer.Length > 0)
        {
            _source.Dispose();
            ArrayPool<byte>.Shared.Return(_buffer, clearArray: IsBroken);
            _buffer = [];
        }

        base.Dispose(disposing);
    }
}

/// <summary>ReSci sent the key back.</summary>
internal sealed class KeyEchoedException() : IOException("The answer held the API key.");

/// <summary>Stands in for the content of ReSci's answer, so that the forwarder copies what the guard lets through.</summary>
internal sealed class GuardedContent(HttpContent inner, GuardedBody body) : HttpContent
{
    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(body);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => throw new NotSupportedException();

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            body.Dispose();
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}
