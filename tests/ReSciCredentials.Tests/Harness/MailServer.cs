using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MimeKit;

namespace ReSciCredentials.Tests.Harness;

/// <summary>Takes e-mails by SMTP on a real port, as far as a client without sign-in and encryption needs it.</summary>
internal sealed class MailServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    public MailServer()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    public ConcurrentQueue<MimeMessage> Received { get; } = [];

    /// <summary>Turns away who wants to send, as a busy server does.</summary>
    public bool Busy { get; set; }

    public string[] Settings =>
    [
        "--Announcements:Mail:Host=127.0.0.1",
        $"--Announcements:Mail:Port={((IPEndPoint)_listener.LocalEndpoint).Port}",
        "--Announcements:Mail:Security=None",
        "--Announcements:Mail:From=resci@example.com",
        "--Announcements:Mail:To:0=ann@example.com",
        "--Announcements:Mail:To:1=bob@example.com",
    ];

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
                await TalkAsync(client.GetStream());
            }
            catch (IOException)
            {
                // The client has left, as a client may.
            }
        }
    }

    private async Task TalkAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        await using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\r\n", AutoFlush = true };
        await writer.WriteLineAsync("220 mail.example.com ESMTP");
        while (await reader.ReadLineAsync(_stop.Token) is { } line)
        {
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "MAIL" when Busy:
                    await writer.WriteLineAsync("451 Try again later");
                    break;
                case "DATA":
                    await writer.WriteLineAsync("354 Go on");
                    await TakeAsync(reader);
                    await writer.WriteLineAsync("250 Taken");
                    break;
                case "QUIT":
                    await writer.WriteLineAsync("221 Bye");
                    return;
                default:
                    await writer.WriteLineAsync("250 OK");
                    break;
            }
        }
    }

    private async Task TakeAsync(StreamReader reader)
    {
        using var text = new MemoryStream();
        await using (var writer = new StreamWriter(text, leaveOpen: true) { NewLine = "\r\n" })
        {
            while (await reader.ReadLineAsync(_stop.Token) is { } line && line != ".")
            {
                await writer.WriteLineAsync(line.StartsWith('.') ? line[1..] : line);
            }
        }

        text.Position = 0;
        Received.Enqueue(await MimeMessage.LoadAsync(text, _stop.Token));
    }
}
