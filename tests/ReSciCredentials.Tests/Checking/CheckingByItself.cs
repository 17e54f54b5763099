using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Checking;

/// <summary>The schedule of checks, beat by beat, on a clock of the test's own.</summary>
public sealed class CheckingByItself : IAsyncLifetime
{
    private readonly TurnedClock _time = new();
    private Vault _vault = null!;

    // The beat is the test's.
    public async ValueTask InitializeAsync() => _vault = await Vault.StartAsync(time: _time, settings: "--Checks:Enabled=false");

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task Leaves_every_status_as_it_was_and_spares_ReSci_through_an_outage_of_an_hour()
    {
        await AddManyAsync(1000);
        var before = await StatusesAsync();
        _vault.Server.ReSci.Mode = SandboxMode.Down;

        await BeatAsync(TimeSpan.FromHours(1));

        Assert.Equal(before, await StatusesAsync());
        Assert.NotNull(_vault.Server.Service<OutageWatch>().Current);
        Assert.InRange(_vault.Server.ReSci.Received.Count, OutageWatch.KeysUntilDown, 25);
    }

    [Fact]
    public async Task Goes_on_by_itself_when_ReSci_is_back()
    {
        await AddManyAsync(20);
        _vault.Server.ReSci.Mode = SandboxMode.Down;
        await BeatAsync(TimeSpan.FromMinutes(10));
        _vault.Server.ReSci.Mode = SandboxMode.Normal;

        await BeatAsync(TimeSpan.FromMinutes(30));

        Assert.Null(_vault.Server.Service<OutageWatch>().Current);
        await using var storage = await _vault.Server.StorageAsync();
        // Those that failed to be asked in the outage come a little later; all others were.
        Assert.InRange(await storage.Credentials.CountAsync(row => row.VerifiedStatus == VerifiedStatus.Verified), 14, 20);
    }

    [Fact]
    public async Task Fails_a_key_that_was_good_at_its_second_refusal_and_writes_down_who_found_it()
    {
        var id = await AddVerifiedAsync("sandbox-refused-1");

        await BeatAsync(TimeSpan.FromMinutes(1));
        var first = await FindAsync(id);
        await BeatAsync(TimeSpan.FromMinutes(20));
        var second = await FindAsync(id);

        Assert.Equal((VerifiedStatus.Verified, true), (first.VerifiedStatus, first.DoubtedAt is not null));
        Assert.Equal((VerifiedStatus.Failed, false), (second.VerifiedStatus, second.DoubtedAt is not null));
        await using var storage = await _vault.Server.StorageAsync();
        var entry = Assert.Single(await storage.AuditEntries.Where(row => row.Event == "probe" && row.ItemId == id).ToListAsync());
        Assert.Equal(("server", "Refused"), (entry.ActorName, entry.Fields));
    }

    [Fact]
    public async Task Does_not_hammer_a_key_that_is_refused()
    {
        await AddVerifiedAsync("sandbox-refused-1");

        await BeatAsync(TimeSpan.FromHours(4));

        Assert.Equal(2, _vault.Server.ReSci.Received.Count);
    }

    [Fact]
    public async Task Is_no_conflict_for_a_person_who_is_editing()
    {
        var id = await AddVerifiedAsync("sandbox-accepted-1");
        var revision = (await FindAsync(id)).Revision;

        await BeatAsync(TimeSpan.FromMinutes(1));

        var after = await FindAsync(id);
        Assert.Equal((revision, true), (after.Revision, after.NextCheckAt > _time.GetUtcNow().AddHours(20)));
    }

    [Fact]
    public async Task Passes_over_a_key_that_does_not_open()
    {
        var shut = await AddVerifiedAsync("sandbox-accepted-1");
        await _vault.Server.Directory.SqlAsync("UPDATE credential_keys SET Ciphertext = zeroblob(80) WHERE CredentialId = $id", ("$id", shut));
        var open = await AddVerifiedAsync("sandbox-accepted-2");

        await BeatAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((null, true), ((await FindAsync(shut)).CheckedAt, (await FindAsync(open)).CheckedAt is not null));
        Assert.True((await FindAsync(shut)).NextCheckAt > _time.GetUtcNow());
    }

    [Fact]
    public async Task Keeps_the_newest_checks_of_a_credential_and_no_others()
    {
        var id = await AddVerifiedAsync("sandbox-accepted-1");
        var checks = _vault.Server.Service<CredentialChecks>();
        for (var i = 0; i < 110; i++)
        {
            await MakeDueAsync(id);
            await checks.CheckDueAsync(id, TestContext.Current.CancellationToken);
        }

        var history = await _vault.Credentials.FindChecksAsync(_vault.Owner, id, TestContext.Current.CancellationToken);
        await using var storage = await _vault.Server.StorageAsync();
        Assert.Equal((100, 100), (await storage.CredentialChecks.CountAsync(), history!.Checks.Count));
    }

