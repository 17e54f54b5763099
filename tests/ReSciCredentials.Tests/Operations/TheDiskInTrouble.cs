using System.Net;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Operations;

public sealed class TheDiskInTrouble
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    /// <summary>Needs pages of its own: what has room in those that are there is still saved on a disk that has just become full.</summary>
    private static readonly string Long = string.Concat(Enumerable.Repeat("Weekly export. ", 60));

    [Fact]
    public async Task Refuses_a_save_on_a_full_disk_with_a_status_of_its_own_and_nothing_half_done()
    {
        var (server, owner) = await TestServer.StartOwnedAsync();
        await using var running = server;
        server.Disk.Fill();

        var answers = await SaveUntilRefusedAsync(owner);

        Assert.Equal(HttpStatusCode.InsufficientStorage, answers[^1].Status);
        Assert.Equal(answers.Count - 1, await server.InStorageAsync(storage => storage.Credentials.CountAsync()));
    }

    [Fact]
    public async Task Lets_people_read_on_and_says_on_every_page_what_does_not_work()
    {
        var (server, owner) = await TestServer.StartOwnedAsync();
        await using var running = server;
        await owner.AddCredentialAsync("Made before");
        server.Disk.MakeReadOnly();
        await owner.SaveCredentialAsync("Made after", "sandbox-accepted-1");

        var page = await owner.GetAsync("/credentials");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        Assert.Contains("Made before", page.Text, StringComparison.Ordinal);
        Assert.Contains("The disk can only be read: nothing can be saved", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stays_ready_for_those_who_read()
    {
        var (server, owner) = await TestServer.StartOwnedAsync();
        await using var running = server;
        server.Disk.MakeReadOnly();
        await owner.SaveCredentialAsync("Made after", "sandbox-accepted-1");

        var health = await server.NewVisitor().GetAsync("/health/ready");

        Assert.Equal((HttpStatusCode.OK, "Degraded"), (health.Status, health.Text));
    }

    [Fact]
    public async Task Is_told_to_the_owner_who_asks_for_the_health()
    {
        var (server, owner) = await TestServer.StartOwnedAsync();
        await using var running = server;
        server.Disk.MakeReadOnly();
        await owner.SaveCredentialAsync("Made after", "sandbox-accepted-1");

        var health = await owner.GetAsync("/health/ready");

        Assert.Contains("The disk can only be read: nothing can be saved", health.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Goes_on_by_itself_when_there_is_room_again()
    {
        var time = new TurnedClock();
        var (server, owner) = await TestServer.StartOwnedAsync(time: time);
        await using var running = server;
        server.Disk.MakeReadOnly();
        await owner.SaveCredentialAsync("Made after", "sandbox-accepted-1");

        server.Disk.Mend();
        await Until.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(5));
                return Task.FromResult(server.Service<StorageTrouble>().Fault is null);
            },
            Limit);

        Assert.DoesNotContain("nothing can be saved", (await owner.GetAsync("/credentials")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Saves_once_what_is_sent_again_after_the_disk_has_room()
    {
        var (server, owner) = await TestServer.StartOwnedAsync();
        await using var running = server;
        var operation = Guid.NewGuid();
        server.Disk.MakeReadOnly();
        await owner.SaveCredentialAsync("Sent again", "sandbox-accepted-1", operation: operation);

        server.Disk.Mend();
        await owner.SaveCredentialAsync("Sent again", "sandbox-accepted-1", operation: operation);
        await owner.SaveCredentialAsync("Sent again", "sandbox-accepted-1", operation: operation);

        Assert.Equal(1, await server.InStorageAsync(storage => storage.Credentials.CountAsync()));
    }

    [Fact]
    public async Task Tells_that_a_part_of_the_database_is_damaged()
    {
        var directory = new TestDirectory();
        using var kept = directory;
        await using (var server = await TestServer.StartWithOwnerAsync(directory))
        {
            var before = await server.SignInAsync();
            await before.AddCredentialAsync("Made before");
        }

        await DamageAsync(directory.Database, "credentials");
        await using var damaged = await TestServer.StartAsync(directory);
        var owner = await damaged.SignInAsync();

        var page = await owner.GetAsync("/credentials");

        Assert.Equal(HttpStatusCode.InsufficientStorage, page.Status);
        Assert.Contains("The database is damaged", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(13, "Full")]
    [InlineData(8, "ReadOnly")]
    [InlineData(10, "Failing")]
    [InlineData(14, "Failing")]
    [InlineData(11, "Damaged")]
    [InlineData(26, "Damaged")]
    [InlineData(5, null)]
    [InlineData(19, null)]
    public void Is_known_by_what_SQLite_answers_however_deep_it_is_wrapped(int code, string? fault) =>
        Assert.Equal(fault, StorageFaults.Of(new DbUpdateException("save", new InvalidOperationException("", new SqliteException("", code))))?.ToString());

    private static async Task<List<Answer>> SaveUntilRefusedAsync(Visitor visitor)
    {
        List<Answer> answers = [];
        do
        {
            answers.Add(await visitor.SaveCredentialAsync("Full", $"sandbox-accepted-{answers.Count}", Long, same: true));
        }
        while (answers[^1].Outcome == "saved" && answers.Count < 30);
        return answers;
    }

    /// <summary>Overwrites the first page of a table, as a bad sector would.</summary>
    private static async Task DamageAsync(string database, string table)
    {
        long offset;
        await using (var connection = new SqliteConnection($"Data Source={database};Pooling=False"))
        {
            await connection.OpenAsync(TestContext.Current.CancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText =
                $"PRAGMA wal_checkpoint(TRUNCATE); SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = '{table}'";
            await using var rows = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            await rows.NextResultAsync(TestContext.Current.CancellationToken);
            await rows.ReadAsync(TestContext.Current.CancellationToken);
            offset = rows.GetInt64(0);
        }

        await using var file = new FileStream(database, FileMode.Open, FileAccess.Write);
        file.Position = offset;
        await file.WriteAsync(new byte[256].Select(_ => (byte)0xA5).ToArray(), TestContext.Current.CancellationToken);
    }
}
