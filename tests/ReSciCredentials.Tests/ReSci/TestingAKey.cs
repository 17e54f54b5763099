using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ReSciCredentials.ReSci;
using ReSciSandbox;

namespace ReSciCredentials.Tests.ReSci;

/// <summary>The verdict table, row by row, against something that really listens.</summary>
public sealed class TestingAKey
{
    [Theory]
    [InlineData(SandboxKeys.Accepted, VerdictOutcome.Accepted, VerdictStep.Accepted, 200)]
    [InlineData(SandboxKeys.Refused, VerdictOutcome.Refused, VerdictStep.Refused, 401)]
    [InlineData(SandboxKeys.NotAllowed, VerdictOutcome.Refused, VerdictStep.NotAllowed, 403)]
    [InlineData(SandboxKeys.RateLimited, VerdictOutcome.CannotTell, VerdictStep.RateLimited, 429)]
    [InlineData(SandboxKeys.Failing, VerdictOutcome.CannotTell, VerdictStep.ServerError, 500)]
    [InlineData(SandboxKeys.Unavailable, VerdictOutcome.CannotTell, VerdictStep.ServerError, 503)]
    [InlineData(SandboxKeys.Slow, VerdictOutcome.CannotTell, VerdictStep.Timeout, null)]
    [InlineData(SandboxKeys.Garbage, VerdictOutcome.CannotTell, VerdictStep.OddAnswer, 200)]
    [InlineData(SandboxKeys.Empty, VerdictOutcome.CannotTell, VerdictStep.OddAnswer, 200)]
    [InlineData(SandboxKeys.Redirect, VerdictOutcome.CannotTell, VerdictStep.Redirect, 302)]
    [InlineData(SandboxKeys.Endless, VerdictOutcome.Accepted, VerdictStep.Accepted, 200)]
    public async Task Gives_the_verdict_for_each_sample_key(string key, VerdictOutcome outcome, VerdictStep step, int? status)
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address, Asking.Expecting(step));

        var verdict = await asking.ProbeAsync(key + "-1234567890");

        Assert.Equal((outcome, step, status), (verdict.Outcome, verdict.Step, verdict.HttpStatus));
    }

    [Theory]
    [InlineData(201, VerdictStep.Accepted)]
    [InlineData(301, VerdictStep.Redirect)]
    [InlineData(307, VerdictStep.Redirect)]
    [InlineData(400, VerdictStep.UnexpectedStatus)]
    [InlineData(404, VerdictStep.WrongAddress)]
    [InlineData(405, VerdictStep.WrongAddress)]
    [InlineData(407, VerdictStep.UnexpectedStatus)]
    [InlineData(408, VerdictStep.Timeout)]
    [InlineData(422, VerdictStep.UnexpectedStatus)]
    [InlineData(502, VerdictStep.ServerError)]
    [InlineData(504, VerdictStep.ServerError)]
    public async Task Gives_the_verdict_for_each_status(int status, VerdictStep step)
    {
        await using var server = new OddServer($"HTTP/1.1 {status} Status\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n[]");
        await using var asking = Asking.At(server);

        var verdict = await asking.ProbeAsync();

        Assert.Equal((step, status), (verdict.Step, verdict.HttpStatus));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[{\"id", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n{}{}{}", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\u001f\u008b", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("SSH-2.0-OpenSSH_9.2p1\r\n", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]", Ending.Closes, VerdictStep.Connection)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]", Ending.Resets, VerdictStep.Connection)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n[]", Ending.Closes, VerdictStep.OddAnswer)]
    [InlineData("", Ending.Closes, VerdictStep.Connection)]
    [InlineData("", Ending.Resets, VerdictStep.Connection)]
    [InlineData("", Ending.Hangs, VerdictStep.Timeout)]
    [InlineData("HTTP/1.1 200 OK\r\nX-Slow: ", Ending.Hangs, VerdictStep.Timeout)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[{\"id\":1},", Ending.Hangs, VerdictStep.Timeout)]
    [InlineData("HTTP/1.1 200 OK\r\nX-Slow: ", Ending.Drips, VerdictStep.Timeout)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[\"", Ending.Drips, VerdictStep.Timeout)]
    public async Task Gives_the_verdict_for_each_odd_answer(string answer, Ending ending, VerdictStep step)
    {
        await using var server = new OddServer(answer, ending);
        await using var asking = Asking.At(server, Asking.Expecting(step));

        var verdict = await asking.ProbeAsync();

        Assert.Equal((VerdictOutcome.CannotTell, step), (verdict.Outcome, verdict.Step));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nX-Huge: ")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")]
    public async Task Reads_little_of_an_answer_without_end(string answer)
    {
        await using var server = new OddServer(answer, Ending.Floods);
        await using var asking = Asking.At(server);

        var verdict = await asking.ProbeAsync();

        Assert.Equal(VerdictStep.OddAnswer, verdict.Step);
        // More than was read: the system's own buffers take some megabytes.
        Assert.InRange(server.Flooded, 0, OddServer.MostFlooded / 2);
    }

    [Fact]
    public async Task Cannot_tell_when_the_host_name_does_not_exist()
    {
        await using var asking = Asking.At(
            new Uri("https://nowhere.invalid/"), ("ReSci:AllowedHosts:0", "nowhere.invalid"));

        Assert.Equal(VerdictStep.Address, (await asking.ProbeAsync()).Step);
    }

    [Fact]
    public async Task Cannot_tell_when_nobody_listens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var asking = Asking.At(new Uri($"http://127.0.0.1:{port}"));

        Assert.Equal(VerdictStep.Connection, (await asking.ProbeAsync()).Step);
    }

    [Fact]
    public async Task Cannot_tell_when_the_port_does_not_speak_tls()
    {
        await using var server = new OddServer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        await using var asking = Asking.At(new Uri($"https://127.0.0.1:{server.Port}"), ("ReSci:AllowedHosts:0", "127.0.0.1"));

        Assert.Equal(VerdictStep.Tls, (await asking.ProbeAsync()).Step);
    }

    [Theory]
    [InlineData(SandboxMode.Down, VerdictStep.Connection)]
    [InlineData(SandboxMode.Slow, VerdictStep.Timeout)]
    [InlineData(SandboxMode.Garbage, VerdictStep.OddAnswer)]
    public async Task Accepts_the_key_again_once_ReSci_is_well(SandboxMode mode, VerdictStep expected)
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address, expected is VerdictStep.Timeout ? [("ReSci:Timeout", "00:00:05")] : []);

        sandbox.Mode = mode;
        var bad = await asking.ProbeAsync();
        sandbox.Mode = SandboxMode.Normal;
        var good = await asking.ProbeAsync();

        Assert.Equal((expected, VerdictStep.Accepted), (bad.Step, good.Step));
    }

    [Fact]
    public async Task Sends_the_key_in_one_header_of_one_request()
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address, ("ReSci:ProbePath", "v3/import_jobs"));

        await asking.ProbeAsync("sandbox-redirect-!#$%&'()*+,-./:;<=>?@[]^_`{|}~");

        var request = Assert.Single(sandbox.Received);
        Assert.Equal(
            ("GET", "/v3/import_jobs", "ApiKey sandbox-redirect-!#$%&'()*+,-./:;<=>?@[]^_`{|}~", 0),
            (request.Method, request.Path, request.Authorization, request.BodyLength));
    }

    [Fact]
    public async Task Counts_the_records()
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        Assert.Equal(10, (await asking.ProbeAsync()).Records);
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("999999999", 86_400)]
    [InlineData("soon", null)]
    public async Task Says_when_ReSci_wants_to_be_asked_again(string header, int? seconds)
    {
        await using var server = new OddServer($"HTTP/1.1 429 Slow Down\r\nRetry-After: {header}\r\nContent-Length: 0\r\n\r\n");
        await using var asking = Asking.At(server);

        Assert.Equal(seconds, (int?)(await asking.ProbeAsync()).RetryAfter?.TotalSeconds);
    }

    [Fact]
    public async Task Ends_when_the_caller_gives_up()
    {
        await using var server = new OddServer("", Ending.Hangs);
        await using var asking = Asking.At(server);
        using var caller = new CancellationTokenSource();
        var probe = asking.ProbeAsync("sandbox-accepted", caller.Token);

        await caller.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => probe);
    }

    [Theory]
    [InlineData(SandboxKeys.Echo)]
    [InlineData(SandboxKeys.Garbage)]
    [InlineData(SandboxKeys.Refused)]
    public async Task Logs_the_verdict_at_Trace_without_the_key_or_the_answer(string prefix)
    {
        await using var sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        await using var asking = Asking.At(sandbox.Address);

        var verdict = await asking.ProbeAsync(prefix + "-planted");

        Assert.Contains(asking.Log, line => line.Message.Contains(verdict.Step.ToString(), StringComparison.Ordinal));
        Assert.DoesNotContain(asking.Log, line =>
            $"{line.Message} {line.Exception} {string.Join(' ', line.StructuredState ?? [])}" is var text
            && (text.Contains("planted", StringComparison.OrdinalIgnoreCase) || text.Contains("html", StringComparison.OrdinalIgnoreCase)));
    }
}

