using System.Net;
using Microsoft.AspNetCore.StaticAssets;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

/// <summary>Every page, form and file of the server beside the API, taken from the server itself: without a session nothing answers but what must.</summary>
public sealed class PassingEveryDoor(PassingEveryDoor.SharedServer shared) : IClassFixture<PassingEveryDoor.SharedServer>
{
    /// <summary>What is open: where people come in, what monitors ask, and the pages that say what went wrong.</summary>
    private static readonly string[] Open = ["/sign-in", "/setup", "/session", "/health/live", "/health/ready", "/not-found", "/error"];

    /// <summary>The framework's own for pages that are live; it is the circuit that is guarded, by its origin and by who is signed in.</summary>
    private static readonly string[] OfTheFramework = ["/_blazor/initializers", "/_framework/blazor.web.js", "/_framework/opaque-redirect"];

    /// <summary>The description of the API is there for programs as for people.</summary>
    private const string Description = "GET /openapi/v1.json";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public Task Takes_a_session() => NothingOpensAsync(null);

    [Fact]
    public async Task Is_not_done_with_the_token_of_a_program()
    {
        var program = await shared.Server.NewProgramAsync("admin");
        await program.ObtainTokenAsync();

        await NothingOpensAsync($"Bearer {program.AccessToken}", Description);
    }

    [Fact]
    public async Task Takes_more_than_a_cookie_where_something_is_changed()
    {
        using var browser = await shared.Server.SignInAsync();
        List<string> unexpected = [];
        // Health answers every method alike, and changes nothing.
        foreach (var route in shared.Routes.Where(route =>
            route.Method is not ("GET" or "HEAD" or "OPTIONS") && !route.Pattern.StartsWith("/health/", StringComparison.Ordinal) && !IsOfTheFramework(route)))
        {
            var (status, _) = await shared.SendAsync(route, null, browser.Cookie);
            if ((int)status is >= 200 and < 300)
            {
                unexpected.Add($"{route.Name}: {(int)status}");
            }
        }

        Assert.True(unexpected.Count == 0, string.Join('\n', unexpected));
    }

    /// <param name="but">The one route that may open all the same.</param>
    private async Task NothingOpensAsync(string? authorization, string? but = null)
    {
        List<string> unexpected = [];
        foreach (var route in shared.Routes.Where(route => !Open.Contains(route.Pattern) && route.Name != but && !IsOfTheFramework(route)))
        {
            var (status, location) = await shared.SendAsync(route, authorization, null);
            var isRefused = status is HttpStatusCode.Unauthorized || (status is HttpStatusCode.Redirect or HttpStatusCode.SeeOther
                && location?.Contains("/sign-in", StringComparison.Ordinal) is true);
            // What comes for a circuit from elsewhere is refused before anybody asks who it is.
            if (!isRefused && !(status is HttpStatusCode.Forbidden && route.Pattern.StartsWith("/_blazor", StringComparison.Ordinal)))
            {
                unexpected.Add($"{route.Name}: {(int)status} {location}");
            }
        }

        Assert.Empty(unexpected);
    }

    private static bool IsOfTheFramework(Route route) =>
        OfTheFramework.Contains(route.Pattern) || route.Endpoint.Metadata.GetMetadata<StaticAssetDescriptor>() is not null;

    public sealed class SharedServer : IAsyncLifetime
    {
        private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false });

        internal TestServer Server { get; private set; } = null!;

        internal IReadOnlyList<Route> Routes { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Server = await TestServer.StartWithOwnerAsync();
            _http.BaseAddress = Server.Address;
            Routes = [.. Route.AllOf(Server).Where(route => !route.IsApi)];
        }

        public ValueTask DisposeAsync()
        {
            _http.Dispose();
            return Server.DisposeAsync();
        }

        internal async Task<(HttpStatusCode Status, string? Location)> SendAsync(Route route, string? authorization, string? cookie)
        {
            var address = route.AddressWith(parameter => route.Pattern.Contains($"{parameter}:guid", StringComparison.Ordinal) ? $"{Guid.Empty}" : "1");
            using var request = new HttpRequestMessage(new HttpMethod(route.Method), address);
            if (authorization is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", authorization);
            }

            if (cookie is not null)
            {
                request.Headers.TryAddWithoutValidation("Cookie", cookie);
            }

            if (route.Method is not ("GET" or "HEAD" or "OPTIONS"))
            {
                request.Content = new FormUrlEncodedContent([]);
            }

            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
            return (answer.StatusCode, answer.Headers.Location?.OriginalString);
        }
    }
}
