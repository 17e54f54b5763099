using System.Net;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Programs;

/// <summary>A service key may make twelve calls a minute here. The clock goes on only when a test turns it.</summary>
public sealed class AskingForTooMuch : IAsyncLifetime
{
    private readonly TurnedClock _clock = new();
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartWithOwnerAsync(
        time: _clock, settings: ["--ServiceKeys:RequestsPerMinute=12", "--ServiceKeys:WrongKeysPerMinute=12", "--ServiceKeys:LongestBody=4096"]);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Is_told_after_three_repeats_how_long_to_wait()
    {
        var program = await _server.NewProgramAsync();

        var refused = await Assert.ThrowsAsync<SdkException>(() => UseUpAsync(program));

        Assert.Equal(SdkError.RateLimit, refused.Error);
        Assert.InRange(refused.RetryAfter ?? 0, 1, 5);
        Assert.Equal(4, program.Calls.Count(call => call.Status is HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task Succeeds_after_exactly_the_time_it_was_told_to_wait()
    {
        var program = await _server.NewProgramAsync();
        await Assert.ThrowsAsync<SdkException>(() => UseUpAsync(program));
        program.Wait = wait =>
        {
            _clock.Advance(wait);
            return Task.CompletedTask;
        };

        await program.CallAsync("GET", "/users/current");

        Assert.Equal([HttpStatusCode.TooManyRequests, HttpStatusCode.OK], program.Calls.TakeLast(2).Select(call => call.Status));
    }

    [Fact]
    public async Task Does_not_slow_the_programs_with_other_service_keys()
    {
        var busy = await _server.NewProgramAsync();
        await Assert.ThrowsAsync<SdkException>(() => UseUpAsync(busy));

        var other = await _server.NewProgramAsync();

        await other.CallAsync("GET", "/users/current");
    }

    [Fact]
    public async Task Is_told_to_wait_after_many_wrong_service_keys()
    {
        var wrong = await UseUpWrongKeysAsync();

        Assert.Equal(SdkError.RateLimit, wrong.Error);
        Assert.InRange(wrong.RetryAfter ?? 0, 1, 5);
    }

    [Fact]
    public async Task Comes_in_with_a_right_service_key_however_many_wrong_ones_its_neighbours_try()
    {
        await UseUpWrongKeysAsync();
        var program = await _server.NewProgramAsync();

        await program.CallAsync("GET", "/users/current");

        Assert.All(program.Calls, call => Assert.Equal(HttpStatusCode.OK, call.Status));
    }

    [Fact]
    public async Task Is_refused_a_body_that_is_too_long()
    {
        var program = await _server.NewProgramAsync("admin");

        var refused = await Assert.ThrowsAsync<SdkException>(() => program.CallAsync("POST", "/token/logout", new string('x', 5000)));

        Assert.Equal((HttpStatusCode)413, refused.Status);
    }

    private static async Task UseUpAsync(SdkProgram program)
    {
        // One of them is spent on the token.
        for (var call = 0; call < 12; call++)
        {
            await program.CallAsync("GET", "/users/current");
        }
    }

    private async Task<SdkException> UseUpWrongKeysAsync()
    {
        using var program = new SdkProgram(_server.Address, ServiceKeys.Format.Create());
        for (var tries = 0; tries < 12; tries++)
        {
            await Assert.ThrowsAsync<SdkException>(program.ObtainTokenAsync);
        }

        return await Assert.ThrowsAsync<SdkException>(program.ObtainTokenAsync);
    }
}