public sealed class TheWordsOfAVerdict
{
    public static TheoryData<VerdictStep> Steps => [.. Enum.GetValues<VerdictStep>()];

    [Theory]
    [MemberData(nameof(Steps))]
    public void Can_be_said_again_from_what_was_stored(VerdictStep step)
    {
        var verdict = new Verdict(step, 499, TimeSpan.Zero);

        Assert.Equal(verdict.Title, Verdict.TitleOf(Verdict.StepFrom(step.ToString())!.Value, 499));
    }

    [Theory]
    [MemberData(nameof(Steps))]
    public void Say_that_nothing_was_learnt_about_the_key_exactly_when_that_is_so(VerdictStep step) =>
        Assert.Equal(
            Verdict.OutcomeOf(step) is VerdictOutcome.CannotTell,
            Verdict.AdviceOf(step).Contains("says nothing about", StringComparison.Ordinal));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("2")]
    [InlineData("SomethingOfALaterVersion")]
    public void Are_none_for_a_step_that_is_not_known(string? stored) => Assert.Null(Verdict.StepFrom(stored));

    [Theory]
    [InlineData("00:00:00.5", "a second")]
    [InlineData("00:00:30", "30 seconds")]
    [InlineData("00:10:00", "10 minutes")]
    [InlineData("1.00:00:00", "24 hours")]
    public void Tell_how_long_to_wait(string wait, string words) =>
        Assert.Contains(
            $"Try again in {words}.",
            Verdict.AdviceOf(VerdictStep.RateLimited, TimeSpan.Parse(wait, CultureInfo.InvariantCulture)),
            StringComparison.Ordinal);
}
