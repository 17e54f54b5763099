using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

public sealed class StartingOnData
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Fact]
    public async Task Makes_every_file_for_its_owner_alone()
    {
        using var directory = new TestDirectory();
        await using var server = await TestServer.StartAsync(directory);
        // The log is there while a connection is, and other tests empty the pool of connections.
        await using var storage = await server.StorageAsync();
        await storage.Database.OpenConnectionAsync(TestContext.Current.CancellationToken);

        var files = Directory.GetFiles(directory.Data, "*.db*");
        Assert.Contains(directory.Database + "-wal", files);
        Assert.All(files, file => Assert.Equal(OwnerOnly, File.GetUnixFileMode(file)));
        Assert.Equal(OwnerOnly | UnixFileMode.UserExecute, File.GetUnixFileMode(directory.Data));
    }

    [Fact]
    public async Task Refuses_a_database_that_a_newer_program_made()
    {
        using var directory = new TestDirectory();
        await using (await TestServer.StartAsync(directory))
        {
        }

        await directory.SqlAsync("INSERT INTO __EFMigrationsHistory VALUES ('99990101000000_Newer', '11.0.0')");
        var rows = await StoredRows.ReadAsync(directory);

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => TestServer.StartAsync(directory));

        Assert.Contains("newer version of this program", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(rows, await StoredRows.ReadAsync(directory));
    }

    [Fact]
    public async Task Is_not_held_up_by_the_lock_of_a_migration_that_was_killed()
    {
        using var directory = new TestDirectory();
        Directory.CreateDirectory(directory.Data);
        // EF's own table, as a process leaves it that died while it migrated.
        await directory.SqlAsync(
            """
            CREATE TABLE "__EFMigrationsLock" ("Id" INTEGER NOT NULL CONSTRAINT "PK___EFMigrationsLock" PRIMARY KEY, "Timestamp" TEXT NOT NULL);
            INSERT INTO "__EFMigrationsLock" VALUES (1, '2026-01-01 00:00:00+00:00');
            """);

        await using var server = await TestServer.StartAsync(directory);

        await server.CreateOwnerAsync();
    }

    [Fact]
    public async Task Refuses_a_directory_that_another_server_serves()
    {
        using var directory = new TestDirectory();
        await using var first = await TestServer.StartAsync(directory);

        var refusal = await Assert.ThrowsAsync<StartRefusedException>(() => TestServer.StartAsync(directory));

        Assert.Contains("Another process already serves", refusal.Message, StringComparison.Ordinal);
    }
}
