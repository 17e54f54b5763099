using System.Collections.Concurrent;
using System.Text.Json;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>Backups of a running server, and what becomes of them on an empty machine with nothing but the recovery key.</summary>
public sealed class BackingUp : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private Vault _vault = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string BackupsDirectory => Path.Combine(_directory.Path, "backups");

    private Backups Backups => _vault.Server.Service<Backups>();

    public async ValueTask InitializeAsync() => _vault = await Vault.StartAsync(_directory);

    public async ValueTask DisposeAsync()
    {
        await _vault.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>Small here; the long run is `dotnet run --project tests/ReSciCredentials.Benchmarks -- backups`.</summary>
    [Fact]
    public async Task Holds_every_save_that_was_acknowledged_before_it_while_others_go_on()
    {
        const int Writers = 8;
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(
            async () =>
            {
                for (var number = 0; !stop.IsCancellationRequested; number++)
                {
                    await _vault.AddAsync($"{writer}-{number}");
                    acknowledged.Add($"{writer}-{number}");
                }
            },
            Cancellation)).ToArray();

        var taken = new List<(Backup Backup, string[] Before)>();
        for (var round = 0; round < 5; round++)
        {
            string[] before = [.. acknowledged];
            taken.Add((await Backups.CreateAsync(null, null, Cancellation), before));
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        foreach (var (backup, before) in taken)
        {
            using var empty = await RestoreOnAnEmptyMachineAsync(backup.Path);
            var found = await Found.InAsync(empty);
            Assert.Empty(before.Except(found.Names));
            Assert.Equal((backup.Manifest.Secrets, 0, 0), (found.Secrets, found.Unreadable, found.SessionsAlive));
        }
    }

    [Fact]
    public async Task Is_for_its_owner_alone_and_leaves_nothing_else_behind()
    {
        var backup = await Backups.CreateAsync(null, null, Cancellation);

        Assert.Equal([backup.Path], Directory.GetFileSystemEntries(BackupsDirectory));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(backup.Path));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(BackupsDirectory));
    }

    [Fact]
    public async Task Is_refused_when_the_recovery_key_got_into_the_database()
    {
        await _vault.AddAsync("Innocent");
        var group = _vault.Seal.RecoveryKey.SheetGroups[5];
        await _directory.SqlAsync("UPDATE credentials SET Description = $note", ("$note", $"My sheet, line 6: {group}"));

        var refused = await Assert.ThrowsAsync<BackupRefusedException>(() => Backups.CreateAsync(null, null, Cancellation));

        Assert.Contains("recovery key was found", refused.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(BackupsDirectory));
    }

    [Fact]
    public async Task Is_refused_beside_the_recovery_key()
    {
        var beside = Path.GetDirectoryName(_directory.KeyFile)!;

        var refused = await Assert.ThrowsAsync<BackupRefusedException>(() => Backups.CreateAsync(beside, null, Cancellation));

        Assert.Contains("whoever copies the backups", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_made_by_the_command_line_beside_the_running_server_and_written_down()
    {
        await _vault.AddAsync("Kept");

        var ended = await CommandRun.RunAsync(_directory, "backup create --json");

        var answer = JsonDocument.Parse(ended.Done().Output).RootElement;
        Assert.Equal((1, true), (answer.GetProperty("backup").GetProperty("secrets").GetInt32(), File.Exists(answer.GetProperty("backup").GetProperty("path").GetString())));
        var job = Assert.Single(await _vault.Server.Service<Jobs>().ListAsync(10, Cancellation));
        Assert.Equal((Storage.JobKind.Backup, true, "command line"), (job.Kind, job.Succeeded, job.RequestedBy));
        Assert.Equal("backup", (await _vault.Server.AuditAsync())[^1]);
    }

    [Fact]
    public async Task Is_verified_and_rehearsed_without_the_server_noticing()
    {
        await _vault.AddAsync("Kept");
        var backup = await Backups.CreateAsync(null, null, Cancellation);
        var rows = await StoredRows.ReadAsync(_directory);

        (await CommandRun.RunAsync(_directory, $"backup verify {backup.Path}")).Done();
        var drill = await CommandRun.RunAsync(_directory, $"backup drill {backup.Path} --json");

        var answer = JsonDocument.Parse(drill.Done().Output).RootElement;
        Assert.Equal((1, 0), (answer.GetProperty("opened").GetInt32(), answer.GetProperty("unreadable").GetArrayLength()));
        Assert.Equal(rows, await StoredRows.ReadAsync(_directory));
        Assert.Equal([backup.Path], Directory.GetFileSystemEntries(BackupsDirectory));
    }

    [Fact]
    public async Task Names_in_a_rehearsal_the_credential_whose_key_does_not_open()
    {
        await _vault.AddAsync("Good");
        var broken = await _vault.AddAsync("Broken");
        await _directory.SqlAsync("UPDATE credential_keys SET Ciphertext = zeroblob(length(Ciphertext)) WHERE CredentialId = $id", ("$id", broken));
        await Backups.CreateAsync(null, null, Cancellation);

        var ended = await CommandRun.RunAsync(_directory, "backup drill");

        Assert.Equal((1, false), (ended.ExitCode, (await _vault.Server.Service<Jobs>().LastAsync(Storage.JobKind.Drill, Cancellation))!.Succeeded));
        Assert.Contains($"1 of 2 keys opened", ended.Errors, StringComparison.Ordinal);
        Assert.Contains($"do not: {broken}", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_listed_the_newest_first()
    {
        var first = await Backups.CreateAsync(null, null, Cancellation);
        var second = await Backups.CreateAsync(null, null, Cancellation);

        Assert.Equal([second.Path, first.Path], (await Backups.ListAsync(Cancellation)).Select(backup => backup.Path));
    }

    private async Task<TestDirectory> RestoreOnAnEmptyMachineAsync(string backup)
    {
        var empty = new TestDirectory();
        (await CommandRun.RunAsync(empty, $"backup restore {backup} --key-file {_directory.KeyFile}")).Done();
        return empty;
    }
}
