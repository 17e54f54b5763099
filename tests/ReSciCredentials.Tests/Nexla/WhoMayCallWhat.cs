using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>
/// Every route of the API, taken from the server itself, called by everybody who may not: without a token, with one that does not work, with too narrow a
/// scope, and on what belongs to somebody else. A route that is not in the table fails.
/// </summary>
public sealed class WhoMayCallWhat(WhoMayCallWhat.SharedServer shared) : IClassFixture<WhoMayCallWhat.SharedServer>
{
    /// <summary>Of things that no member may see, in every name: an answer with it says too much, whatever its status.</summary>
    private const string Mark = "Marked-7f3a";

    private static readonly object Renamed = new { name = "Mine" };
    private static readonly object Nothing = new { };
    private static readonly object NewKey = new { credentials = new { api_key = "sandbox-accepted-matrix" } };
    private static readonly object NewToken = new { name = "Mine" };

    /// <summary>What is sent, and what the two are answered who do not own what it is about. A body that is valid, so that nothing but the permission can refuse it.</summary>
    private static readonly Dictionary<string, Row> Table = new(StringComparer.Ordinal)
    {
        ["POST /token"] = new(null, 401, 401) { IsOpen = true },
        ["POST /token/logout"] = new(null, 200, 200) { IsOpen = true },
        ["GET /users/current"] = new(null, 200, 200),
        ["GET /users/{id:int}/audit_log"] = new(null, 404, 404),
        ["GET /orgs/{id:int}/audit_log"] = new(null, 403, 403),

        // What is sent is refused as it is, so that the two make nothing of their own.
        ["GET /data_credentials"] = new(null, 200, 200),
        ["POST /data_credentials"] = new(Nothing, 400, 400),
        ["POST /data_credentials/probe"] = new(Nothing, 400, 400),
        ["GET /data_sources"] = new(null, 200, 200),
        ["POST /data_sources"] = new(Nothing, 400, 400),
        ["GET /data_sinks"] = new(null, 200, 200),
        ["POST /data_sinks"] = new(Nothing, 400, 400),

        ["GET /data_credentials/{id:int}"] = new(null, 404, 200),
        ["PUT /data_credentials/{id:int}"] = new(Renamed, 404, 403),
        ["PATCH /data_credentials/{id:int}"] = new(Renamed, 404, 403),
        ["DELETE /data_credentials/{id:int}"] = new(null, 404, 403),
        ["POST /data_credentials/{id:int}/copy"] = new(Nothing, 404, 403),
        ["GET /data_credentials/{id:int}/probe"] = new(null, 404, 403) { Operator = 200 },
        ["GET /data_credentials/{id:int}/probe/authenticate"] = new(null, 404, 403) { Operator = 200 },
        ["POST /data_credentials/{id:int}/probe/tree"] = new(Nothing, 404, 403) { Operator = 200 },
        ["POST /data_credentials/{id:int}/probe/sample"] = new(Nothing, 404, 403) { Operator = 200 },
        ["GET /data_credentials/{id:int}/keys"] = new(null, 404, 200),
        ["POST /data_credentials/{id:int}/pending_key"] = new(NewKey, 404, 403),
        ["POST /data_credentials/{id:int}/pending_key/probe"] = new(Nothing, 404, 403) { Operator = 200 },
        ["POST /data_credentials/{id:int}/pending_key/promote"] = new(Nothing, 404, 403),
        ["DELETE /data_credentials/{id:int}/pending_key"] = new(null, 404, 403),
        ["POST /data_credentials/{id:int}/previous_key/roll_back"] = new(Nothing, 404, 403),
        ["DELETE /data_credentials/{id:int}/previous_key"] = new(null, 404, 403),
        ["GET /data_credentials/{id:int}/audit_log"] = new(null, 404, 403),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    static WhoMayCallWhat()
    {
        foreach (var flow in new[] { "data_sources", "data_sinks" })
        {
            Table.Add($"GET /{flow}/{{id:int}}", new(null, 404, 200));
            Table.Add($"PUT /{flow}/{{id:int}}", new(Renamed, 404, 403));
            Table.Add($"PATCH /{flow}/{{id:int}}", new(Renamed, 404, 403));
            Table.Add($"DELETE /{flow}/{{id:int}}", new(null, 404, 403));
            Table.Add($"POST /{flow}/{{id:int}}/copy", new(Nothing, 404, 403));
            Table.Add($"PUT /{flow}/{{id:int}}/activate", new(null, 404, 403) { Operator = 200 });
            Table.Add($"PUT /{flow}/{{id:int}}/pause", new(null, 404, 403) { Operator = 200 });
            Table.Add($"GET /{flow}/{{id:int}}/audit_log", new(null, 404, 403));
            Table.Add($"GET /{flow}/{{id:int}}/access_tokens", new(null, 404, 200));
            Table.Add($"POST /{flow}/{{id:int}}/access_tokens", new(NewToken, 404, 403));
            Table.Add($"DELETE /{flow}/{{id:int}}/access_tokens/{{token:int}}", new(null, 404, 403));
            Table.Add($"POST /{flow}/{{id:int}}/access_tokens/{{token:int}}/rotate", new(Nothing, 404, 403));
        }

        foreach (var collection in new[] { "data_credentials", "data_sources", "data_sinks" })
        {
            var others = new { accessors = new[] { new { type = "USER", email = TestServer.OwnerEmail, access_roles = new[] { "admin" } } } };
            Table.Add($"GET /{collection}/{{id:int}}/accessors", new(null, 404, 200));
            Table.Add($"PUT /{collection}/{{id:int}}/accessors", new(others, 404, 403) { WantsAdmin = true });
            Table.Add($"POST /{collection}/{{id:int}}/accessors", new(others, 404, 403) { WantsAdmin = true });
            Table.Add($"DELETE /{collection}/{{id:int}}/accessors", new(others, 404, 403) { WantsAdmin = true });
        }

        foreach (var method in new[] { "GET", "POST", "PUT", "PATCH", "DELETE" })
        {
            Table.Add($"{method} /{{**path}}", new(null, 501, 501));
        }
    }

    [Fact]
    public void Is_said_for_every_route_and_for_no_other() =>
        Assert.Equal(Table.Keys.Order(StringComparer.Ordinal), shared.Routes.Select(route => route.Name).Order(StringComparer.Ordinal));

    [Fact]
    public Task Is_nothing_without_a_token() => NothingOpensAsync(null);

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer nonsense")]
    [InlineData("Bearer rca_0000000000000000000000000000000000000000000000")]
    [InlineData("Basic bm9ib2R5Om5vdGhpbmc=")]
    [InlineData("Digest username=\"owner\"")]
    public Task Is_nothing_with_a_token_that_was_never_made(string authorization) => NothingOpensAsync(authorization);

    [Fact]
    public async Task Is_nothing_with_the_service_key_in_the_place_of_a_token() =>
        await NothingOpensAsync($"Bearer {await shared.Server.MakeServiceKeyAsync("admin", name: Guid.NewGuid().ToString())}");

    [Fact]
    public async Task Is_nothing_with_a_token_that_expired()
    {
        var token = await shared.TokenAsync("admin");

        shared.Server.Time.Advance(ApiTokens.Lifetime + TimeSpan.FromSeconds(1));

        await NothingOpensAsync($"Bearer {token}");
    }

    [Fact]
    public async Task Is_nothing_when_the_service_key_was_revoked()
    {
        var token = await shared.TokenAsync("admin", name: "To be revoked");
        Assert.Equal(HttpStatusCode.OK, (await shared.SendAsync("GET", "/nexla-api/users/current", null, $"Bearer {token}")).Status);
        var owner = shared.Owner;
        var key = await shared.Server.WithAsync<ServiceKeys, int>(async keys =>
            (await keys.ListAsync(owner, Cancellation)).First(row => row.Name == "To be revoked").Id);

        await shared.Server.WithAsync<ServiceKeys, ServiceKeyOutcome>(keys => keys.RevokeAsync(owner, key, Cancellation));

        await NothingOpensAsync($"Bearer {token}");
    }

    [Fact]
    public async Task Is_nothing_with_the_cookie_of_somebody_who_is_signed_in()
    {
        using var browser = await shared.Server.SignInAsync();

        await NothingOpensAsync(null, browser.Cookie);
    }

    [Fact]
    public async Task Is_looking_alone_with_the_scope_read()
    {
        var token = await shared.TokenAsync("read");

        await ExpectAsync(token, (route, row) => row.IsOpen ? null : route.Method != "GET" ? 403 : route.Pattern == "/{**path}" ? 501 : 200);
    }

    [Fact]
    public async Task Is_sharing_with_the_scope_admin_alone()
    {
        var token = await shared.TokenAsync("write");

        await ExpectAsync(token, (_, row) => row.WantsAdmin ? 403 : null);
    }

    [Fact]
    public async Task Is_as_if_it_did_not_exist_for_a_stranger() =>
        await ExpectAsync(await shared.TokenAsync("admin", shared.Stranger.Email), (_, row) => row.Stranger, mayShowMark: false);

    [Fact]
    public async Task Is_looking_for_a_collaborator() =>
        await ExpectAsync(await shared.TokenAsync("admin", shared.Collaborator.Email), (_, row) => row.Collaborator);

    /// <summary>Activating, pausing and testing: what changes nothing of it.</summary>
    [Fact]
    public async Task Is_running_it_beside_looking_for_an_operator() =>
        await ExpectAsync(await shared.TokenAsync("admin", shared.Operator.Email), (_, row) => row.Operator ?? row.Collaborator);

    private async Task NothingOpensAsync(string? authorization, string? cookie = null)
    {
        List<string> unexpected = [];
        foreach (var route in shared.Routes)
        {
            var row = Table[route.Name];
            var answer = await shared.SendAsync(route.Method, shared.AddressOf(route), row.Body, authorization, cookie);
            var expected = route.Name == "POST /token/logout" ? HttpStatusCode.OK : HttpStatusCode.Unauthorized;
            if (answer.Status != expected || answer.Text.Contains(Mark, StringComparison.Ordinal))
            {
                unexpected.Add($"{route.Name}: {(int)answer.Status} {answer.Text}");
            }
        }

        Assert.Empty(unexpected);
    }

    /// <param name="expected">The status; null when this route is not asked.</param>
    private async Task ExpectAsync(string token, Func<Route, Row, int?> expected, bool mayShowMark = true)
    {
        List<string> unexpected = [];
        // Signing out comes last: it ends the token.
        foreach (var route in shared.Routes.OrderBy(route => route.Pattern == "/token/logout"))
        {
            var row = Table[route.Name];
            if (expected(route, row) is not { } status)
            {
                continue;
            }

            var answer = await shared.SendAsync(
                route.Method, shared.AddressOf(route), row.Body, $"Bearer {token}");
            if ((int)answer.Status != status || (!mayShowMark && answer.Text.Contains(Mark, StringComparison.Ordinal)))
            {
                unexpected.Add($"{route.Name}: {(int)answer.Status}, not {status}: {answer.Text}");
            }
        }

        Assert.Empty(unexpected);
    }

    /// <param name="Body">What is sent; null for an empty body.</param>
    /// <param name="Stranger">The status for a member with whom nothing is shared.</param>
    /// <param name="Collaborator">The status for a member who is a collaborator of all there is.</param>
    private sealed record Row(object? Body, int Stranger, int Collaborator)
    {
        /// <summary>Asks for no token: it is where one comes from, and goes.</summary>
        public bool IsOpen { get; init; }

        /// <summary>The status for a member who is an operator of all there is; null when it is the collaborator's.</summary>
        public int? Operator { get; init; }

        /// <summary>Asks for the scope admin.</summary>
        public bool WantsAdmin { get; init; }
    }

    /// <summary>One of everything, the owner's, with every key in its place; a stranger, a collaborator, and an operator.</summary>
    public sealed class SharedServer : IAsyncLifetime
    {
        private readonly Dictionary<string, int> _ids = [];
        private readonly Dictionary<string, int> _tokens = [];
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false });

