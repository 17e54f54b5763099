using System.Collections.Concurrent;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>By the command line, beside a running server, and with a process that dies in between.</summary>
public sealed class ExchangingTheRecoveryKey : IDisposable
{
    private readonly TestDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string KeyFile => _directory.KeyFile;

    private string Successor => _directory.KeyFile + ".new";

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Goes_unnoticed_by_those_who_save_meanwhile_and_prints_the_new_sheet()
    {
        await using var vault = await Vault.StartAsync(_directory);
        await vault.AddAsync("Before");
        var before = vault.Seal.RecoveryKey;
        using var stop = new CancellationTokenSource();
        var saved = new ConcurrentBag<string>();
        var writers = Enumerable.Range(0, 4).Select(writer => Task.Run(
            async () =>
            {
                // At least one each, however late a busy machine lets them begin.
                for (var number = 0; number == 0 || !stop.IsCancellationRequested; number++)
                {
                    await vault.AddAsync($"{writer}-{number}");
                    saved.Add($"{writer}-{number}");
                }
            },
            Cancellation)).ToArray();

        var ended = await CommandRun.RunAsync(_directory, "recovery-key rotate --confirm");
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        var after = vault.Seal.RecoveryKey;
        Assert.NotEqual(before.Id, after.Id);
        Assert.All(after.SheetGroups, group => Assert.Contains(group, ended.Done().Output, StringComparison.Ordinal));
        Assert.Equal(after.Id, RecoveryKey.Parse(await File.ReadAllTextAsync(KeyFile, Cancellation)).Id);
        Assert.Equal(0L, await _directory.SqlAsync(
            "SELECT (SELECT count(*) FROM sealed_values WHERE RecoveryKeyId <> $id) + (SELECT count(*) FROM ring_elements WHERE RecoveryKeyId <> $id)", ("$id", after.Id)));
        Assert.Null(vault.Seal.Reason);
        Assert.NotEmpty(saved);
        Assert.Single(await vault.Server.AuditAsync(), verb => verb == "rotate_recovery_key");
    }

    [Fact]
    public async Task Works_without_a_server_and_all_opens_at_the_next_start()
    {
        await PrepareAsync();

        (await CommandRun.RunAsync(_directory, "recovery-key rotate --confirm")).Done();

        var found = await Found.InAsync(_directory);
        Assert.Equal((1, 0), (found.Secrets, found.Unreadable));
        Assert.False(File.Exists(Successor));
    }

    [Fact]
    public async Task Keeps_the_old_key_aside_for_the_backups_of_its_time()
    {
        string backup;
        await using (var vault = await Vault.StartAsync(_directory))
        {
            await vault.AddAsync("Kept");
            backup = (await vault.Server.Service<Backups>().CreateAsync(null, null, Cancellation)).Path;
        }

        (await CommandRun.RunAsync(_directory, "recovery-key rotate --confirm")).Done();

        (await CommandRun.RunAsync(_directory, $"backup drill {backup}")).Done();
    }

    /// <summary>The process died after the database was sealed anew, and before the file was put in place.</summary>
    [Fact]
    public async Task Is_completed_at_the_next_start()
    {
        await PrepareAsync();
        var before = await File.ReadAllTextAsync(KeyFile, Cancellation);
        (await CommandRun.RunAsync(_directory, "recovery-key rotate --confirm")).Done();
        var after = await File.ReadAllTextAsync(KeyFile, Cancellation);
        File.Move(KeyFile, Successor);
        await WriteKeyAsync(KeyFile, before);

        var found = await Found.InAsync(_directory);

        Assert.Equal((1, 0), (found.Secrets, found.Unreadable));
        Assert.Equal((after, false), (await File.ReadAllTextAsync(KeyFile, Cancellation), File.Exists(Successor)));
    }

    /// <summary>The process died after the new key was written, and before the database was sealed anew.</summary>
    [Fact]
    public async Task Is_as_if_it_had_not_begun_when_the_database_was_not_sealed_anew()
    {
        await PrepareAsync();
        var before = await File.ReadAllTextAsync(KeyFile, Cancellation);
        await WriteKeyAsync(Successor, RecoveryKey.Create().ToFileText());

        var found = await Found.InAsync(_directory);

        Assert.Equal((1, 0), (found.Secrets, found.Unreadable));
        Assert.Equal((before, false), (await File.ReadAllTextAsync(KeyFile, Cancellation), File.Exists(Successor)));
    }

    /// <summary>Small here; the long run is `dotnet run --project tests/ReSciCredentials.Benchmarks -- safekeeping-kills`.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    public async Task Leaves_everything_readable_when_it_is_killed(int milliseconds)
    {
        await SafekeepingKills.PrepareAsync(_directory, credentials: 20);

        await SafekeepingKills.AmidRecoveryKeyRotationAsync(words => Executable.Start(words), _directory, TimeSpan.FromMilliseconds(milliseconds));

        var found = await Found.InAsync(_directory);
        Assert.Equal((20, 0), (found.Secrets, found.Unreadable));
    }

    [Fact]
    public async Task Compares_a_typed_sheet_with_what_the_database_needs()
    {
        await PrepareAsync();
        var right = await CommandRun.RunAsync(_directory, "recovery-key check --sheet-stdin", await File.ReadAllTextAsync(KeyFile, Cancellation));
        var other = await CommandRun.RunAsync(_directory, "recovery-key check --sheet-stdin", RecoveryKey.Create().ToFileText());

        Assert.Equal((0, 1), (right.ExitCode, other.ExitCode));
        Assert.Contains("The sheet is right", right.Output, StringComparison.Ordinal);
        Assert.Contains("The database needs", other.Errors, StringComparison.Ordinal);
    }

    private static async Task WriteKeyAsync(string path, string text)
    {
        await File.WriteAllTextAsync(path, text, Cancellation);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private async Task PrepareAsync()
    {
        await using (var vault = await Vault.StartAsync(_directory))
        {
            await vault.AddAsync("Kept");
        }

        _directory.CloseDatabase();
    }
}
