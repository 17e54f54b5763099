using System.Net;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Brokering;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Permitting;

/// <summary>Pages and endpoints over HTTP, for a collaborator and for a stranger.</summary>
public sealed class WhatOthersAreAnswered : IAsyncLifetime
{
    private TestServer _server = null!;
    private Person _owner = null!;
    private Person _collaborator = null!;
    private Visitor _collaborating = null!;
    private Visitor _strange = null!;
    private int _credential;
    private int _source;

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        (_server, var visitor) = await TestServer.StartOwnedAsync();
        _owner = await _server.OwnerAsync();
        _credential = await visitor.AddCredentialAsync("Shop of Olga");
        var made = await _server.Service<FlowService>().CreateAsync(
            _owner, new NewFlow(FlowKind.Source, "Nightly orders", null, "list_import_jobs", _credential, Guid.NewGuid()), Now);
        _source = Assert.IsType<FlowOutcome.Done>(made).Id;
        (_collaborator, _collaborating) = await _server.AddPersonAsync("Carla");
        (_, _strange) = await _server.AddPersonAsync("Simon");
        foreach (var item in new[] { SharedItem.Credential(_credential), SharedItem.Of(FlowKind.Source, _source) })
        {
            await _server.Service<Sharing>().AddAsync(_owner, item, [new Grant(new PersonRef(_collaborator.Id, null), AccessRole.Collaborator)], Now);
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Shows_a_collaborator_no_button_that_would_be_refused()
    {
        var page = await _collaborating.GetAsync($"/credentials/{_credential}");

        Assert.Contains("Shop of Olga", page.Text, StringComparison.Ordinal);
        Assert.All(["Replace key</button>", "Delete</button>", "Copy</button>", "Save dates", "This key was leaked"], button => Assert.DoesNotContain(button, page.Text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/credentials/1")]
    [InlineData("/credentials/1?tab=access")]
    [InlineData("/credentials/1?tab=activity")]
    [InlineData("/sources/1")]
    [InlineData("/credentials/1/leaked")]
    [InlineData("/")]
    [InlineData("/credentials")]
    [InlineData("/sources/new/resci/authenticate?credential=1")]
    [InlineData("/sources/new/resci/configure?credential=1")]
    public async Task Shows_a_stranger_nothing_of_it(string path)
    {
        var page = await _strange.GetAsync(path);

        Assert.All(["Shop of Olga", "Nightly orders", "Olga"], text => Assert.DoesNotContain(text, page.Text, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Refuses_a_new_key_of_a_collaborator_in_words_and_one_of_a_stranger_as_if_there_were_nothing()
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await _collaborating.ReplaceKeyAsync(_credential, "sandbox-accepted-new")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _strange.ReplaceKeyAsync(_credential, "sandbox-accepted-new")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await _collaborating.GetAsync($"/credentials/{_credential}/replace")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _strange.GetAsync($"/credentials/{_credential}/replace")).Status);
    }

    [Fact]
    public async Task Makes_no_token_for_either()
    {
        Assert.Contains("\"forbidden\"", (await MakeTokenAsync(_collaborating)).Text, StringComparison.Ordinal);
        Assert.Contains("\"gone\"", (await MakeTokenAsync(_strange)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_nothing_of_a_key_that_somebody_else_stored_too()
    {
        var shared = await _server.Service<CredentialVault>().SaveAsync(
            _owner, new NewCredential("Twin", null, "sandbox-accepted-twin-0001", Guid.NewGuid(), Unverified: false, Same: true), Now);
        Assert.IsType<SaveOutcome.Saved>(shared);

        Assert.Equal("saved", (await _strange.SaveCredentialAsync("Mine", "sandbox-accepted-twin-0001")).Outcome);
    }

    private async Task<PageAnswer> MakeTokenAsync(Visitor visitor) => await visitor.PostAsync(
        "/access-tokens/make",
        ("__RequestVerificationToken", await visitor.AntiforgeryTokenAsync()),
        ("kind", "source"),
        ("flow", $"{_source}"),
        ("name", "Token"));
}

/// <summary>A program whose source uses a credential of somebody else.</summary>
public sealed class ATokenOfABorrowedCredential
{
    [Fact]
    public async Task Works_as_long_as_the_credential_is_shared_with_the_owner_of_the_source()
    {
        var now = TestContext.Current.CancellationToken;
        await using var host = await BrokerHost.StartAsync();
        var sharing = host.Server.Service<Sharing>();
        var item = SharedItem.Credential(host.Credential);
        var (bea, _) = await host.Server.AddPersonAsync("Bea");
        await sharing.AddAsync(host.Owner, item, [new Grant(new PersonRef(bea.Id, null), AccessRole.Collaborator)], now);
        var source = Assert.IsType<FlowOutcome.Done>(await host.Server.Service<FlowService>().CreateAsync(
            bea, new NewFlow(FlowKind.Source, "Bea's", null, "list_import_jobs", host.Credential, Guid.NewGuid()), now)).Id;
        var made = await host.Tokens.CreateAsync(bea, host.NewToken(FlowKind.Source) with { FlowId = source }, now);
        var token = Assert.IsType<ReSciCredentials.Broker.TokenOutcome.Made>(made).Token;
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync(token)).Status);

        await sharing.RemoveAsync(host.Owner, item, [new PersonRef(bea.Id, null)], now);
        var refused = await host.ReadAsync(token);
        Assert.Equal((HttpStatusCode.Forbidden, "not_allowed"), (refused.Status, refused.Code));
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync()).Status);

        await sharing.AddAsync(host.Owner, item, [new Grant(new PersonRef(bea.Id, null), AccessRole.Collaborator)], now);
        Assert.Equal(HttpStatusCode.OK, (await host.ReadAsync(token)).Status);
    }
}
