using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

public sealed class TheKeyFile
{
    [Fact]
    public async Task Is_made_by_the_first_start_for_its_owner_alone()
    {
        using var directory = new TestDirectory();
        await using var server = await TestServer.StartAsync(directory);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory.KeyFile));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(directory.KeyFile)!));
    }

    [Fact]
    public async Task Must_not_lie_in_the_data_directory()
    {
        using var directory = new TestDirectory();
        var inside = Path.Combine(directory.Data, "keys", "recovery.key");

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(
            () => TestServer.StartAsync(directory, settings: [$"--Secrets:KeyFile={inside}"]));

        Assert.Contains("lies in the data directory", refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(inside));
    }

    [Fact]
    public async Task Is_kept_by_the_next_start()
    {
        using var directory = new TestDirectory();
        await using (await TestServer.StartAsync(directory))
        {
        }

        var text = await File.ReadAllTextAsync(directory.KeyFile, TestContext.Current.CancellationToken);
        await using (await TestServer.StartAsync(directory))
        {
        }

        Assert.Equal(text, await File.ReadAllTextAsync(directory.KeyFile, TestContext.Current.CancellationToken));
    }
}
