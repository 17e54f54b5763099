using ReSciCredentials.Safekeeping;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>What the server does by itself.</summary>
public sealed class BackingUpOnSchedule
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TurnedClock _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Makes_one_every_day_and_keeps_as_many_as_it_is_told()
    {
        await using var vault = await Vault.StartAsync(time: _time, settings: ["--Backups:Enabled=true", "--Backups:Kept=2"]);
        var jobs = vault.Server.Service<Jobs>();
        for (var day = 1; day <= 3; day++)
        {
            await TurnUntilAsync(async () => await CountAsync(jobs) == day);
            _time.Advance(TimeSpan.FromDays(1));
        }

        var files = Directory.GetFiles(Path.Combine(vault.Server.Directory.Path, "backups"));
        Assert.Equal(2, files.Length);
    }

    [Fact]
    public async Task Tries_again_in_a_quarter_of_an_hour_after_one_that_failed()
    {
        using var directory = new TestDirectory();
        var place = Path.Combine(directory.Path, "backups");
        await File.WriteAllTextAsync(place, "A file where the directory should be", Cancellation);
        await using var vault = await Vault.StartAsync(directory, _time, "--Backups:Enabled=true");
        var jobs = vault.Server.Service<Jobs>();
        await TurnUntilAsync(async () => await jobs.LastAsync(JobKind.Backup, Cancellation) is { FinishedAt: not null });
        var failed = await jobs.LastAsync(JobKind.Backup, Cancellation);

        File.Delete(place);
        await TurnUntilAsync(async () => await CountAsync(jobs) == 1);

        var good = await jobs.LastGoodAsync(JobKind.Backup, Cancellation);
        Assert.False(failed!.Succeeded);
        Assert.InRange(good!.RequestedAt - failed.FinishedAt!.Value, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(20));
    }

    [Fact]
    public async Task Does_nothing_that_was_only_written_into_the_database()
    {
        using var directory = new TestDirectory();
        await using var vault = await Vault.StartAsync(directory, _time);
        var recoveryKey = vault.Seal.RecoveryKey.Id;
        await directory.SqlAsync(
            """
            INSERT INTO safekeeping_jobs (Uid, Kind, RequestedAt, RequestedBy, "Order", Succeeded, Done, Total)
            VALUES ('11111111-1111-1111-1111-111111111111', 'RotateRecoveryKey', $now, 'command line', zeroblob(100), 0, 0, 0)
            """,
            ("$now", _time.GetUtcNow().UtcTicks));
        var jobs = vault.Server.Service<Jobs>();

        await TurnUntilAsync(async () => await jobs.LastAsync(JobKind.RotateRecoveryKey, Cancellation) is { FinishedAt: not null });

        Assert.False((await jobs.LastAsync(JobKind.RotateRecoveryKey, Cancellation))!.Succeeded);
        Assert.Equal(recoveryKey, vault.Seal.RecoveryKey.Id);
    }

    private static async Task<int> CountAsync(Jobs jobs) => (await jobs.ListAsync(100, Cancellation)).Count(job => job is { Kind: JobKind.Backup, Succeeded: true });

    private Task TurnUntilAsync(Func<Task<bool>> ask) => Until.TrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            return ask();
        },
        Patience);
}
