using ReSciCredentials.Audit;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Auditing;

/// <summary>Whoever can write to the database edits what was logged. One server for all: each test puts back what it changed.</summary>
public sealed class TamperingWithTheLog(TamperingWithTheLog.LoggedServer logged) : IClassFixture<TamperingWithTheLog.LoggedServer>
{
    /// <summary>So many entries were written: at least 1 to 12.</summary>
    private const int Entries = 12;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private AuditVerifier Verifier => logged.Vault.Server.Service<AuditVerifier>();

    [Fact]
    public async Task Is_not_reported_when_nobody_did()
    {
        var report = await Verifier.VerifyAsync(await Verifier.HeadAsync(Cancellation), null, Cancellation);

        Assert.Empty(report.Faults);
        Assert.True(report.Entries >= Entries);
        Assert.Equal(report.Entries, report.Head.Entry);
    }

    [Theory]
    [InlineData("At", "At + 1")]
    [InlineData("Event", "'update'")]
    [InlineData("ItemType", "'source'")]
    [InlineData("ItemId", "ItemId + 1")]
    [InlineData("OwnerId", "NULL")]
    [InlineData("ActorId", "4711")]
    [InlineData("ActorName", "'somebody else'")]
    [InlineData("Address", "'192.0.2.1'")]
    [InlineData("UserAgent", "''")]
    [InlineData("Path", "'/elsewhere'")]
    [InlineData("Fields", "'name'")]
    [InlineData("Changes", "'{}'")]
    [InlineData("Mac", "zeroblob(32)")]
    public async Task Is_found_in_every_field(string field, string value)
    {
        var faults = await FaultsAfterAsync($"UPDATE audit_entries SET {field} = {value} WHERE Id = 5");

        // The next one hangs on what seals this one.
        Assert.Equal(field == "Mac" ? ["Changed 5", "Changed 6"] : ["Changed 5"], faults);
    }

    [Fact]
    public async Task Is_found_when_an_entry_was_removed() =>
        Assert.Equal(["Missing 5"], await FaultsAfterAsync("DELETE FROM audit_entries WHERE Id = 5"));

    [Fact]
    public async Task Is_found_when_several_were_removed_in_several_places() =>
        Assert.Equal(["Missing 3", "Missing 6-8"], await FaultsAfterAsync("DELETE FROM audit_entries WHERE Id IN (3, 6, 7, 8)"));

    [Fact]
    public async Task Is_found_when_the_first_was_removed() =>
        Assert.Equal(["Missing 1"], await FaultsAfterAsync("DELETE FROM audit_entries WHERE Id = 1"));

    [Fact]
    public async Task Is_found_when_two_were_exchanged() => Assert.Equal(
        ["Moved 5", "Moved 7"],
        await FaultsAfterAsync("UPDATE audit_entries SET Id = -1 WHERE Id = 5; UPDATE audit_entries SET Id = 5 WHERE Id = 7; UPDATE audit_entries SET Id = 7 WHERE Id = -1"));

    [Fact]
    public async Task Is_found_when_one_was_moved_to_the_end() => Assert.Equal(
        ["Moved 5"],
        await FaultsAfterAsync("UPDATE audit_entries SET Id = 1000 WHERE Id = 5"));

