using ReSciCredentials.Access;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Harness;

/// <summary>What a server left that was started once in this process and got its owner. A copy of it saves a test the first start.</summary>
internal static class OwnedData
{
    private static readonly Lazy<Task<TestDirectory>> Made = new(MakeAsync);

    public static async Task CopyToAsync(TestDirectory directory) => Copy(await Made.Value, directory);

    /// <summary>What a server that was stopped left in one place, for one that is to start in another.</summary>
    public static void Copy(TestDirectory made, TestDirectory directory)
    {
        StorageFiles.MakeDirectory(directory.Data);
        StorageFiles.MakeDirectory(Path.GetDirectoryName(directory.KeyFile)!);
        // The modes are copied too.
        File.Copy(made.Database, directory.Database);
        File.Copy(made.KeyFile, directory.KeyFile);
    }

    private static async Task<TestDirectory> MakeAsync()
    {
        var directory = new TestDirectory();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => directory.Dispose();
        await using (var server = await TestServer.StartAsync(directory))
        {
            Assert.Equal(OwnerOutcome.Done, await server.CreateOwnerAsync());
        }

        // The last connection to go brings what is in the write-ahead log into the database.
        directory.CloseDatabase();
        Assert.False(File.Exists(directory.Database + "-wal"));
        return directory;
    }
}
