using Bunit;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Rotation;

namespace ReSciCredentials.Tests.Components;

/// <summary>The panel alone, on the services of a real server.</summary>
public sealed class TheKeysOfACredential(RotatingServer server) : BunitContext, IClassFixture<RotatingServer>
{
    [Fact]
    public async Task Shows_the_one_in_use_and_no_decision_when_there_is_none()
    {
        var rotating = await Rotating.StartAsync(server.Vault);

        var panel = Show(rotating.Id);

        Assert.Equal(["The key in use"], panel.FindAll("h2").Select(heading => heading.TextContent));
        Assert.Empty(panel.FindAll("button"));
        Assert.Equal((await rotating.KeysAsync()).Current.Fingerprint, panel.Find("dd code").TextContent);
    }

    [Fact]
    public async Task Asks_before_it_promotes_and_says_what_will_happen()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        var panel = Show(rotating.Id);

        await Press(panel, "Promote");

        Assert.Contains("No source or destination uses this credential yet.", panel.Find("#keys-question").TextContent, StringComparison.Ordinal);
        Assert.Equal("A 1, waiting B", await rotating.StateAsync());

        await Press(panel, "Promote");

        panel.WaitForAssertion(() => Assert.Equal(["The key in use", "The key before"], panel.FindAll("h2").Select(heading => heading.TextContent)));
        Assert.Equal("B 2, before A", await rotating.StateAsync());
    }

    [Fact]
    public async Task Proposes_to_wipe_a_key_that_was_leaked()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        var panel = Show(rotating.Id, leaked: true);

        await Press(panel, "Promote");
        await Press(panel, "Promote");

        panel.WaitForAssertion(() => Assert.Single(panel.FindAll("h2")));
        Assert.Equal("B 2", await rotating.StateAsync());
    }

    [Fact]
    public async Task Rolls_back_when_asked_twice()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B', then: OldKey.Keep);
        var panel = Show(rotating.Id);

        await Press(panel, "Roll back");
        await Press(panel, "Roll back");

        panel.WaitForAssertion(() => Assert.Equal(["The key in use", "A new key is waiting"], panel.FindAll("h2").Select(heading => heading.TextContent)));
    }

    [Fact]
    public async Task Follows_what_somebody_else_does_and_takes_back_a_question_that_no_longer_stands()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        var panel = Show(rotating.Id);
        await rotating.ReplaceAsync('B');
        panel.WaitForAssertion(() => Assert.NotEmpty(panel.FindAll("#pending-key")));
        await Press(panel, "Drop");

        await rotating.PromoteAsync('B');

        panel.WaitForAssertion(() => Assert.Equal("Somebody else decided meanwhile", panel.Find(".notice .title").TextContent));
        Assert.Empty(panel.FindAll("#keys-question"));
    }

    [Fact]
    public async Task Tells_both_verdicts_of_a_test()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        var panel = Show(rotating.Id);

        await Press(panel, "Test");

        panel.WaitForAssertion(() => Assert.Equal("The new key: ReSci accepted this key.", panel.Find(".notice .title").TextContent));
        Assert.Contains("The key in use: ReSci accepted this key.", panel.Find(".notice").TextContent, StringComparison.Ordinal);
    }

    private IRenderedComponent<KeyPanel> Show(int id, bool leaked = false)
    {
        JSInterop.Mode = JSRuntimeMode.Loose;
        Services.AddSingleton(server.Vault.Rotation);
        Services.AddSingleton(server.Vault.Credentials);
        Services.AddSingleton(server.Vault.Server.Service<ChangeNotices>());
        Services.AddSingleton(server.Vault.Server.Service<StorageTrouble>());
        Services.AddSingleton(TimeProvider.System);
        Services.AddSingleton(provider => new CurrentPerson(
            new SignedIn(server.Vault.Owner), provider.GetRequiredService<NavigationManager>(), server.Vault.Server.Service<Sessions>()));
        SetRendererInfo(new RendererInfo("Server", isInteractive: true));
        var panel = Render<KeyPanel>(of => of.Add(p => p.CredentialId, id).Add(p => p.Leaked, leaked));
        panel.WaitForElement("#current-key");
        return panel;
    }

    private static Task Press(IRenderedComponent<KeyPanel> panel, string button) =>
        panel.FindAll("button").Single(candidate => candidate.TextContent == button).ClickAsync(new());

    private sealed class SignedIn(Person person) : AuthenticationStateProvider
    {
        public override Task<AuthenticationState> GetAuthenticationStateAsync() => Task.FromResult(new AuthenticationState(SessionClaims.For(person)));
    }
}
