using System.Net;
using System.Runtime.CompilerServices;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>What changes while a call is under way changes the next one, and breaks none.</summary>
public sealed class WhileCallsAreUnderWay
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_replaced_key_goes_out_with_the_next_call_even_when_the_old_one_is_wiped()
    {
        const string NewKey = "new-key-0123456789abcdef";
        await using var host = await BrokerHost.StartAsync();
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        host.Upstream.Before = _ =>
        {
            arrived.TrySetResult();
            return goOn.Task;
        };
        var underWay = host.ReadAsync();
        await arrived.Task;

        var rotation = host.Server.Service<KeyRotation>();
        await rotation.ReplaceAsync(host.Owner, host.Credential, new NewKey(NewKey, Guid.NewGuid(), Unverified: true), Cancellation);
        var pending = (await rotation.FindAsync(host.Owner, host.Credential, Cancellation))!.Pending!.Key.Uid;
        await rotation.PromoteAsync(host.Owner, host.Credential, pending, OldKey.Wipe, Cancellation);
        host.Upstream.Before = _ => Task.CompletedTask;
        var next = await host.ReadAsync();
        goOn.SetResult();

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [next.Status, (await underWay).Status]);
        Assert.Equal([$"ApiKey {NewKey}", $"ApiKey {host.Key}"], host.Upstream.Arrived.Select(request => request.Headers["Authorization"]));
    }

    [Fact]
    public async Task A_token_ends_with_its_last_day()
    {
        var clock = new TurnedClock();
        await using var host = await BrokerHost.StartAsync(time: clock);
        var today = clock.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var token = await host.TokenAsync(FlowKind.Source, made => made with { ExpiresOn = today });
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync(token)).Status);

        clock.Advance(clock.GetUtcNow().UtcDateTime.Date.AddDays(1) - clock.GetUtcNow().UtcDateTime);

        Assert.Equal("token_invalid", (await host.ReadAsync(token)).Code);
    }

    /// <summary>A ReSci that reads nothing makes the client wait, not our memory grow.</summary>
    [Fact]
    public async Task Of_an_upload_that_ReSci_does_not_read_little_is_taken()
    {
        await using var host = await BrokerHost.StartAsync();
        var goOn = new TaskCompletionSource();
        host.Upstream.Before = _ => goOn.Task;
        var sent = new StrongBox<long>();
        var upload = host.WriteAsync(content: new Endless(256_000_000, sent));

        var before = -1L;
        await Until.TrueAsync(
            async () =>
            {
                var stood = before > 0 && Volatile.Read(ref sent.Value) == before;
                before = Volatile.Read(ref sent.Value);
                await Task.Delay(200, Cancellation);
                return stood && Volatile.Read(ref sent.Value) == before;
            },
            TimeSpan.FromSeconds(30));
        goOn.SetResult();

        Assert.InRange(before, 1, 32_000_000);
        Assert.Equal(HttpStatusCode.OK, (await upload).Status);
        Assert.Equal(256_000_000, Assert.Single(host.Upstream.Arrived).Length);
    }

    /// <summary>A body that tells how much of it was taken.</summary>
    private sealed class Endless(long length, StrongBox<long> sent) : HttpContent
    {
        private static readonly byte[] Piece = new byte[64_000];

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (; sent.Value < length; Volatile.Write(ref sent.Value, sent.Value + Piece.Length))
            {
                await stream.WriteAsync(Piece);
            }
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length;
            return true;
        }
    }
}
