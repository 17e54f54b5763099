using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Credentials;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Rotation;

public sealed class WipingAKey
{
    [Fact]
    public async Task At_once_leaves_its_ciphertext_in_no_file()
    {
        await using var vault = await Vault.StartAsync();
        var rotating = await Rotating.StartAsync(vault);
        var old = await CiphertextAsync(vault, rotating.Uids['A']);
        await rotating.ReplaceAsync('B');
        Assert.True(await IsInAFileAsync(vault, old));

        await rotating.PromoteAsync('B', OldKey.Wipe);

        await Until.TrueAsync(async () => !await IsInAFileAsync(vault, old), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task That_was_dropped_leaves_its_ciphertext_in_no_file()
    {
        await using var vault = await Vault.StartAsync();
        var rotating = await Rotating.StartAsync(vault);
        await rotating.ReplaceAsync('B');
        var dropped = await CiphertextAsync(vault, rotating.Uids['B']);

        await rotating.DropAsync('B');

        await Until.TrueAsync(async () => !await IsInAFileAsync(vault, dropped), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Happens_by_itself_when_the_time_for_a_roll_back_is_over()
    {
        var time = new TurnedClock();
        await using var vault = await Vault.StartAsync(time: time, settings: "--Credentials:PreviousKeyKeptFor=02:00:00");
        var rotating = await Rotating.StartAsync(vault);
        await rotating.ReplaceAsync('B');
        await rotating.PromoteAsync('B');
        var old = await CiphertextAsync(vault, rotating.Uids['A']);

        time.Advance(TimeSpan.FromMinutes(119));
        await vault.Server.Service<KeyWiper>().WipeDueAsync(TestContext.Current.CancellationToken);
        Assert.Equal("B 2, before A", await rotating.StateAsync());

        time.Advance(TimeSpan.FromMinutes(1));
        await Until.TrueAsync(
            async () =>
            {
                time.Advance(TimeSpan.FromSeconds(2));
                return await rotating.StateAsync() == "B 2" && !await IsInAFileAsync(vault, old);
            },
            TimeSpan.FromSeconds(30));
        await using var storage = await vault.Server.StorageAsync();
        Assert.Equal("server", (await storage.AuditEntries.SingleAsync(entry => entry.Event == "wipe_key")).ActorName);
    }

    [Theory]
    [InlineData("00:00:59")]
    [InlineData("30.00:00:01")]
    public async Task Has_a_time_within_bounds(string keptFor)
    {
        using var directory = new TestDirectory();

        var refused = await Assert.ThrowsAnyAsync<Exception>(() => TestServer.StartAsync(directory, settings: $"--Credentials:PreviousKeyKeptFor={keptFor}"));

        Assert.Contains("Credentials:PreviousKeyKeptFor", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<byte[]> CiphertextAsync(Vault vault, Guid uid)
    {
        await using var storage = await vault.Server.StorageAsync();
        return (await storage.CredentialKeys.SingleAsync(key => key.Uid == uid)).Ciphertext;
    }

    private static async Task<bool> IsInAFileAsync(Vault vault, byte[] ciphertext)
    {
        var files = await vault.Server.Directory.ReadFilesAsync();
        return files.Values.Any(bytes => bytes.AsSpan().IndexOf(ciphertext) >= 0);
    }
}
