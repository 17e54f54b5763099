using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

/// <summary>A newer program starts on the database of the first one, in which a credential is stored.</summary>
public sealed class MigratingADatabase : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private string _rowsBefore = "";
    private int _credential;
    private int _source;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Copy => Assert.Single(Directory.GetFiles(_directory.Data, "before-*.db"));

    public async ValueTask InitializeAsync()
    {
        await using (var vault = await Vault.StartAsync(_directory))
        {
            _credential = await vault.AddAsync("Warehouse of Zürich");
            _source = Assert.IsType<FlowOutcome.Done>(await vault.Server.Service<FlowService>().CreateAsync(
                vault.Owner, new NewFlow(FlowKind.Source, "Orders", null, "list_import_jobs", _credential, Guid.NewGuid()), Cancellation)).Id;
            await using var storage = await vault.Server.StorageAsync();
            await storage.GetService<IMigrator>().MigrateAsync(SafekeepingKills.FirstMigration, Cancellation);
        }

        _rowsBefore = await StoredRows.ReadAsync(_directory);
    }

    public ValueTask DisposeAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Leaves_a_copy_for_its_owner_alone_that_holds_what_was_there()
    {
        await using var server = await TestServer.StartAsync(_directory);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Copy));
        Assert.Equal(_rowsBefore, await StoredRows.ReadAsync(Copy));
    }

    [Fact]
    public async Task Brings_the_schema_up_to_date_and_every_key_still_works()
    {
        await using var vault = await Vault.StartAsync(_directory);

        await using var storage = await vault.Server.StorageAsync();
        Assert.Empty(await storage.Database.GetPendingMigrationsAsync(Cancellation));
        Assert.True(await vault.WorksAsync(_credential));
    }

    [Fact]
    public async Task Keeps_each_source_as_it_was_and_lets_another_wait_for_its_credential()
    {
        await using var vault = await Vault.StartAsync(_directory);
        var flows = vault.Server.Service<FlowService>();

        var kept = await flows.FindAsync(vault.Owner, FlowKind.Source, _source, Cancellation);
        var waiting = Assert.IsType<FlowOutcome.Done>(await flows.CreateAsync(
            vault.Owner, new NewFlow(FlowKind.Source, "Early", null, "list_import_jobs", null, Guid.NewGuid()), Cancellation));

        Assert.Equal((_credential, FlowStatus.Active), (kept!.CredentialId, kept.Status));
        Assert.Equal(FlowStatus.Init, (await flows.FindAsync(vault.Owner, FlowKind.Source, waiting.Id, Cancellation))!.Status);
        Assert.Equal("ok", await _directory.SqlAsync("PRAGMA integrity_check"));
        Assert.Null(await _directory.SqlAsync("PRAGMA foreign_key_check"));
        Assert.Equal(1L, await _directory.SqlAsync("SELECT count(*) FROM pragma_foreign_key_list('flows') WHERE \"from\" = 'CredentialId'"));
        Assert.Equal(1L, await _directory.SqlAsync("SELECT count(*) FROM pragma_index_info('IX_flows_CredentialId')"));
    }

    [Fact]
    public async Task Finds_what_was_stored_before_by_its_words()
    {
        await using var server = await TestServer.StartAsync(_directory);

        Assert.Equal((long)_credential, await _directory.SqlAsync("SELECT rowid FROM credential_words WHERE credential_words MATCH 'zurich'"));
    }

    [Fact]
    public async Task Starts_on_the_copy_again_when_it_is_put_back()
    {
        await using (await TestServer.StartAsync(_directory))
        {
        }

        var copy = Copy;
        _directory.CloseDatabase();
        File.Move(copy, _directory.Database, overwrite: true);

        await using var vault = await Vault.StartAsync(_directory);
        Assert.True(await vault.WorksAsync(_credential));
    }

    [Fact]
    public async Task Makes_no_copy_when_there_is_nothing_to_change()
    {
        await using (await TestServer.StartAsync(_directory))
        {
        }

        File.Delete(Copy);
        await using var again = await TestServer.StartAsync(_directory);

        Assert.Empty(Directory.GetFiles(_directory.Data, "before-*.db"));
    }

    /// <summary>What is killed in it is done by the next start, and never stands in its way.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(60)]
    public async Task Is_done_by_the_next_start_when_it_was_killed(int milliseconds)
    {
        _directory.CloseDatabase();
        await SafekeepingKills.AmidMigrationAsync(words => Operations.Executable.Start(words), _directory, TimeSpan.FromMilliseconds(milliseconds));

        await using var vault = await Vault.StartAsync(_directory);

        Assert.True(await vault.WorksAsync(_credential));
    }
}
