using System.Text.Json;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>Every stored key under a new key of the ring, by order to the running server.</summary>
public sealed class EncryptingAnew : IDisposable
{
    private readonly TestDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Changes_every_ciphertext_while_readers_go_on_without_an_error()
    {
        const int Credentials = 600;
        await using var vault = await Vault.StartAsync(_directory);
        await ManyCredentials.AddAsync(vault.Server, vault.Owner, Credentials);
        var before = await CiphertextsAsync(vault);
        using var stop = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(() => ReadAsync(vault, stop.Token), Cancellation)).ToArray();

        var ended = await CommandRun.RunAsync(_directory, "secrets reencrypt --new-ring-key --json");
        await stop.CancelAsync();
        var reads = await Task.WhenAll(readers);

        Assert.Equal(Credentials, JsonDocument.Parse(ended.Done().Output).RootElement.GetProperty("keys").GetInt32());
        Assert.Empty(before.Intersect(await CiphertextsAsync(vault)));
        Assert.All(reads, read => Assert.True(read.Opened > 0 && read.Errors == 0, read.ToString()));
    }

    [Fact]
    public async Task Passes_over_what_is_done_already()
    {
        await using var vault = await Vault.StartAsync(_directory);
        await vault.AddAsync("One");
        await CommandRun.RunAsync(_directory, "secrets reencrypt --new-ring-key");

        var again = await CommandRun.RunAsync(_directory, "secrets reencrypt");

        Assert.Contains("1 key looked at, 0 encrypted anew", again.Done().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_a_key_that_does_not_open_and_leaves_it_as_it_is()
    {
        await using var vault = await Vault.StartAsync(_directory);
        await vault.AddAsync("Good");
        var broken = await vault.AddAsync("Broken");
        await _directory.SqlAsync("UPDATE credential_keys SET Ciphertext = zeroblob(50) WHERE CredentialId = $id", ("$id", broken));

        var ended = await CommandRun.RunAsync(_directory, "secrets reencrypt --new-ring-key");

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains($"do not open: {broken}", ended.Errors, StringComparison.Ordinal);
        Assert.Equal(new byte[50], await _directory.SqlAsync("SELECT Ciphertext FROM credential_keys WHERE CredentialId = $id", ("$id", broken)));
    }

    [Fact]
    public async Task Ends_every_sign_in_when_everything_is_rotated()
    {
        await using var vault = await Vault.StartAsync(_directory);
        await vault.AddAsync("One");
        var browser = await vault.Server.SignInAsync();

        (await CommandRun.RunAsync(_directory, "secrets rotate-all --confirm")).Done();

        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, (await browser.GetAsync("/session", ("Accept", "application/json"), ("Sec-Fetch-Dest", "empty"))).Status);
        Assert.Equal(0L, await _directory.SqlAsync("SELECT count(*) FROM sessions WHERE EndedAt IS NULL"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(300)]
    public async Task Goes_on_where_it_was_killed(int milliseconds)
    {
        const int Credentials = 1500;
        await SafekeepingKills.PrepareAsync(_directory, Credentials);

        await SafekeepingKills.AmidReencryptionAsync(words => Executable.Start(words), _directory, TimeSpan.FromMilliseconds(milliseconds));

        var found = await Found.InAsync(_directory);
        Assert.Equal((Credentials, 0), (found.Secrets, found.Unreadable));
        Assert.Contains($"{Credentials} keys looked at", (await CommandRun.RunAsync(_directory, "secrets reencrypt")).Done().Output, StringComparison.Ordinal);
    }

    private static async Task<(long Opened, long Errors)> ReadAsync(Vault vault, CancellationToken stop)
    {
        var protector = vault.Server.Service<SecretProtector>();
        var (opened, errors, last) = (0L, 0L, Guid.Empty);
        // At least once, however late a busy machine lets it begin.
        do
        {
            await using var storage = await vault.Server.StorageAsync();
            var rows = await Microsoft.EntityFrameworkCore.EntityFrameworkQueryableExtensions.ToListAsync(
                StoredSecrets.After(storage, last).Take(50), CancellationToken.None);
            foreach (var row in rows)
            {
                if (protector.CanOpen(row.Ciphertext, row.CredentialUid, row.Uid))
                {
                    opened++;
                }
                else
                {
                    errors++;
                }
            }

            last = rows.Count == 0 ? Guid.Empty : rows[^1].Uid;
        }
        while (!stop.IsCancellationRequested);

        return (opened, errors);
    }

    private static Task<List<string>> CiphertextsAsync(Vault vault) => vault.Server.InStorageAsync(async (StorageContext storage) =>
    {
        var ciphertexts = await Microsoft.EntityFrameworkCore.EntityFrameworkQueryableExtensions.ToListAsync(
            storage.CredentialKeys.Select(key => key.Ciphertext), Cancellation);
        return ciphertexts.ConvertAll(Convert.ToHexString);
    });
}
