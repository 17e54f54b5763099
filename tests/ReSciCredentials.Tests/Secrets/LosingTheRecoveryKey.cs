using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

public sealed class LosingTheRecoveryKey
{
    /// <summary>The promise: a lost or wrong key is noticed within five seconds.</summary>
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TurnedClock _time = new();

    public static TheoryData<string> Losses => ["missing", "other", "malformed", "readable by others"];

    [Theory]
    [MemberData(nameof(Losses))]
    public async Task Seals_a_running_server_says_why_and_unseals_it_when_the_key_is_back(string loss)
    {
        using var directory = new TestDirectory();
        await using var vault = await Vault.StartAsync(directory, _time);
        var id = await vault.AddAsync("Kept");
        var needed = vault.Seal.RecoveryKey.Id;
        var right = await File.ReadAllTextAsync(directory.KeyFile, TestContext.Current.CancellationToken);
        var rows = await StoredRows.ReadAsync(directory);
        using var visitor = new Visitor(vault.Server.Address);

        var found = Lose(directory, loss);
        await UntilKeptAsync(() => vault.Seal.Reason is not null);

        using var page = await visitor.Http.GetAsync("/credentials", TestContext.Current.CancellationToken);
        var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "text/html"), (page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Contains(needed, html, StringComparison.Ordinal);
        Assert.Contains(found, html, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(visitor, "/health/ready"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(visitor, "/health/live"));
        Assert.Equal(rows, await StoredRows.ReadAsync(directory));

        PutBack(directory, right);
        await UntilKeptAsync(() => vault.Seal.Reason is null);

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(visitor, "/health/ready"));
        Assert.True(await vault.WorksAsync(id));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("other")]
    public async Task Starts_sealed_changes_nothing_and_opens_without_a_restart_when_the_key_is_back(string loss)
    {
        using var directory = new TestDirectory();
        int id;
        await using (var before = await Vault.StartAsync(directory))
        {
            id = await before.AddAsync("Kept");
        }

        var right = await File.ReadAllTextAsync(directory.KeyFile, TestContext.Current.CancellationToken);
        var rows = await StoredRows.ReadAsync(directory);
        Lose(directory, loss);
        await using var vault = await Vault.StartAsync(directory, _time);
        using var visitor = new Visitor(vault.Server.Address);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(visitor, "/"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync(visitor, "/health/ready"));
        Assert.Equal(rows, await StoredRows.ReadAsync(directory));

        PutBack(directory, right);
        await UntilKeptAsync(() => vault.Seal.Reason is null);

        Assert.True(await vault.WorksAsync(id));
        using var owner = await vault.Server.SignInAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(owner, "/sources/new"));
    }

    [Theory]
    [InlineData("malformed", "does not hold a recovery key")]
    [InlineData("readable by others", "chmod 600")]
    public async Task Refuses_to_start_with_a_file_that_cannot_be_used(string loss, string said)
    {
        using var directory = new TestDirectory();
        await using (await Vault.StartAsync(directory))
        {
        }

        var rows = await StoredRows.ReadAsync(directory);
        Lose(directory, loss);

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => TestServer.StartAsync(directory));

        Assert.Contains(said, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(rows, await StoredRows.ReadAsync(directory));
    }

    [Fact]
    public async Task Makes_no_new_key_file_in_place_of_the_lost_one()
    {
        using var directory = new TestDirectory();
        await using (await Vault.StartAsync(directory))
        {
        }

        File.Delete(directory.KeyFile);
        await using var vault = await Vault.StartAsync(directory, _time);

        Assert.False(File.Exists(directory.KeyFile));
    }

    [Fact]
    public async Task Refuses_a_save_that_was_under_way()
    {
        using var directory = new TestDirectory();
        await using var vault = await Vault.StartAsync(directory, _time);
        File.Delete(directory.KeyFile);
        await UntilKeptAsync(() => vault.Seal.Reason is not null);

        await Assert.ThrowsAsync<ServerSealedException>(() => vault.AddAsync("Too late"));
    }

    [Theory]
    [InlineData("DELETE FROM sealed_values WHERE Name = 'sentinel'")]
    [InlineData("DELETE FROM sealed_values")]
    [InlineData("UPDATE sealed_values SET Sealed = zeroblob(length(Sealed)) WHERE Name = 'sentinel'")]
    [InlineData("UPDATE sealed_values SET Sealed = (SELECT Sealed FROM sealed_values WHERE Name = 'sentinel') WHERE Name = 'fingerprint-key'")]
    public async Task Seals_when_what_it_sealed_was_edited(string sql)
    {
        using var directory = new TestDirectory();
        await using var vault = await Vault.StartAsync(directory, _time);
        await directory.SqlAsync(sql);

        await Until.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                return Task.FromResult(vault.Seal.Reason is { Cause: SealCause.SentinelDamaged });
            },
            Patience);

        Assert.Equal(SealCause.SentinelDamaged, vault.Seal.Reason?.Cause);
    }

    [Fact]
    public async Task Protects_nothing_the_moment_the_sentinel_is_edited()
    {
        await using var vault = await Vault.StartAsync();
        await vault.Server.Directory.SqlAsync("UPDATE sealed_values SET Sealed = zeroblob(length(Sealed))");

        await Assert.ThrowsAsync<ServerSealedException>(() => vault.AddAsync("Too late"));
    }

    [Fact]
    public async Task Seals_a_running_server_whose_key_ring_was_emptied()
    {
        using var directory = new TestDirectory();
        await using var vault = await Vault.StartAsync(directory, _time);
        await vault.AddAsync("Kept");
        await directory.SqlAsync("DELETE FROM ring_elements");

        await Until.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(30));
                return Task.FromResult(vault.Seal.Reason is not null);
            },
            Patience);

        Assert.Equal(SealCause.RingDamaged, vault.Seal.Reason?.Cause);
        Assert.Equal(0L, await directory.SqlAsync("SELECT count(*) FROM ring_elements"));
    }

    [Fact]
    public async Task Writes_nothing_while_sealed_whoever_asks()
    {
        using var directory = new TestDirectory();
        await using var vault = await Vault.StartAsync(directory, _time);
        var id = await vault.AddAsync("Kept");
        vault.Server.Service<WriteGuard>().IsShut = true;
        await using var storage = await vault.Server.StorageAsync();
        (await storage.Credentials.SingleAsync(credential => credential.Id == id, TestContext.Current.CancellationToken)).Name = "Changed";

        await Assert.ThrowsAsync<WritesRefusedException>(() => storage.SaveChangesAsync(TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<WritesRefusedException>(() => storage.Credentials.ExecuteUpdateAsync(
            set => set.SetProperty(credential => credential.Name, "Changed"), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<WritesRefusedException>(() => storage.Credentials.ExecuteDeleteAsync(TestContext.Current.CancellationToken));
        Assert.Equal("Kept", await directory.SqlAsync("SELECT Name FROM credentials"));
    }

    /// <summary>Returns what the page of a sealed server says it found.</summary>
    private static string Lose(TestDirectory directory, string loss)
    {
        switch (loss)
        {
            case "missing":
                File.Delete(directory.KeyFile);
                return "none";
            case "other":
                var other = RecoveryKey.Create();
                File.WriteAllText(directory.KeyFile, other.ToFileText());
                return other.Id;
            case "malformed":
                File.WriteAllText(directory.KeyFile, "1 00000000-00\n");
                return "none";
            default:
                File.SetUnixFileMode(directory.KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
                return "none";
        }
    }

    private static void PutBack(TestDirectory directory, string text)
    {
        File.Delete(directory.KeyFile);
        File.WriteAllText(directory.KeyFile, text);
        File.SetUnixFileMode(directory.KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    /// <summary>Lets as much time pass as the promise allows, by the server's clock. By ours it may take as long as this machine needs.</summary>
    private async Task UntilKeptAsync(Func<bool> kept)
    {
        await _time.RingsForAsync<SealWatch>();
        _time.Advance(Promise);
        await Until.TrueAsync(() => Task.FromResult(kept()), Patience);
    }

    private static async Task<HttpStatusCode> StatusAsync(Visitor visitor, string path)
    {
        using var answer = await visitor.Http.GetAsync(path, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