        internal TestServer Server { get; private set; } = null!;

        internal IReadOnlyList<Route> Routes { get; private set; } = null!;

        internal Person Owner { get; private set; } = null!;

        internal Person Stranger { get; private set; } = null!;

        internal Person Collaborator { get; private set; } = null!;

        internal Person Operator { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            // The clock stands, so that all calls fall into one minute; and many of them are wrong.
            Server = await TestServer.StartWithOwnerAsync(
                time: new TurnedClock(), settings: ["--ServiceKeys:RequestsPerMinute=100000", "--ServiceKeys:WrongKeysPerMinute=10000"]);
            await Server.StartSessionAsync();
            Owner = await Server.OwnerAsync();
            (Stranger, _) = await Server.AddPersonAsync("Sam Stranger");
            (Collaborator, _) = await Server.AddPersonAsync("Cora Collaborator");
            (Operator, _) = await Server.AddPersonAsync("Otto Operator");
            Routes = [.. Route.AllOf(Server).Where(route => route.IsApi)];
            _http.BaseAddress = Server.Address;

            var program = await Server.NewProgramAsync("admin");
            object Key() => new { api_key = NexlaServer.NewKey() };
            var credential = SdkModels.IdOf(await program.CallAsync(
                "POST", "/data_credentials", new { name = $"{Mark} credential", credentials_type = "resci", credentials = Key() }));
            await program.CallAsync("POST", $"/data_credentials/{credential}/pending_key", new { credentials = Key(), promote = true });
            await program.CallAsync("POST", $"/data_credentials/{credential}/pending_key", new { credentials = Key() });
            _ids.Add("data_credentials", credential);
            _ids.Add("data_sources", SdkModels.IdOf(await program.CallAsync(
                "POST", "/data_sources", new { name = $"{Mark} source", source_type = "rest", data_credentials_id = credential })));
            _ids.Add("data_sinks", SdkModels.IdOf(await program.CallAsync(
                "POST", "/data_sinks", new { name = $"{Mark} sink", sink_type = "rest", data_credentials_id = credential, data_set_id = 1 })));
            _ids.Add("users", Owner.Id);
            _ids.Add("orgs", 1);
            foreach (var flow in new[] { "data_sources", "data_sinks" })
            {
                _tokens.Add(flow, SdkModels.IdOf(await program.CallAsync("POST", $"/{flow}/{_ids[flow]}/access_tokens", new { name = $"{Mark} token" })));
            }

            foreach (var collection in new[] { "data_credentials", "data_sources", "data_sinks" })
            {
                await program.CallAsync(
                    "PUT", $"/{collection}/{_ids[collection]}/accessors", new
                    {
                        accessors = new[]
                        {
                            new { type = "user", id = Collaborator.Id, access_role = "collaborator" },
                            new { type = "user", id = Operator.Id, access_role = "operator" },
                        },
                    });
            }
        }

