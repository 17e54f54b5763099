using ReSciCredentials.Audit;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Auditing;

/// <summary>Entries go when their time is over; what stays is as well sealed as before.</summary>
public sealed class KeepingItForATime : IAsyncLifetime
{
    private readonly TurnedClock _time = new();
    private Vault _vault = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private AuditVerifier Verifier => _vault.Server.Service<AuditVerifier>();

    public async ValueTask InitializeAsync()
    {
        _vault = await Vault.StartAsync(directory: null, _time, "--Audit:KeptDays=10", "--Checks:Enabled=false");
        await _vault.AddAsync("Old");
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task Removes_what_is_older_by_itself_and_stays_whole()
    {
        var old = await Verifier.HeadAsync(Cancellation);
        _time.Advance(TimeSpan.FromDays(9));
        await _vault.AddAsync("New");
        var newer = await Verifier.HeadAsync(Cancellation);

        await _time.RingsForAsync<AuditRetention>();
        _time.Advance(TimeSpan.FromDays(1.5));

        await Until.TrueAsync(async () => (await VerifyAsync()).RemovedUpTo == old.Entry, TimeSpan.FromMinutes(1));
        Assert.Empty((await VerifyAsync(newer)).Faults);
        Assert.Empty((await VerifyAsync(old)).Faults);
        Assert.Equal(AuditFaultKind.OtherHead, Assert.Single((await VerifyAsync(old with { Mac = new string('0', 64) })).Faults).Kind);
    }

    [Fact]
    public async Task Finds_what_somebody_removed_beyond_that()
    {
        _time.Advance(TimeSpan.FromDays(11));
        await _vault.AddAsync("New");
        await _vault.AddAsync("Newer");
        await _vault.Server.Service<AuditRetention>().RemoveAsync(Cancellation);
        var first = (await VerifyAsync()).RemovedUpTo + 1;

        await _vault.Server.Directory.SqlAsync($"DELETE FROM audit_entries WHERE Id = {first}");

        var fault = Assert.Single((await VerifyAsync()).Faults);
        Assert.Equal((AuditFaultKind.Missing, first, first), (fault.Kind, fault.First, fault.Last));
    }

    [Fact]
    public async Task Keeps_what_was_tampered_with()
    {
        var last = (await Verifier.HeadAsync(Cancellation)).Entry;
        await _vault.Server.Directory.SqlAsync($"UPDATE audit_entries SET ActorName = 'Somebody' WHERE Id = {last}");
        _time.Advance(TimeSpan.FromDays(11));

        await _vault.Server.Service<AuditRetention>().RemoveAsync(Cancellation);

        var report = await VerifyAsync();
        Assert.Equal((last - 1, last), (report.RemovedUpTo, Assert.Single(report.Faults).First));
    }

    [Fact]
    public async Task Goes_on_when_everything_was_removed()
    {
        _time.Advance(TimeSpan.FromDays(11));
        await _vault.Server.Service<AuditRetention>().RemoveAsync(Cancellation);
        Assert.Equal(0, (await VerifyAsync()).Entries);

        await _vault.AddAsync("New");

        Assert.Empty((await VerifyAsync()).Faults);
    }

    private Task<AuditReport> VerifyAsync(AuditHead? kept = null) => Verifier.VerifyAsync(kept, progress: null, Cancellation);
}
