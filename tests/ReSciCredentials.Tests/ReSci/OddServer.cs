using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ReSciCredentials.Tests.ReSci;

/// <summary>How an odd server leaves a connection after its answer.</summary>
public enum Ending
{
    Closes,
    Resets,

    /// <summary>Sends nothing more and keeps the connection open.</summary>
    Hangs,

    /// <summary>Sends letters without end, as fast as they are taken.</summary>
    Floods,

    /// <summary>Sends letters without end, slowly.</summary>
    Drips,
}

/// <summary>Takes any connection on 127.0.0.1, waits for a request, and sends back exactly the bytes it was told to.</summary>
internal sealed class OddServer : IAsyncDisposable
{
    public const long MostFlooded = 64L * 1024 * 1024;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly byte[] _answer;
    private readonly Ending _ending;
    private readonly Task _serving;

    public OddServer(string answer, Ending ending = Ending.Closes)
    {
        _answer = Encoding.Latin1.GetBytes(answer);
        _ending = ending;
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>How many letters could be sent after the answer until the client left; at most <see cref="MostFlooded"/>.</summary>
    public long Flooded { get; private set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
            try
            {
                await AnswerAsync(client);
            }
            catch (IOException)
            {
                // The client has left, as a client may.
            }
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        var stream = client.GetStream();
        var buffer = new byte[16 * 1024];
        _ = await stream.ReadAsync(buffer, _stop.Token);
        await stream.WriteAsync(_answer, _stop.Token);
        switch (_ending)
        {
            case Ending.Closes:
                break;
            case Ending.Resets:
                client.Client.LingerState = new LingerOption(enable: true, seconds: 0);
                break;
            case Ending.Hangs:
                // Returns when the client leaves.
                _ = await stream.ReadAsync(buffer, _stop.Token);
                break;
            case Ending.Floods:
                buffer.AsSpan().Fill((byte)'h');
                while (Flooded < MostFlooded)
                {
                    await stream.WriteAsync(buffer, _stop.Token);
                    Flooded += buffer.Length;
                }

                break;
            case Ending.Drips:
                while (true)
                {
                    await stream.WriteAsync("h"u8.ToArray(), _stop.Token);
                    await Task.Delay(TimeSpan.FromMilliseconds(50), _stop.Token);
                }
        }
    }
}