    [Fact]
    public async Task Asks_nobody_while_the_server_is_sealed()
    {
        await AddVerifiedAsync("sandbox-accepted-1");
        _vault.Seal.Close(new SealReason(SealCause.KeyFileMissing));

        var next = await _vault.Server.Service<CheckSchedule>().TakeNextAsync(TestContext.Current.CancellationToken);

        Assert.Null(next);
    }

    /// <summary>Lets time pass in steps of five seconds, checking what the schedule gives out at each.</summary>
    private async Task BeatAsync(TimeSpan time)
    {
        var schedule = _vault.Server.Service<CheckSchedule>();
        var step = TimeSpan.FromSeconds(5);
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
        {
            if (await schedule.TakeNextAsync(TestContext.Current.CancellationToken) is { } id)
            {
                await schedule.CheckAsync(id, TestContext.Current.CancellationToken);
            }

            _time.Advance(step);
        }
    }

    /// <summary>Stores a credential that was good until now, and is due.</summary>
    private async Task<int> AddVerifiedAsync(string key)
    {
        var outcome = await _vault.Credentials.SaveAsync(
            _vault.Owner, new NewCredential("Good until now", null, key, Guid.NewGuid(), Unverified: true, Same: true), TestContext.Current.CancellationToken);
        var id = Assert.IsType<SaveOutcome.Saved>(outcome).Id;
        await _vault.Server.Directory.SqlAsync("UPDATE credentials SET VerifiedStatus = 'Verified' WHERE Id = $id", ("$id", id));
        await MakeDueAsync(id);
        return id;
    }

    private Task<object?> MakeDueAsync(int id) =>
        _vault.Server.Directory.SqlAsync("UPDATE credentials SET NextCheckAt = 0 WHERE Id = $id", ("$id", id));

    /// <summary>Stores credentials of every status, all due, without asking ReSci.</summary>
    private async Task AddManyAsync(int count)
    {
        var protector = _vault.Server.Service<SecretProtector>();
        await using var storage = await _vault.Server.StorageAsync();
        for (var i = 0; i < count; i++)
        {
            var (uid, keyUid) = (Guid.NewGuid(), Guid.NewGuid());
            using var key = new Secret($"sandbox-accepted-{i}");
            storage.Credentials.Add(new Credential
            {
                Uid = uid,
                OwnerId = _vault.Owner.Id,
                Name = $"Credential {i}",
                CurrentKeyUid = keyUid,
                Version = 1,
                VerifiedStatus = (i % 10) switch { 0 => VerifiedStatus.Failed, 1 => VerifiedStatus.Unverified, _ => VerifiedStatus.Verified },
                OperationId = Guid.NewGuid(),
                Keys =
                [
                    new CredentialKey
                    {
                        Uid = keyUid,
                        Ciphertext = await protector.ProtectAsync(key, uid, keyUid, TestContext.Current.CancellationToken),
                        Fingerprint = protector.FingerprintOf(key),
                    },
                ],
            });
        }

        await storage.SaveChangesAsync(TestContext.Current.CancellationToken);
    }

    private async Task<VerifiedStatus[]> StatusesAsync()
    {
        await using var storage = await _vault.Server.StorageAsync();
        return await storage.Credentials.OrderBy(row => row.Id).Select(row => row.VerifiedStatus).ToArrayAsync();
    }

    private async Task<Credential> FindAsync(int id)
    {
        await using var storage = await _vault.Server.StorageAsync();
        return await storage.Credentials.AsNoTracking().SingleAsync(row => row.Id == id);
    }
}

public sealed class TheBeatOfTheServer
{
    [Fact]
    public async Task Verifies_what_was_saved_unverified_within_minutes()
    {
        var time = new TurnedClock();
        await using var vault = await Vault.StartAsync(time: time);
        await vault.Credentials.SaveAsync(
            vault.Owner,
            new NewCredential("Unverified", null, "sandbox-accepted-1", Guid.NewGuid(), Unverified: true, Same: true),
            TestContext.Current.CancellationToken);
        var saved = time.GetUtcNow();
        var planned = await ReadAsync(vault, row => row.NextCheckAt);
        time.Advance(planned - saved);

        await Until.TrueAsync(
            async () =>
            {
                time.AdvanceBetweenCalls(TimeSpan.FromSeconds(1));
                return await ReadAsync(vault, row => row.VerifiedStatus) is VerifiedStatus.Verified;
            },
            TimeSpan.FromSeconds(20));

        Assert.InRange(planned - saved, CheckRules.LeastApart, TimeSpan.FromMinutes(10));
    }

    private static async Task<T> ReadAsync<T>(Vault vault, Expression<Func<Credential, T>> field)
    {
        await using var storage = await vault.Server.StorageAsync();
        return await storage.Credentials.Select(field).SingleAsync();
    }
}
