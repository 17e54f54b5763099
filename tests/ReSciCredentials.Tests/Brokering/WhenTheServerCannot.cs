using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Broker;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>Sealed, stopping, too busy, without a record, or without a secure way to ReSci: each says so, and goes on by itself when it can.</summary>
public sealed class WhenTheServerCannot
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_sealed_server_says_so_forgets_the_keys_and_goes_on_when_it_is_open()
    {
        await using var host = await BrokerHost.StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync()).Status);
        var file = host.Server.Directory.KeyFile;

        File.Move(file, file + ".away");
        await Until.TrueAsync(async () => (await host.ReadAsync()).Code == "sealed", Limit);
        var answer = await host.ReadAsync();
        await Until.TrueAsync(() => Task.FromResult(host.Server.Service<OpenKeys>().Count == 0), Limit);
        File.Move(file + ".away", file);

        Is(answer, 503, "sealed");
        Assert.Equal("1", answer.Headers["Retry-After"]);
        await Until.TrueAsync(async () => (await host.ReadAsync()).Status == HttpStatusCode.OK, Limit);
    }

    [Fact]
    public async Task A_server_that_stops_takes_no_new_calls_and_ends_those_it_has()
    {
        await using var host = await BrokerHost.StartAsync();
        var (arrived, goOn) = Hold(host);
        var underWay = host.ReadAsync();
        await arrived;

        host.Server.Service<IHostApplicationLifetime>().StopApplication();
        var answer = await host.ReadAsync();
        goOn.SetResult();

        Is(answer, 503, "draining");
        Assert.Equal(HttpStatusCode.OK, (await underWay).Status);
    }

    [Fact]
    public async Task Too_many_at_once_are_refused_by_token_and_in_all_and_others_are_not_held_up()
    {
        await using var host = await BrokerHost.StartAsync(settings: ["--Broker:CallsAtOncePerToken=2", "--Broker:CallsAtOnce=4"]);
        var another = await host.TokenAsync(FlowKind.Source);
        var third = await host.TokenAsync(FlowKind.Source);
        var (_, goOn) = Hold(host);
        Task<Answered>[] held = [host.ReadAsync(), host.ReadAsync()];
        await Until.TrueAsync(() => Task.FromResult(host.Upstream.UnderWay == 2), Limit);

        var byToken = await host.ReadAsync();
        Task<Answered>[] others = [host.ReadAsync(another), host.ReadAsync(another)];
        await Until.TrueAsync(() => Task.FromResult(host.Upstream.UnderWay == 4), Limit);
        var inAll = await host.ReadAsync(third);
        goOn.SetResult();

        Is(byToken, 503, "busy");
        Is(inAll, 503, "busy");
        Assert.Equal("1", inAll.Headers["Retry-After"]);
        Assert.All(await Task.WhenAll([.. held, .. others]), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync(third)).Status);
    }

    [Fact]
    public async Task In_strict_mode_no_call_goes_out_that_cannot_be_recorded()
    {
        await using var host = await BrokerHost.StartAsync(settings: ["--Broker:Audit=strict"]);
        await host.Server.Directory.SqlAsync("CREATE TRIGGER no_calls BEFORE INSERT ON broker_calls BEGIN SELECT RAISE(ABORT, 'no'); END");

        var refused = await host.WriteAsync();
        Assert.Empty(host.Upstream.Arrived);
        await host.Server.Directory.SqlAsync("DROP TRIGGER no_calls");
        var recordedBefore = -1L;
        host.Upstream.Answer = async context =>
        {
            recordedBefore = (long)(await host.Server.Directory.SqlAsync("SELECT count(*) FROM broker_calls WHERE KeyUid IS NOT NULL AND Status = 0"))!;
            await context.Response.WriteAsync("{}");
        };
        var passed = await host.WriteAsync();

        Is(refused, 503, "audit_unavailable");
        Assert.Equal("1", refused.Headers["Retry-After"]);
        Assert.Equal((HttpStatusCode.OK, 1L), (passed.Status, recordedBefore));
        await host.Server.Service<Usage>().FlushAsync(Cancellation);
        await using var storage = await host.Server.StorageAsync();
        Assert.Equal([(503, "audit_unavailable"), (200, null)], storage.BrokerCalls.OrderBy(call => call.Id).AsEnumerable().Select(call => (call.Status, call.Code)));
    }

    /// <summary>The rows were there already and the sums not, when it failed.</summary>
    [Fact]
    public async Task Records_that_could_not_be_written_are_written_later_and_once()
    {
        await using var host = await BrokerHost.StartAsync();
        await host.Server.Directory.SqlAsync("CREATE TRIGGER no_hours BEFORE INSERT ON broker_hours BEGIN SELECT RAISE(ABORT, 'no'); END");
        await host.ReadAsync();
        await Assert.ThrowsAsync<UsageUnavailableException>(() => host.Server.Service<Usage>().FlushAsync(Cancellation));

        await host.Server.Directory.SqlAsync("DROP TRIGGER no_hours");
        await host.Server.Service<Usage>().FlushAsync(Cancellation);

        await using var storage = await host.Server.StorageAsync();
        Assert.Equal((1, 1L), (await storage.BrokerCalls.CountAsync(Cancellation), (await storage.BrokerHours.SingleAsync(Cancellation)).Calls));
    }

    [Fact]
    public async Task Whoever_tries_tokens_is_told_to_wait_and_whoever_has_one_is_not()
    {
        await using var host = await BrokerHost.StartAsync(settings: ["--Broker:WrongTokensPerMinute=3"]);
        var revoked = await host.TokenAsync(FlowKind.Source);
        await host.Tokens.RevokeAsync(host.Owner, await host.IdOfAsync(revoked), Cancellation);
        await host.ReadAsync();

        var answers = new[] { await host.ReadAsync(TokenText.Format.Create()), await host.ReadAsync("garbage"), await host.ReadAsync(revoked), await host.ReadAsync(TokenText.Format.Create()) };

        Assert.All(answers[..3], answer => Is(answer, 401, "token_invalid"));
        Is(answers[3], 429, "rate_limited");
        Assert.InRange(int.Parse(answers[3].Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture), 1, 60);
        Is(await host.ReadAsync(revoked), 429, "rate_limited");
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync()).Status);
        await host.Server.Service<Usage>().FlushAsync(Cancellation);
        await using var storage = await host.Server.StorageAsync();
        Assert.Equal(1, await storage.BrokerCalls.CountAsync(call => call.Status == 401, Cancellation));
    }

    [Fact]
    public async Task A_connection_that_is_not_secure_is_none()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var garbage = Task.Run(async () =>
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync(Cancellation);
                await client.GetStream().WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray(), Cancellation);
            }
        });
        await using var host = await BrokerHost.StartAsync(
            settings: [$"--ReSci:BaseAddress=https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/", "--ReSci:AllowedHosts:0=127.0.0.1"]);

        Is(await host.ReadAsync(), 502, "upstream_tls");
        Is(await host.WriteAsync(), 502, "upstream_tls");
        listener.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => garbage);
    }

    /// <summary>However many calls went wrong, and however, nothing of them is left.</summary>
    [Fact]
    public async Task Faults_leave_nothing_behind()
    {
        const int AtOnce = 8;
        await using var host = await BrokerHost.StartAsync(settings: [$"--Broker:CallsAtOncePerToken={AtOnce}", $"--Broker:CallsAtOnce={AtOnce}"]);
        var faults = 0;
        host.Upstream.Before = context =>
        {
            if (Interlocked.Increment(ref faults) % 5 == 0)
            {
                context.Abort();
            }

            return Task.CompletedTask;
        };
        host.Upstream.Answer = async context =>
        {
            switch (faults % 5)
            {
                case 1:
                    context.Response.StatusCode = 500;
                    break;
                case 2:
                    context.Response.Headers["X-Large"] = new string('x', 40_000);
                    break;
                case 3:
                    await context.Response.WriteAsync(new string('x', 100_000));
                    context.Abort();
                    break;
                case 4:
                    context.Response.Headers.Location = "/elsewhere";
                    context.Response.StatusCode = 302;
                    break;
            }
        };
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = AtOnce / 2 }, async (_, _) =>
        {
            try
            {
                Assert.NotEqual("busy", (await host.ReadAsync()).Code);
            }
            catch (HttpRequestException)
            {
                // Broken off.
            }
        });

        host.Upstream.Before = _ => Task.CompletedTask;
        host.Upstream.Answer = context => context.Response.WriteAsync("{}");
        Assert.All(await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => host.ReadAsync())), answer => Assert.Equal(HttpStatusCode.OK, answer.Status));
        await Until.TrueAsync(() => Task.FromResult(host.Upstream.OpenConnections <= AtOnce), Limit);
        Assert.InRange(host.Server.Service<OpenKeys>().Count, 0, 1);
    }

    private static (Task Arrived, TaskCompletionSource GoOn) Hold(BrokerHost host)
    {
        var (arrived, goOn) = (new TaskCompletionSource(), new TaskCompletionSource());
        host.Upstream.Before = _ =>
        {
            arrived.TrySetResult();
            return goOn.Task;
        };
        return (arrived.Task, goOn);
    }

    private static void Is(Answered answer, int status, string code) => Assert.Equal((status, code), ((int)answer.Status, answer.Code));
}
