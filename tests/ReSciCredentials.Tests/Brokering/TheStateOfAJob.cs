using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Broker;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A destination's token sends an import and then wants to know how it goes.</summary>
public sealed class TheStateOfAJob
{
    private const string SwitchedOn = "--Broker:AssumedCalls:0=get_import_job";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Is_told_to_the_token_that_made_the_job()
    {
        await using var host = await StartAsync();
        var (made, state) = (await MakeAsync(host, """{"id":7,"status":"queued"}"""), await AskAsync(host, "7"));

        Assert.Equal((HttpStatusCode.OK, """{"id":7,"status":"queued"}"""), (made.Status, made.Body));
        Assert.Equal((HttpStatusCode.OK, null, """{"id":7}"""), (state.Status, state.Code, state.Body));
        Assert.Equal(("GET", "/v3/import_jobs/7"), (host.Upstream.Arrived.Last().Method, host.Upstream.Arrived.Last().Target));
    }

    [Fact]
    public async Task Of_any_other_job_is_answered_as_that_of_none_and_ReSci_is_not_asked()
    {
        await using var host = await StartAsync();
        var other = await host.TokenAsync(FlowKind.Destination);
        await MakeAsync(host, """{"id":7}""");
        host.Upstream.Clear();

        Answered[] answers = [await AskAsync(host, "7", other), await AskAsync(host, "8"), await AskAsync(host, "07"), await AskAsync(host, "no-such-job")];

        Assert.All(answers, answer => Assert.Equal((404, "no_such_job", answers[0].Body), ((int)answer.Status, answer.Code, answer.Body)));
        Assert.Empty(host.Upstream.Arrived);
    }

    [Fact]
    public async Task Is_nobodys_while_the_call_is_off_and_nothing_is_remembered()
    {
        await using var host = await BrokerHost.StartAsync();
        await MakeAsync(host, """{"id":7}""");
        host.Upstream.Clear();

        var answer = await AskAsync(host, "7");

        Assert.Equal((404, "no_such_endpoint"), ((int)answer.Status, answer.Code));
        Assert.Empty(host.Upstream.Arrived);
        await using var storage = await host.Server.StorageAsync();
        Assert.Empty(storage.BrokerJobs);
    }

    [Fact]
    public async Task Is_told_after_a_restart()
    {
        await using var host = await StartAsync();
        await MakeAsync(host, """{"id":"job-7_a"}""");

        await host.RestartAsync();

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "job-7_a")).Status);
        Assert.Equal("no_such_job", (await AskAsync(host, "job-8")).Code);
    }

    [Fact]
    public async Task Is_told_to_the_token_that_came_in_the_place_of_the_one_that_made_it_and_not_the_other_way_round()
    {
        await using var host = await StartAsync();
        await MakeAsync(host, """{"id":7}""");
        var old = await host.IdOfAsync(host.WriteToken);
        var rotated = Assert.IsType<TokenOutcome.Made>(
            await host.Tokens.RotateAsync(host.Owner, old, TimeSpan.FromHours(1), Guid.NewGuid(), Cancellation)).Token;
        await MakeAsync(host, """{"id":8}""", rotated);

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "7", rotated)).Status);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "8", rotated)).Status);
        Assert.Equal("no_such_job", (await AskAsync(host, "8")).Code);
    }

    [Fact]
    public async Task Of_every_job_is_told_to_a_source()
    {
        await using var host = await StartAsync();

        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "4711", host.ReadToken)).Status);
    }

    [Fact]
    public async Task Is_told_of_the_newest_jobs_only()
    {
        await using var host = await StartAsync();
        await MakeAsync(host, """{"id":"first"}""");
        var token = await host.IdOfAsync(host.WriteToken);
        await host.Server.Directory.SqlAsync(
            $"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MadeJobs.MostKept}) INSERT INTO broker_jobs (TokenId, JobId, At) SELECT {token}, 'j' || i, 0 FROM n");

        await MakeAsync(host, """{"id":"last"}""");

        Assert.Equal("no_such_job", (await AskAsync(host, "first")).Code);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "last")).Status);
        await using var storage = await host.Server.StorageAsync();
        Assert.Equal(MadeJobs.MostKept, await storage.BrokerJobs.CountAsync(Cancellation));
    }

    [Fact]
    public async Task Is_not_worth_the_answer_when_it_cannot_be_remembered()
    {
        await using var host = await StartAsync();
        await host.Server.Directory.SqlAsync("CREATE TRIGGER no_jobs BEFORE INSERT ON broker_jobs BEGIN SELECT RAISE(ABORT, 'no'); END");

        var made = await MakeAsync(host, """{"id":7}""");

        Assert.Equal((HttpStatusCode.OK, """{"id":7}"""), (made.Status, made.Body));
        Assert.Equal("no_such_job", (await AskAsync(host, "7")).Code);
    }

    [Fact]
    public async Task Is_told_when_the_answer_came_in_pieces_and_was_long()
    {
        await using var host = await StartAsync();
        var rest = new string('x', 300_000);
        host.Upstream.Answer = async context =>
        {
            await context.Response.WriteAsync("{\"status\":\"queued\",\"i");
            await context.Response.Body.FlushAsync();
            await context.Response.WriteAsync($"d\":7,\"rest\":\"{rest}\"}}");
        };
        var made = await host.WriteAsync();
        host.Upstream.Answer = context => context.Response.WriteAsync("{}");

        Assert.Equal($$"""{"status":"queued","id":7,"rest":"{{rest}}"}""", made.Body);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, "7")).Status);
    }

    [Theory]
    [InlineData("""{"id":7}""", "7")]
    [InlineData("""{"import_job":{"id":"a-7"},"user":{"id":1}}""", "a-7")]
    [InlineData("""{"data":{"job_id":"a"},"id":7}""", "7")]
    [InlineData("""{"import_job_id":12,"more":""", "12")]
    [InlineData("""{"user":{"id":1},"status":"queued"}""", null)]
    [InlineData("""{"import_job":{"user":{"id":1}}}""", null)]
    [InlineData("""{"id":"a/../b"}""", null)]
    [InlineData("""{"id":"\u0061"}""", null)]
    [InlineData("""{"id":-1.5}""", null)]
    [InlineData("""{"id":null}""", null)]
    [InlineData("""[{"id":7}]""", null)]
    [InlineData("7", null)]
    [InlineData("", null)]
    [InlineData("<html>", null)]
    public void Is_asked_for_by_an_id_that_the_answer_gives_clearly(string answer, string? id) =>
        Assert.Equal(id, MadeJobAnswer.IdIn(Encoding.UTF8.GetBytes(answer)));

    private static async Task<BrokerHost> StartAsync()
    {
        var host = await BrokerHost.StartAsync(settings: SwitchedOn);
        host.Upstream.Answer = context => context.Response.WriteAsync($$"""{"id":{{context.Request.Path.Value!.Split('/')[^1]}}}""");
        return host;
    }

    /// <summary>Makes a job, to which ReSci answers that.</summary>
    private static async Task<Answered> MakeAsync(BrokerHost host, string answer, string? token = null)
    {
        var before = host.Upstream.Answer;
        host.Upstream.Answer = context => context.Response.WriteAsync(answer);
        var made = await host.WriteAsync(token);
        host.Upstream.Answer = before;
        return made;
    }

    private static Task<Answered> AskAsync(BrokerHost host, string job, string? token = null) =>
        host.ReadAsync(token ?? host.WriteToken, $"{BrokerHost.Jobs}/{job}");
}
