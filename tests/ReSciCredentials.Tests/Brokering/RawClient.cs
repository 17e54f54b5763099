using System.Net.Sockets;
using System.Text;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>Sends what no HTTP library would.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly TcpClient _tcp = new() { NoDelay = true };
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _filled;

    private RawClient()
    {
    }

    public static async Task<RawClient> ConnectAsync(Uri server)
    {
        var client = new RawClient();
        await client._tcp.ConnectAsync(server.Host, server.Port, TestContext.Current.CancellationToken);
        return client;
    }

    /// <param name="text">As bytes of Latin-1.</param>
    /// <returns>One whole answer with a Content-Length; less when the server closed the connection.</returns>
    public async Task<string> SendAsync(string text)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        var stream = _tcp.GetStream();
        var hasBody = !text.StartsWith("HEAD ", StringComparison.Ordinal);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(text), patience.Token);
        int? length;
        while ((length = LengthOfAnswer(hasBody)) is null || _filled < length)
        {
            var read = await stream.ReadAsync(_buffer.AsMemory(_filled), patience.Token);
            if (read == 0)
            {
                return Take(_filled);
            }

            _filled += read;
        }

        return Take(length.Value);
    }

    public void Dispose() => _tcp.Dispose();

    private string Take(int length)
    {
        var text = Encoding.Latin1.GetString(_buffer, 0, length);
        _buffer.AsSpan(length, _filled - length).CopyTo(_buffer);
        _filled -= length;
        return text;
    }

    /// <summary>Null until its head is there.</summary>
    private int? LengthOfAnswer(bool hasBody)
    {
        const string Field = "\r\nContent-Length: ";
        var interim = "HTTP/1.1 100 Continue\r\n\r\n"u8;
        if (_buffer.AsSpan(0, _filled).StartsWith(interim))
        {
            Take(interim.Length);
        }

        var end = _buffer.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return null;
        }

        var head = Encoding.Latin1.GetString(_buffer, 0, end + 2);
        var at = head.IndexOf(Field, StringComparison.OrdinalIgnoreCase);
        var body = at < 0 || !hasBody ? 0 : int.Parse(head.AsSpan(at + Field.Length, head.IndexOf('\r', at + 2) - at - Field.Length), System.Globalization.CultureInfo.InvariantCulture);
        return end + 4 + body;
    }
}
