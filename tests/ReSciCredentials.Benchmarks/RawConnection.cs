using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace ReSciCredentials.Benchmarks;

/// <summary>One connection that sends what it is given and reads the answer away, in the same buffer again and again: what is allocated meanwhile is the server's.</summary>
internal sealed class RawConnection : IDisposable
{
    private const int Largest = 1024 * 1024;

    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private readonly byte[] _buffer = new byte[Largest];

    public RawConnection(Uri server)
    {
        _client = new TcpClient(server.Host, server.Port) { NoDelay = true };
        _stream = _client.GetStream();
    }

    /// <exception cref="InvalidOperationException">The answer is not a success.</exception>
    public void Call(ReadOnlySpan<byte> request)
    {
        _stream.Write(request);
        var read = 0;
        while (!IsWhole(_buffer.AsSpan(0, read)))
        {
            var got = _stream.Read(_buffer, read, Largest - read);
            if (got == 0)
            {
                throw new InvalidOperationException("The connection was closed.");
            }

            read += got;
        }

        if (!_buffer.AsSpan().StartsWith("HTTP/1.1 200 "u8))
        {
            throw new InvalidOperationException(Encoding.UTF8.GetString(_buffer, 0, read));
        }
    }

    public void Dispose()
    {
        _stream.Dispose();
        _client.Dispose();
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return false;
        }

        var length = answer[..head].IndexOf("Content-Length: "u8);
        if (length < 0)
        {
            return answer.EndsWith("\r\n0\r\n\r\n"u8);
        }

        var digits = answer[(length + "Content-Length: ".Length)..head];
        var end = digits.IndexOf((byte)'\r');
        return answer.Length == head + 4 + int.Parse(end < 0 ? digits : digits[..end], NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
