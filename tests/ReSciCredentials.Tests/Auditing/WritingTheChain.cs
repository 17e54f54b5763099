using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Auditing;

public sealed class WritingTheChain : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private Vault _vault = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _vault = await Vault.StartAsync(_directory);

    public async ValueTask DisposeAsync()
    {
        await _vault.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Makes_one_chain_of_what_twenty_write_at_the_same_time()
    {
        var before = (await VerifyAsync()).Entries;

        await Task.WhenAll(Enumerable.Range(0, 20).Select(async writer =>
        {
            await using var storage = await _vault.Server.StorageAsync();
            for (var entry = 0; entry < 5; entry++)
            {
                _vault.Server.Service<AuditLog>().Add(storage, Actor.Server, AuditEvents.Probe, AuditItems.Credential, writer);
                _vault.Server.Service<AuditLog>().Add(storage, Actor.Server, AuditEvents.Update, AuditItems.Credential, writer);
                await storage.SaveChangesAsync(Cancellation);
            }
        }));

        var report = await VerifyAsync();
        Assert.Empty(report.Faults);
        Assert.Equal(before + 200, report.Entries);
        Assert.Equal(report.Entries, report.Head.Entry);
    }

    [Fact]
    public async Task Keeps_the_order_in_which_entries_of_one_change_were_added()
    {
        await using var storage = await _vault.Server.StorageAsync();
        foreach (var number in Enumerable.Range(1, 9))
        {
            _vault.Server.Service<AuditLog>().Add(storage, Actor.Server, AuditEvents.Probe, AuditItems.Log, number);
        }

        await storage.SaveChangesAsync(Cancellation);

        Assert.Equal(
            Enumerable.Range(1, 9),
            await storage.AuditEntries.Where(entry => entry.Event == AuditEvents.Probe).OrderBy(entry => entry.Id).Select(entry => entry.ItemId).ToListAsync(Cancellation));
    }

    [Fact]
    public async Task Leaves_no_gap_where_a_change_failed_and_was_saved_again()
    {
        var id = await _vault.AddAsync("Contested");
        await using var storage = await _vault.Server.StorageAsync();
        var credential = await storage.Credentials.SingleAsync(row => row.Id == id, Cancellation);
        credential.Name = "Mine";
        _vault.Server.Service<AuditLog>().Add(storage, _vault.Owner, AuditEvents.Update, AuditItems.Credential, id, "name");
        await _directory.SqlAsync("UPDATE credentials SET Revision = Revision + 1 WHERE Id = $id", ("$id", id));
        await Assert.ThrowsAsync<DbUpdateConcurrencyException>(() => storage.SaveChangesAsync(Cancellation));
        await _vault.AddAsync("Meanwhile");

        await storage.Entry(credential).ReloadAsync(Cancellation);
        credential.Name = "Mine";
        await storage.SaveChangesAsync(Cancellation);

        Assert.Empty((await VerifyAsync()).Faults);
    }

    [Fact]
    public async Task Goes_on_after_a_restart()
    {
        await _vault.DisposeAsync();
        _vault = await Vault.StartAsync(_directory);
        await _vault.AddAsync("After");

        Assert.Empty((await VerifyAsync()).Faults);
    }

    [Fact]
    public async Task Seals_in_what_a_server_without_a_chain_wrote()
    {
        await _vault.AddAsync("Before the chain");
        await _vault.DisposeAsync();
        var key = RecoveryKey.Parse(await File.ReadAllTextAsync(_directory.KeyFile, Cancellation));
        await _directory.SqlAsync(
            """
            UPDATE audit_entries SET Mac = x'', Id = -10 - Id;
            UPDATE audit_entries SET Id = -Id;
            DELETE FROM audit_marks;
            DELETE FROM sealed_values WHERE Name = 'audit-key';
            UPDATE sealed_values SET Sealed = $sentinel WHERE Name = 'sentinel'
            """,
            ("$sentinel", key.Seal("sentinel", "ReSci Credentials"u8)));

        _vault = await Vault.StartAsync(_directory);
        await _vault.AddAsync("After");

        Assert.Empty((await VerifyAsync()).Faults);
        await _directory.SqlAsync("UPDATE audit_entries SET ActorName = 'Somebody' WHERE Id = 12");
        Assert.Equal(AuditFaultKind.Changed, Assert.Single((await VerifyAsync()).Faults).Kind);
    }

    [Theory]
    [InlineData("DELETE FROM sealed_values WHERE Name = 'audit-key'")]
    [InlineData("UPDATE sealed_values SET Sealed = zeroblob(93) WHERE Name = 'audit-key'")]
    [InlineData("UPDATE sealed_values SET Sealed = (SELECT Sealed FROM sealed_values WHERE Name = 'fingerprint-key') WHERE Name = 'audit-key'")]
    public async Task Does_not_begin_anew_when_its_key_was_taken_away_or_changed(string sql)
    {
        await _vault.DisposeAsync();
        await _directory.SqlAsync(sql);
        var before = await StoredRows.ReadAsync(_directory);

        await using (var server = await TestServer.StartAsync(_directory))
        {
            Assert.Equal(SealCause.SentinelDamaged, server.Service<ServerSeal>().Reason?.Cause);
        }

        Assert.Equal(before, await StoredRows.ReadAsync(_directory));
    }

    [Fact]
    public async Task Tells_whose_it_is_and_what_changed_but_no_key()
    {
        var planted = new PlantedKey("sandbox-accepted");
        var second = new PlantedKey("sandbox-accepted");
        var elsewhere = new PlantedKey("sandbox-accepted");
        var id = await _vault.AddAsync("Shop", planted.Text);
        var credentials = _vault.Credentials;
        await credentials.EditAsync(_vault.Owner, id, CredentialField.Name, "Shop", "Web shop", Cancellation);
        // Into the wrong field, and stored nowhere, so that nobody can know it for a key: what the person takes away again must not stay here.
        await credentials.EditAsync(_vault.Owner, id, CredentialField.Description, null, $"Key: {elsewhere.Text}", Cancellation);
        await credentials.EditAsync(_vault.Owner, id, CredentialField.Description, $"Key: {elsewhere.Text}", null, Cancellation);
        await _vault.Rotation.ReplaceAsync(_vault.Owner, id, new NewKey(second.Text, Guid.NewGuid(), Unverified: false, Same: false, Instead: null, Then: OldKey.Keep), Cancellation);
        var flow = Assert.IsType<FlowOutcome.Done>(await _vault.Server.Service<FlowService>().CreateAsync(
            _vault.Owner, new NewFlow(FlowKind.Source, "Orders", null, "list_import_jobs", id, Guid.NewGuid()), Cancellation));

        await using var storage = await _vault.Server.StorageAsync();
        var entries = await storage.AuditEntries.AsNoTracking().OrderBy(entry => entry.Id).ToListAsync(Cancellation);
        var ofCredential = entries.Where(entry => entry.ItemType == AuditItems.Credential && entry.ItemId == id).ToList();
        Assert.All(ofCredential, entry => Assert.Equal(_vault.Owner.Id, entry.OwnerId));
        Assert.Contains("""{"name":["Shop","Web shop"]}""", ofCredential.Select(entry => entry.Changes));
        Assert.Contains("""{"description":[null,"Key: …"]}""", ofCredential.Select(entry => entry.Changes));
        Assert.Matches("""^\{"credentials":\["fp:[0-9a-f]{8}","fp:[0-9a-f]{8}"\]\}$""", ofCredential.Single(entry => entry.Event == AuditEvents.PromoteKey).Changes);
        Assert.Contains(
            $"\"credential\":[null,{id}]",
            entries.Single(entry => entry.ItemType == AuditItems.Source && entry.ItemId == flow.Id).Changes,
            StringComparison.Ordinal);
        var all = await StoredRowsOfTheLogAsync();
        Assert.False(planted.IsIn(all) || second.IsIn(all) || elsewhere.IsIn(all));
    }

    [Fact]
    public void Takes_nothing_for_a_fingerprint_that_is_none()
    {
        var exception = Assert.Throws<ArgumentException>(() => AuditChange.OfKey(null, "sandbox-accepted-0001"));

        Assert.DoesNotContain("sandbox", exception.Message, StringComparison.Ordinal);
    }

    private async Task<string> StoredRowsOfTheLogAsync() => (string)(await _directory.SqlAsync(
        "SELECT group_concat(Event || Fields || Changes || Path || ActorName || UserAgent || Address, char(10)) FROM audit_entries"))!;

    private Task<AuditReport> VerifyAsync() => _vault.Server.Service<AuditVerifier>().VerifyAsync(kept: null, progress: null, Cancellation);
}
