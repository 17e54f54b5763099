using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Rotation;

public sealed class ReportingALeakedKey(RotatingServer server) : IClassFixture<RotatingServer>
{
    [Fact]
    public async Task Names_what_uses_the_credential_and_what_did_until_it_took_another_one()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        var other = await server.Vault.AddAsync("Other");
        var stays = await AddFlowAsync(rotating.Id, "Stays");
        var leaves = await AddFlowAsync(rotating.Id, "Leaves");
        await Flows.ChangeCredentialAsync(server.Vault.Owner, FlowKind.Destination, leaves, revision: 1, other, TestContext.Current.CancellationToken);

        var report = await ReportAsync(rotating.Id, default);

        Assert.Equal(["Stays"], report.Uses.Seen.Select(use => use.Name));
        Assert.Contains(report.Entries, entry => (entry.Event, entry.Fields) == ("begin_use", $"destination {stays}"));
        Assert.Contains(report.Entries, entry => (entry.Event, entry.Fields) == ("end_use", $"destination {leaves}"));
        Assert.Contains($"let destination {leaves} use another credential", report.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaves_out_what_was_done_before_the_time_that_was_chosen()
    {
        var rotating = await Rotating.StartAsync(server.Vault);

        Assert.Empty((await ReportAsync(rotating.Id, DateTimeOffset.UtcNow.AddMinutes(1))).Entries);
    }

    [Fact]
    public async Task Keeps_a_name_on_one_line_of_the_text()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await AddFlowAsync(rotating.Id, "Two\u2028lines");

        Assert.Contains(": Two lines (", (await ReportAsync(rotating.Id, default)).ToText(), StringComparison.Ordinal);
    }

    private FlowService Flows => server.Vault.Server.Service<FlowService>();

    private async Task<int> AddFlowAsync(int credential, string name) => Assert.IsType<FlowOutcome.Done>(await Flows.CreateAsync(
        server.Vault.Owner,
        new NewFlow(FlowKind.Destination, name, null, "create_import_job", credential, Guid.NewGuid()),
        TestContext.Current.CancellationToken)).Id;

    private async Task<KeyUseReport> ReportAsync(int id, DateTimeOffset since) =>
        (await server.Vault.Server.Service<KeyUseReports>().ReportAsync(server.Vault.Owner, id, null, null, since, TestContext.Current.CancellationToken)).ValueOrDefault!;
}
