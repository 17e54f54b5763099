using System.Net;
using System.Net.Sockets;

namespace ReSciCredentials.Tests.Brokering;

public sealed class WhenReSciTakesNoConnection
{
    [Fact]
    public async Task It_is_out_of_reach_long_before_an_answer_would_be_late()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        // Nobody accepts, and when the queue is full the system answers no further attempt.
        var waiting = Enumerable.Range(0, 4).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToArray();
        var attempts = Array.ConvertAll(waiting, socket => socket.ConnectAsync(listener.LocalEndPoint!).ContinueWith(_ => { }, TaskScheduler.Default));
        await using var host = await BrokerHost.StartAsync(settings: [$"--ReSci:BaseAddress=http://{listener.LocalEndPoint}/", "--Broker:ReadTimeout=00:05:00"]);

        var answer = await host.ReadAsync();

        Assert.Equal((HttpStatusCode.BadGateway, "upstream_unreachable"), (answer.Status, answer.Code));
        Array.ForEach(waiting, socket => socket.Dispose());
        await Task.WhenAll(attempts);
    }
}
