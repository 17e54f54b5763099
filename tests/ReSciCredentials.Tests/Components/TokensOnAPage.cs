using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Brokering;

namespace ReSciCredentials.Tests.Components;

/// <summary>The list of tokens alone, on the services of a real server.</summary>
public sealed class TokensOnAPage(ABroker broker) : BunitContext, IClassFixture<ABroker>
{
    private BrokerHost Host => broker.Host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Are_listed_with_how_they_begin_and_what_they_may_do()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        var token = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source, Addresses = "192.0.2.0/24", RequestsPerMinute = "60" });

        var row = Show(source).WaitForElement("li[id^=token-]").TextContent;

        Assert.Contains($"{token[..9]}…", row, StringComparison.Ordinal);
        Assert.DoesNotContain(token, row, StringComparison.Ordinal);
        Assert.Contains("only from 192.0.2.0/24 · at most 60 calls a minute", row, StringComparison.Ordinal);
        Assert.Contains("never expires", row, StringComparison.Ordinal);
        Assert.Contains("ACTIVE", row, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Are_revoked_when_asked_twice()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });
        var panel = Show(source);
        panel.WaitForElement("li[id^=token-]");

        await Press(panel, "Revoke");
        Assert.Contains("It was never used, so nothing should break.", panel.Find("#revoke-question").TextContent, StringComparison.Ordinal);
        Assert.Equal(AccessTokenState.Active, await StateAsync(source));
        await Press(panel, "Revoke it");

        panel.WaitForAssertion(() => Assert.Equal("“Nightly” is revoked", panel.Find(".notice .title").TextContent));
        Assert.Equal(AccessTokenState.Revoked, await StateAsync(source));
        Assert.Contains("Revoked and expired (1)", panel.Markup, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Take_back_the_question_about_one_that_somebody_else_revoked()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        var token = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });
        var panel = Show(source);
        panel.WaitForElement("li[id^=token-]");
        await Press(panel, "Revoke");

        await Host.Tokens.RevokeAsync(Host.Owner, await Host.IdOfAsync(token), Cancellation);

        panel.WaitForAssertion(() => Assert.Empty(panel.FindAll("#revoke-question")));
    }

    [Fact]
    public async Task Say_that_a_pause_stops_them()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });

        var panel = Show(source, paused: true);

        panel.WaitForAssertion(() => Assert.Equal("The source is paused, so no token works", panel.Find(".notice .title").TextContent));
        Assert.Contains("PAUSED", panel.Find("li[id^=token-]").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Have_examples_with_a_place_for_the_token_before_there_is_one() =>
        Assert.All(Show(Host.Source).FindAll("[data-snippet] code"), code => Assert.Contains(Snippets.Placeholder, code.TextContent, StringComparison.Ordinal));

    private async Task<AccessTokenState> StateAsync(int source) => (await Host.Tokens.ListAsync(Host.Owner, source, Cancellation)).Single().State;

    private IRenderedComponent<AccessTokensPanel> Show(int source, bool paused = false)
    {
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddSingleton(Host.Tokens);
        Services.AddSingleton(Options.Create(new ServerOptions()));
        Services.AddSingleton(Host.Server.Service<ChangeNotices>());
        Services.AddSingleton(Host.Server.Service<StorageTrouble>());
        Services.AddSingleton(TimeProvider.System);
        Services.AddSingleton(provider => new CurrentPerson(
            new SignedIn(Host.Owner), provider.GetRequiredService<NavigationManager>(), Host.Server.Service<Sessions>()));
        SetRendererInfo(new RendererInfo("Server", isInteractive: true));
        return Render<AccessTokensPanel>(of => of
            .Add(p => p.FlowId, source).Add(p => p.Kind, FlowKind.Source).Add(p => p.FlowName, "Orders").Add(p => p.Paused, paused).Add(p => p.MayChange, true));
    }

    private static Task Press(IRenderedComponent<AccessTokensPanel> panel, string button) =>
        panel.FindAll("button").Single(candidate => candidate.TextContent.Trim() == button).ClickAsync(new());

    private sealed class SignedIn(Person person) : AuthenticationStateProvider
    {
        public override Task<AuthenticationState> GetAuthenticationStateAsync() => Task.FromResult(new AuthenticationState(SessionClaims.For(person)));
    }
}

public sealed class CallsByHour : BunitContext
{
    private static readonly DateTimeOffset First = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Are_told_in_words_to_who_does_not_see_the_drawing() =>
        Assert.Equal("The last 3 hours: 1,210 calls, 3 with an error. Most in one hour: 1,200 calls, 1 hour ago.", Show((10, 2), (1200, 1), (0, 0)).Find("svg[role=img]").GetAttribute("aria-label"));

    [Fact]
    public void Say_that_there_were_none() => Assert.Equal("No calls in the last 2 hours.", Show((0, 0), (0, 0)).Find("svg[role=img]").GetAttribute("aria-label"));

    [Fact]
    public void Draw_errors_apart_from_what_went_well_and_never_too_small_to_be_seen()
    {
        var chart = Show((10, 10), (1200, 1), (0, 0));

        Assert.Equal(["failed", "well", "failed"], chart.FindAll("g path").Select(path => path.ClassName));
        // From 110 - 104 * 1199 / 1200 at least four up, beyond its true height of a tenth.
        Assert.Matches(@"^M[\d.]+ 6\.09V2\.09H", chart.FindAll("g path")[2].GetAttribute("d"));
    }

    [Fact]
    public void Need_no_inline_style() => Assert.Empty(Show((1, 1)).FindAll("[style]"));

    private IRenderedComponent<UsageChart> Show(params (long Calls, long Errors)[] hours) => Render<UsageChart>(of => of.Add(
        chart => chart.Hours, [.. hours.Select((hour, index) => new UsageHour(First.AddHours(index), hour.Calls, hour.Errors, 0, 0))]));
}

public sealed class WordsAboutTokens
{
    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(999, "999 bytes")]
    [InlineData(1_000, "1 KB")]
    [InlineData(1_250, "1.3 KB")]
    [InlineData(52_341, "52 KB")]
    [InlineData(2_000_000_000, "2 GB")]
    [InlineData(long.MaxValue, "9223372 TB")]
    public void Tell_a_size(long bytes, string words) => Assert.Equal(words, TokenWords.Size(bytes));

    [Theory]
    [InlineData("a", "only stream a")]
    [InlineData("a\nb", "only stream a or b")]
    [InlineData("a\nb\nc\nd\ne", "only stream a, b, c or 2 more")]
    public void Tell_a_list_by_its_first_entries(string streams, string words) =>
        Assert.Equal(words, Assert.Single(new AccessTokenView(1, "", "", AccessTokenState.Active, default, null, null, null, null, null, streams, null, null, 0).Limits()));

    [Theory]
    [InlineData("list_import_jobs", 200, null, "List Import Jobs", "200")]
    [InlineData(null, 401, "token_invalid", "GET", "401 token_invalid")]
    [InlineData(null, 404, "no_such_endpoint", "GET of something that is not passed on", "404 no_such_endpoint")]
    [InlineData("list_import_jobs", 499, null, "List Import Jobs", "the client left")]
    [InlineData("list_import_jobs", 0, null, "List Import Jobs", "under way")]
    public void Tell_a_call_and_what_came_of_it(string? endpoint, int status, string? code, string what, string outcome)
    {
        var call = new UsageCall(1, default, 1, "", "GET", endpoint, status, code, 0, 0, 0);

        Assert.Equal((what, outcome), (call.What(), call.Outcome()));
    }
}
