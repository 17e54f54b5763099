using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Saving;

public sealed class MakingASource : IAsyncLifetime
{
    private Vault _vault = null!;
    private int _credential;

    private FlowService Flows => _vault.Server.Service<FlowService>();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _vault = await Vault.StartAsync();
        _credential = await _vault.AddAsync("Production");
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task Makes_one_of_twenty_requests_that_are_the_same()
    {
        var source = Source();

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Flows.CreateAsync(_vault.Owner, source, Cancellation)));

        await using var storage = await _vault.Server.StorageAsync();
        Assert.Equal((1, 1), (outcomes.Distinct().Count(), await storage.Flows.CountAsync(Cancellation)));
    }

    [Fact]
    public async Task Refuses_a_credential_that_is_not_there()
    {
        var outcome = await Flows.CreateAsync(_vault.Owner, Source() with { CredentialId = 4711 }, Cancellation);

        Assert.Equal("credential", Assert.Single(Assert.IsType<FlowOutcome.Invalid>(outcome).Errors).Key);
    }

    [Fact]
    public async Task Refuses_the_endpoint_of_a_destination()
    {
        var outcome = await Flows.CreateAsync(_vault.Owner, Source() with { Endpoint = "create_import_job" }, Cancellation);

        Assert.Equal("endpoint", Assert.Single(Assert.IsType<FlowOutcome.Invalid>(outcome).Errors).Key);
    }

    [Fact]
    public async Task Keeps_it_from_whoever_does_not_own_it()
    {
        var id = await MakeAsync();
        var stranger = _vault.Owner with { Id = 4711 };

        Assert.Null(await Flows.FindAsync(stranger, FlowKind.Source, id, Cancellation));
        Assert.IsType<FlowOutcome.NotFound>(await Flows.SetStatusAsync(stranger, FlowKind.Source, id, FlowStatus.Paused, Cancellation));
    }

    [Fact]
    public async Task Answers_404_under_the_address_of_a_destination()
    {
        var id = await MakeAsync();
        using var owner = await _vault.Server.SignInAsync();

        using var answer = await owner.Http.GetAsync($"/destinations/{id}", Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task Pauses_once_however_often_it_is_asked()
    {
        var id = await MakeAsync();

        await Flows.SetStatusAsync(_vault.Owner, FlowKind.Source, id, FlowStatus.Paused, Cancellation);
        await Flows.SetStatusAsync(_vault.Owner, FlowKind.Source, id, FlowStatus.Paused, Cancellation);

        await using var storage = await _vault.Server.StorageAsync();
        Assert.Equal(1, await storage.AuditEntries.CountAsync(entry => entry.Event == "pause", Cancellation));
    }

    [Fact]
    public async Task Tells_of_a_change_that_somebody_else_made_meanwhile_and_changes_nothing()
    {
        var id = await MakeAsync();
        var other = await _vault.AddAsync("Other");
        var seen = await Flows.FindAsync(_vault.Owner, FlowKind.Source, id, Cancellation);
        await Flows.SetStatusAsync(_vault.Owner, FlowKind.Source, id, FlowStatus.Paused, Cancellation);

        var outcome = await Flows.ChangeCredentialAsync(_vault.Owner, FlowKind.Source, id, seen!.Revision, other, Cancellation);

        Assert.IsType<FlowOutcome.ChangedMeanwhile>(outcome);
        Assert.Equal(_credential, (await Flows.FindAsync(_vault.Owner, FlowKind.Source, id, Cancellation))!.CredentialId);
    }

    [Fact]
    public async Task Loses_no_change_of_many_at_once()
    {
        var id = await MakeAsync();
        var credentials = await Task.WhenAll(Enumerable.Range(0, 10).Select(number => _vault.AddAsync($"Credential {number}")));
        var seen = await Flows.FindAsync(_vault.Owner, FlowKind.Source, id, Cancellation);

        var outcomes = await Task.WhenAll(credentials.Select(credential =>
            Flows.ChangeCredentialAsync(_vault.Owner, FlowKind.Source, id, seen!.Revision, credential, Cancellation)));

        Assert.Single(outcomes.OfType<FlowOutcome.Done>());
        Assert.Equal(9, outcomes.OfType<FlowOutcome.ChangedMeanwhile>().Count());
    }

    private NewFlow Source() => new(FlowKind.Source, "Orders", null, "list_import_jobs", _credential, Guid.NewGuid());

    private async Task<int> MakeAsync() => Assert.IsType<FlowOutcome.Done>(await Flows.CreateAsync(_vault.Owner, Source(), Cancellation)).Id;
}
