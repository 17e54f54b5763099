using System.Net;
using Microsoft.AspNetCore.Http;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>What the broker does when ReSci or a client stands still. Its patience is short here and not for others: on a busy machine anybody may have to wait for a second.</summary>
public sealed class WhenNothingMoves : IAsyncLifetime
{
    private BrokerHost _host = null!;

    public async ValueTask InitializeAsync() =>
        _host = await BrokerHost.StartAsync(settings: ["--Broker:ReadTimeout=00:00:01", "--Broker:WriteTimeout=00:00:02"]);

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task A_hanging_ReSci_is_given_up()
    {
        _host.Upstream.Before = context => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);

        var answers = new[] { await _host.ReadAsync(), await _host.WriteAsync() };

        Assert.All(answers, answer => Assert.Equal((HttpStatusCode.GatewayTimeout, "upstream_timeout"), (answer.Status, answer.Code)));
    }

    [Fact]
    public async Task A_limited_upload_that_does_not_begin_is_given_up()
    {
        var token = await _host.TokenAsync(FlowKind.Destination, limited => limited with { ImportTypes = "singer_import_config" });
        using var socket = await RawClient.ConnectAsync(_host.Server.Address);

        var answer = await socket.SendAsync(
            $"POST {BrokerHost.Jobs} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ApiKey {token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100\r\n\r\n--b");

        Assert.Contains("X-Broker-Error: bad_body", answer, StringComparison.Ordinal);
    }

    /// <summary>The forwarder cuts the connection then, which must not look as if the client had left.</summary>
    [Fact]
    public async Task An_answer_that_stands_still_breaks_off_and_is_recorded_as_that()
    {
        var source = await _host.AddFlowAsync(FlowKind.Source);
        var token = await _host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });
        _host.Upstream.Answer = async context =>
        {
            await context.Response.WriteAsync(new string('x', 200_000));
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        };

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => _host.ReadAsync(token));

        Assert.Equal("upstream_timeout", (await _host.OnlyCallAsync(source)).Code);
    }
}