        public ValueTask DisposeAsync()
        {
            _http.Dispose();
            return Server.DisposeAsync();
        }

        internal string AddressOf(Route route) => route.AddressWith(parameter => parameter switch
        {
            "id" => $"{_ids[route.Collection]}",
            "token" => $"{_tokens[route.Collection]}",
            _ => "data_flows",
        });

        /// <summary>A fresh token of a service key that is made for it.</summary>
        internal async Task<string> TokenAsync(string scope, string owner = TestServer.OwnerEmail, string? name = null)
        {
            using var program = new SdkProgram(Server.Address, await Server.MakeServiceKeyAsync(scope, owner: owner, name: name ?? Guid.NewGuid().ToString()));
            await program.ObtainTokenAsync();
            return program.AccessToken!;
        }

        internal async Task<(HttpStatusCode Status, string Text)> SendAsync(
            string method, string address, object? body, string? authorization, string? cookie = null)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), address);
            if (authorization is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            }

            if (cookie is not null)
            {
                request.Headers.TryAddWithoutValidation("Cookie", cookie);
            }

            if (method is not "GET")
            {
                request.Content = new StringContent(
                    body is null ? "" : JsonSerializer.Serialize(body), Encoding.UTF8, new MediaTypeHeaderValue(ApiAnswer.MediaType));
            }

            using var answer = await _http.SendAsync(request, Cancellation);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        }
    }
}
