using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Programs;

/// <summary>A server for programs, with the clock that goes by itself; tests that do not disturb each other share it.</summary>
public sealed class ProgramServer : IAsyncLifetime
{
    internal TestServer Server { get; private set; } = null!;

    internal Visitor Owner { get; private set; } = null!;

    public async ValueTask InitializeAsync() => (Server, Owner) = await TestServer.StartOwnedAsync(settings: TestServer.LogsEverything);

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

/// <summary>Programs exchange a service key for a token and call with that, as the SDK does.</summary>
public sealed class ComingInByServiceKey(ProgramServer shared) : IClassFixture<ProgramServer>
{
    private TestServer Server => shared.Server;

    [Fact]
    public async Task Asks_for_one_token_in_fifty_calls()
    {
        var program = await Server.NewProgramAsync();

        for (var call = 0; call < 50; call++)
        {
            await program.CallAsync("GET", "/users/current");
        }

        Assert.Equal(51, program.Calls.Count);
        Assert.Single(program.Calls, made => made.Call == "POST /token");
        Assert.All(program.Calls, made => Assert.Equal(HttpStatusCode.OK, made.Status));
    }

    [Fact]
    public async Task Tells_as_whom_the_program_acts()
    {
        var program = await Server.NewProgramAsync();

        var user = await program.CallAsync("GET", "/users/current");

        Assert.True(user.GetProperty("id").GetInt32() > 0);
        Assert.Equal(TestServer.OwnerName, user.GetProperty("full_name").GetString());
        Assert.Equal(TestServer.OwnerEmail, user.GetProperty("email").GetString());
        Assert.Equal(1, user.GetProperty("org").GetProperty("id").GetInt32());
        Assert.NotEmpty(user.GetProperty("org").GetProperty("name").GetString()!);
    }

    [Fact]
    public async Task Gets_all_that_the_sdk_reads_with_the_token()
    {
        var key = await Server.MakeServiceKeyAsync();

        var session = await SignInAsync($"Basic {key}");

        Assert.Equal("Bearer", session.GetProperty("token_type").GetString());
        // Well over the hour before which the SDK renews.
        Assert.Equal(86_400, session.GetProperty("expires_in").GetInt32());
        Assert.Equal(TestServer.OwnerEmail, session.GetProperty("user").GetProperty("email").GetString());
        Assert.Equal(1, session.GetProperty("org").GetProperty("id").GetInt32());
        Assert.True(session.GetProperty("org_membership").GetProperty("is_admin?").GetBoolean());
        Assert.False(session.GetProperty("org_membership").TryGetProperty("api_key", out _));
    }

    public static TheoryData<string> WrongKeys => new("rsk_wrong", "", "b3duZXI6cGFzc3dvcmQ=", ServiceKeys.Format.Create());

    [Theory]
    [MemberData(nameof(WrongKeys))]
    public async Task Is_told_that_the_service_key_is_wrong(string key)
    {
        using var program = new SdkProgram(Server.Address, key);

        var refused = await Assert.ThrowsAsync<SdkException>(() => program.CallAsync("GET", "/users/current"));

        Assert.Equal(SdkError.Authentication, refused.Error);
        Assert.StartsWith("This service key does not work", refused.Message, StringComparison.Ordinal);
        Assert.Equal(["POST /token"], program.Calls.Select(call => call.Call));
    }

    [Fact]
    public async Task Cannot_use_a_token_after_signing_out()
    {
        var program = await Server.NewProgramAsync();
        await program.CallAsync("GET", "/users/current");
        using var other = new SdkProgram(Server.Address, accessToken: program.AccessToken);

        await program.LogoutAsync();

        Assert.Equal(("POST /token/logout", HttpStatusCode.OK), program.Calls[^1]);
        var refused = await Assert.ThrowsAsync<SdkException>(() => other.CallAsync("GET", "/users/current"));
        Assert.Equal(SdkError.Authentication, refused.Error);
    }

    [Fact]
    public async Task Can_sign_out_without_having_signed_in()
    {
        using var program = new SdkProgram(Server.Address);

        await program.LogoutAsync();

        Assert.Equal(HttpStatusCode.OK, program.Calls.Single().Status);
    }

    [Fact]
    public async Task Ends_one_token_of_several()
    {
        var key = await Server.MakeServiceKeyAsync();
        using var first = new SdkProgram(Server.Address, key);
        using var second = new SdkProgram(Server.Address, key);
        await first.ObtainTokenAsync();
        await second.ObtainTokenAsync();

        await first.LogoutAsync();

        Assert.Equal(TestServer.OwnerEmail, (await second.CallAsync("GET", "/users/current")).GetProperty("email").GetString());
    }

    [Fact]
    public async Task Gets_a_token_each_of_fifty_times_at_once()
    {
        var key = await Server.MakeServiceKeyAsync();

        var sessions = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => SignInAsync($"Basic {key}")));

        Assert.Equal(50, sessions.Select(session => session.GetProperty("access_token").GetString()).Distinct().Count());
    }

    [Theory]
    [InlineData("GET", "/nexla-api/users/current")]
    [InlineData("POST", "/nexla-api/token")]
    public async Task Is_not_let_in_by_the_cookie_of_a_person(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var answer = await shared.Owner.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("application/json; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
    }

    [Fact]
    public async Task Opens_no_page_with_a_token()
    {
        var program = await Server.NewProgramAsync();
        await program.ObtainTokenAsync();
        using var http = new HttpClient { BaseAddress = Server.Address };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", program.AccessToken);

        using var answer = await http.GetAsync("/antiforgery-token", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic rsk_0")]
    [InlineData("Bearer rsat_00000000000000000000000000000000000000000000000000")]
    [InlineData("nonsense, and, more")]
    public async Task Is_refused_with_any_other_header_in_one_and_the_same_way(string authorization)
    {
        using var http = new HttpClient { BaseAddress = Server.Address };
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", authorization);

        using var answer = await http.GetAsync("/nexla-api/users/current", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("This call needs a valid access token.", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_kept_as_a_hash_and_never_logged()
    {
        var key = await Server.MakeServiceKeyAsync();
        using var program = new SdkProgram(Server.Address, key);
        await program.CallAsync("GET", "/users/current");
        var token = program.AccessToken!;
        await program.LogoutAsync();
        using var late = new SdkProgram(Server.Address, accessToken: token);
        await Assert.ThrowsAsync<SdkException>(() => late.CallAsync("GET", "/users/current"));

        var kept = string.Concat((await Server.Directory.ReadFilesAsync()).Values.Select(Encoding.Latin1.GetString));
        var logged = string.Join('\n', Server.Logs.GetSnapshot().Select(record => $"{record.Message} {record.Exception}"));

        Assert.All([key, token], secret =>
        {
            Assert.DoesNotContain(secret, kept, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, logged, StringComparison.Ordinal);
        });
        Assert.DoesNotContain(key, program.Answers, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Writes_down_by_which_service_key_something_was_done()
    {
        var owner = await Server.OwnerAsync();

        var program = new Person(owner.Id, owner.Name, owner.Email, owner.Role, Guid.NewGuid(), "", "", "Nightly import");

        Assert.Equal($"{TestServer.OwnerEmail} by Nightly import", program.Who);
        Assert.Equal(TestServer.OwnerEmail, owner.Who);
    }

    private async Task<JsonElement> SignInAsync(string authorization)
    {
        using var http = new HttpClient { BaseAddress = Server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/nexla-api/token");
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;
    }
}
