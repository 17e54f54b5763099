using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Saving;

public sealed class LookingAfterACredential : IAsyncLifetime
{
    private Vault _vault = null!;
    private int _id;

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _vault = await Vault.StartAsync();
        _id = await _vault.AddAsync("Production");
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task Tells_of_a_name_that_somebody_else_changed_meanwhile_and_keeps_theirs()
    {
        await EditAsync("Production", "Theirs");

        var outcome = await EditAsync("Production", "Mine");

        Assert.Equal(("Theirs", "Theirs"), (Assert.IsType<EditOutcome.ChangedMeanwhile>(outcome).Present, (await _vault.TileAsync(_id)).Name));
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData("Production \"{0}\"")]
    [InlineData("Production\tApiKey {0}")]
    public async Task Refuses_a_name_that_holds_a_stored_key(string name)
    {
        const string Key = "sandbox-accepted-0123456789abcdef";
        await _vault.AddAsync("Other", Key);

        var outcome = await EditAsync("Production", string.Format(System.Globalization.CultureInfo.InvariantCulture, name.Replace('\t', ' '), Key));

        Assert.Contains("API key", Assert.IsType<EditOutcome.Invalid>(outcome).Fault, StringComparison.Ordinal);
        Assert.Equal("Production", (await _vault.TileAsync(_id)).Name);
    }

    [Fact]
    public async Task Takes_the_same_edit_twice_as_one()
    {
        await EditAsync("Production", "Renamed");

        Assert.IsType<EditOutcome.Done>(await EditAsync("Production", "Renamed"));
        Assert.Single((await _vault.Credentials.ListActivityAsync(_vault.Owner, _id, null, 10, Now)).ValueOrDefault!, entry => entry.Event == "update");
    }

    [Fact]
    public async Task Copies_the_key_into_a_credential_of_its_own_that_works()
    {
        var operation = Guid.NewGuid();

        var copy = (await _vault.Credentials.CopyAsync(_vault.Owner, _id, operation, Now)).ValueOrDefault;

        Assert.Equal(copy, (await _vault.Credentials.CopyAsync(_vault.Owner, _id, operation, Now)).ValueOrDefault);
        Assert.Equal(("Copy of Production", (await _vault.TileAsync(_id)).Fingerprint, true),
            ((await _vault.TileAsync(copy!.Value)).Name, (await _vault.TileAsync(copy.Value)).Fingerprint, await _vault.WorksAsync(copy.Value)));
    }

    [Fact]
    public async Task Is_not_deleted_while_a_source_uses_it()
    {
        await UseAsync();

        Assert.IsType<DeleteOutcome.InUse>(await _vault.Credentials.DeleteAsync(_vault.Owner, _id, Now));
        Assert.True(await _vault.WorksAsync(_id));
    }

    [Fact]
    public async Task Is_not_used_once_it_is_deleted()
    {
        await _vault.Credentials.DeleteAsync(_vault.Owner, _id, Now);

        Assert.IsType<FlowOutcome.Invalid>(await UseAsync());
    }

    [Fact]
    public async Task Comes_back_whole_when_the_deletion_is_undone()
    {
        await _vault.Credentials.DeleteAsync(_vault.Owner, _id, Now);
        Assert.Null(await _vault.Credentials.FindAsync(_vault.Owner, _id, Now));

        Assert.True(await _vault.Credentials.RestoreAsync(_vault.Owner, _id, Now));
        Assert.True(await _vault.WorksAsync(_id));
    }

    [Fact]
    public async Task Is_wiped_for_good_when_the_time_to_undo_is_over()
    {
        await _vault.Credentials.DeleteAsync(_vault.Owner, _id, Now);
        await _vault.Server.Directory.SqlAsync("UPDATE credentials SET DeletedAt = 1 WHERE Id = $id", ("$id", _id));

        await Until.TrueAsync(async () =>
        {
            await using var storage = await _vault.Server.StorageAsync();
            return !await storage.Credentials.IgnoreQueryFilters().AnyAsync(Now) && !await storage.CredentialKeys.AnyAsync(Now);
        }, TimeSpan.FromMinutes(1));
        Assert.False(await _vault.Credentials.RestoreAsync(_vault.Owner, _id, Now));
    }

    private Task<EditOutcome> EditAsync(string seen, string text) =>
        _vault.Credentials.EditAsync(_vault.Owner, _id, CredentialField.Name, seen, text, Now);

    private Task<FlowOutcome> UseAsync() => _vault.Server.Service<FlowService>().CreateAsync(
        _vault.Owner, new NewFlow(FlowKind.Source, "Source", null, "list_import_jobs", _id, Guid.NewGuid()), Now);
}