    [Fact]
    public async Task Is_found_when_one_was_removed_and_the_rest_moved_up()
    {
        var faults = await FaultsAfterAsync("DELETE FROM audit_entries WHERE Id = 5; UPDATE audit_entries SET Id = Id - 1 WHERE Id > 5");

        Assert.Equal("Changed 5", faults[0]);
        Assert.StartsWith("CutOff ", faults[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_found_when_one_was_put_in()
    {
        var next = (await Verifier.HeadAsync(Cancellation)).Entry + 1;

        Assert.Equal([$"Foreign {next}"], await FaultsAfterAsync(Copy(of: 4, to: next)));
    }

    [Fact]
    public async Task Is_found_when_the_newest_were_removed()
    {
        var last = (await Verifier.HeadAsync(Cancellation)).Entry;

        Assert.Equal([$"CutOff {last - 1}-{last}"], await FaultsAfterAsync($"DELETE FROM audit_entries WHERE Id > {last - 2}"));
    }

    [Fact]
    public async Task Is_found_by_a_kept_head_when_the_head_was_put_back_as_well()
    {
        var before = await logged.Vault.Server.Directory.SqlAsync("SELECT hex(EntryMac) || ',' || hex(Mac) || ',' || EntryId FROM audit_marks WHERE Name = 'head'");
        await logged.Vault.AddAsync("Will be forgotten");
        var kept = await Verifier.HeadAsync(Cancellation);
        var old = ((string)before!).Split(',');
        var rollBack = $"DELETE FROM audit_entries WHERE Id > {old[2]}; UPDATE audit_marks SET EntryMac = x'{old[0]}', Mac = x'{old[1]}', EntryId = {old[2]} WHERE Name = 'head'";

        Assert.Empty(await FaultsAfterAsync(rollBack));
        Assert.StartsWith("CutOff ", Assert.Single(await FaultsAfterAsync(rollBack, kept)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_found_by_a_head_that_names_another_entry()
    {
        var head = await Verifier.HeadAsync(Cancellation);

        Assert.Equal([$"OtherHead {head.Entry}"], await FaultsAfterAsync("SELECT 1", head with { Mac = new string('0', 64) }));
    }

    [Theory]
    [InlineData("UPDATE audit_marks SET EntryId = EntryId - 1 WHERE Name = 'head'", "HeadChanged")]
    [InlineData("DELETE FROM audit_marks WHERE Name = 'head'", "HeadChanged")]
    [InlineData("UPDATE audit_marks SET EntryId = 3 WHERE Name = 'anchor'", "AnchorChanged")]
    [InlineData("DELETE FROM audit_marks WHERE Name = 'anchor'", "AnchorChanged")]
    [InlineData("UPDATE audit_marks SET EntryId = a.EntryId, EntryMac = a.EntryMac, Mac = a.Mac FROM (SELECT * FROM audit_marks WHERE Name = 'anchor') a", "HeadChanged")]
    public async Task Is_found_in_what_marks_the_ends(string sql, string kind) =>
        Assert.Contains(await FaultsAfterAsync(sql), fault => fault.StartsWith(kind, StringComparison.Ordinal));

    [Theory]
    [InlineData("DELETE FROM audit_marks WHERE Name = 'head'")]
    [InlineData("UPDATE audit_marks SET Mac = zeroblob(32) WHERE Name = 'head'")]
    public async Task Does_not_stop_the_server_and_stays_visible_after_the_next_change(string sql)
    {
        var faults = await FaultsAfterAsync(sql, write: true);

        Assert.StartsWith("Restarted ", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Does_not_stop_the_server_when_a_foreign_entry_stands_in_the_next_place()
    {
        var next = (await Verifier.HeadAsync(Cancellation)).Entry + 1;

        var faults = await FaultsAfterAsync(Copy(of: 4, to: next), write: true);

        Assert.Equal([$"Changed {next}", $"Restarted {next + 1}"], faults);
    }

    private static string Copy(int of, int to) => $"""
        CREATE TEMP TABLE one AS SELECT * FROM audit_entries WHERE Id = {of}; UPDATE one SET Id = {to}; INSERT INTO audit_entries SELECT * FROM one
        """;

    /// <summary>Such as <c>Changed 5</c> or <c>Missing 6-8</c>.</summary>
    /// <param name="write">Whether the server makes a change, and logs it, before somebody looks.</param>
    private async Task<List<string>> FaultsAfterAsync(string sql, AuditHead? kept = null, bool write = false)
    {
        var directory = logged.Vault.Server.Directory;
        await directory.SqlAsync("""
            CREATE TABLE kept_entries AS SELECT * FROM audit_entries; CREATE TABLE kept_marks AS SELECT * FROM audit_marks
            """);
        try
        {
            await directory.SqlAsync(sql);
            if (write)
            {
                await logged.Vault.AddAsync("Written after");
            }

            var report = await Verifier.VerifyAsync(kept, null, Cancellation);
            return [.. report.Faults.Select(fault => fault.First == fault.Last ? $"{fault.Kind} {fault.First}" : $"{fault.Kind} {fault.First}-{fault.Last}")];
        }
        finally
        {
            await directory.SqlAsync("""
                DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM kept_entries; DROP TABLE kept_entries;
                DELETE FROM audit_marks; INSERT INTO audit_marks SELECT * FROM kept_marks; DROP TABLE kept_marks
                """);
        }
    }

    /// <summary>A server that has logged something.</summary>
    public sealed class LoggedServer : IAsyncLifetime
    {
        internal Vault Vault { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Vault = await Vault.StartAsync();
            for (var number = 1; number <= Entries; number++)
            {
                await Vault.AddAsync($"Logged {number}");
            }
        }

        public ValueTask DisposeAsync() => Vault.DisposeAsync();
    }
}
