using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Rotation;

/// <summary>What decisions/0004 says, row by row.</summary>
public sealed class DecidingAboutKeys(RotatingServer server) : IClassFixture<RotatingServer>
{
    /// <summary>What was done, and which key is what afterwards.</summary>
    public static TheoryData<string, string> Table { get; } = new()
    {
        { "enter B", "A 1, waiting B" },
        { "enter B; drop B", "A 1" },
        { "enter B; enter C", "A 1, waiting B" },
        { "enter B; enter instead C", "A 1, waiting C" },
        { "enter B; promote B", "B 2, before A" },
        { "enter B; promote and wipe for B", "B 2" },
        { "enter B; promote B; wipe A", "B 2" },
        { "enter B; promote B; roll back to A", "A 3, waiting B" },
        { "enter B; promote B; roll back to A; promote B", "B 4, before A" },
        { "enter B; promote B; roll back to A; drop B", "A 3" },
        { "enter B; promote B; enter C", "B 2, waiting C, before A" },
        { "enter B; promote B; enter C; promote C", "C 3, before B" },
        { "enter B; promote B; enter C; promote and wipe for C", "C 3" },
        { "enter B; promote B; enter C; roll back to A", "A 3, waiting C, before B" },
        { "enter B; promote B; enter C; roll back to A; roll back to B", "B 4, waiting C, before A" },
        { "enter B; promote B; enter C; drop C", "B 2, before A" },
        // Said about a key that is no longer what it was.
        { "enter B; promote B; drop B", "B 2, before A" },
        { "enter B; drop B; promote B", "A 1" },
        { "enter B; promote B; enter C; promote C; roll back to A", "C 3, before B" },
        { "enter B; promote B; roll back to A; wipe A", "A 3, waiting B" },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Leaves_each_key_where_it_belongs(string steps, string state)
    {
        var rotating = await Rotating.StartAsync(server.Vault);

        foreach (var step in steps.Split("; "))
        {
            await rotating.DoAsync(step);
        }

        Assert.Equal(state, await rotating.StateAsync());
    }

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Is_the_same_when_every_step_is_sent_twice(string steps, string state)
    {
        var rotating = await Rotating.StartAsync(server.Vault);

        foreach (var step in steps.Split("; "))
        {
            await rotating.DoAsync(step);
            await rotating.DoAsync(step);
        }

        Assert.Equal(state, await rotating.StateAsync());
    }

    [Fact]
    public async Task Makes_one_of_ten_that_promote_the_same_key_at_once()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(() => rotating.PromoteAsync('B'))));

        Assert.All(outcomes, outcome => Assert.IsType<RotationOutcome.Done>(outcome));
        Assert.Equal("B 2, before A", await rotating.StateAsync());
    }

    [Fact]
    public async Task Tells_whoever_comes_second_that_somebody_decided_otherwise()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        await rotating.DropAsync('B');

        Assert.IsType<RotationOutcome.ChangedMeanwhile>(await rotating.PromoteAsync('B'));
    }

    [Fact]
    public async Task Takes_over_what_ReSci_said_of_the_key_while_it_waited()
    {
        var verified = await Rotating.StartAsync(server.Vault);
        await verified.ReplaceAsync('B');
        await verified.PromoteAsync('B');
        var unverified = await Rotating.StartAsync(server.Vault);
        await unverified.ReplaceAsync('B', unverified: true);
        await unverified.PromoteAsync('B');

        Assert.Equal(VerifiedStatus.Verified, (await server.Vault.TileAsync(verified.Id)).VerifiedStatus);
        Assert.Equal(VerifiedStatus.Unverified, (await server.Vault.TileAsync(unverified.Id)).VerifiedStatus);
    }

    [Fact]
    public async Task Knows_nothing_of_the_key_it_rolled_back_to_while_ReSci_cannot_be_asked()
    {
        await using var vault = await Vault.StartAsync();
        var rotating = await Rotating.StartAsync(vault);
        await rotating.ReplaceAsync('B');
        await rotating.PromoteAsync('B');
        vault.Server.ReSci.Mode = SandboxMode.Down;

        await rotating.RollBackAsync('A');

        Assert.Equal(VerifiedStatus.Unverified, (await vault.TileAsync(rotating.Id)).VerifiedStatus);
        Assert.Equal("A 3, waiting B", await rotating.StateAsync());
    }

    [Fact]
    public async Task Asks_ReSci_at_once_about_a_key_it_rolled_back_to()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        await rotating.PromoteAsync('B');

        await rotating.RollBackAsync('A');

        Assert.Equal(VerifiedStatus.Verified, (await server.Vault.TileAsync(rotating.Id)).VerifiedStatus);
    }

    [Fact]
    public async Task Starts_the_checks_of_a_new_key_anew()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await using (var storage = await server.Vault.Server.StorageAsync())
        {
            await storage.Credentials.Where(row => row.Id == rotating.Id).ExecuteUpdateAsync(row => row
                .SetProperty(credential => credential.DoubtedAt, DateTimeOffset.UtcNow)
                .SetProperty(credential => credential.ChecksWithoutVerdict, 7));
        }

        await rotating.ReplaceAsync('B');
        await rotating.PromoteAsync('B');

        await using var after = await server.Vault.Server.StorageAsync();
        var credential = await after.Credentials.SingleAsync(row => row.Id == rotating.Id);
        Assert.Equal((null, 0), (credential.DoubtedAt, credential.ChecksWithoutVerdict));
    }

    [Fact]
    public async Task Is_written_down_step_by_step()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        await rotating.PromoteAsync('B');
        await rotating.RollBackAsync('A');
        await rotating.DropAsync('B');
        await rotating.DropAsync('B');

        await using var storage = await server.Vault.Server.StorageAsync();
        var events = await storage.AuditEntries.Where(entry => entry.ItemType == "credential" && entry.ItemId == rotating.Id && entry.Event != "probe")
            .OrderBy(entry => entry.Id).Select(entry => entry.Event).ToListAsync();
        Assert.Equal(["create", "replace_key", "promote_key", "roll_back_key", "drop_key"], events);
    }

    [Fact]
    public async Task Is_not_done_when_it_cannot_be_written_down()
    {
        await using var vault = await Vault.StartAsync();
        var rotating = await Rotating.StartAsync(vault);
        await rotating.ReplaceAsync('B');
        await vault.Server.Directory.SqlAsync("DROP TABLE audit_entries");

        await Assert.ThrowsAnyAsync<DbException>(() => rotating.PromoteAsync('B'));

        Assert.Equal("A 1, waiting B", await rotating.StateAsync());
    }

    [Fact]
    public async Task Shows_who_entered_the_waiting_key_and_what_ReSci_said_of_it()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');

        var pending = (await rotating.KeysAsync()).Pending!;

        Assert.Equal((TestServer.OwnerEmail, VerifiedStatus.Verified), (pending.EnteredBy, pending.Verdict.Status));
    }

    [Fact]
    public async Task Tests_the_waiting_key_beside_the_current_one()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B', unverified: true, key: $"{SandboxKeys.NotAllowed}-{Guid.NewGuid():N}");

        var result = (await server.Vault.Rotation.TestAsync(server.Vault.Owner, rotating.Id, rotating.Uids['B'], TestContext.Current.CancellationToken)).ValueOrDefault;

        Assert.Equal(
            (ReSciCredentials.ReSci.VerdictOutcome.Refused, ReSciCredentials.ReSci.VerdictOutcome.Accepted), (result?.Pending.Outcome, result?.Current?.Outcome));
        Assert.Equal(VerifiedStatus.Failed, (await rotating.KeysAsync()).Pending!.Verdict.Status);
        Assert.Equal(VerifiedStatus.Verified, (await server.Vault.TileAsync(rotating.Id)).VerifiedStatus);
    }

    [Fact]
    public async Task Does_not_exist_for_whoever_may_not_see_the_credential()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        var stranger = server.Vault.Owner with { Id = server.Vault.Owner.Id + 1 };
        var rotation = server.Vault.Rotation;
        var uid = rotating.Uids['B'];
        var cancellation = TestContext.Current.CancellationToken;

        Assert.Null(await rotation.FindAsync(stranger, rotating.Id, cancellation));
        Assert.IsType<Reply<SideBySide?>.NotFound>(await rotation.TestAsync(stranger, rotating.Id, uid, cancellation));
        Assert.IsType<ReplaceOutcome.NotFound>(
            await rotation.ReplaceAsync(stranger, rotating.Id, new NewKey("sandbox-accepted-x", Guid.NewGuid()), cancellation));
        Assert.IsType<RotationOutcome.NotFound>(await rotation.PromoteAsync(stranger, rotating.Id, uid, OldKey.Keep, cancellation));
        Assert.IsType<RotationOutcome.NotFound>(await rotation.RollBackAsync(stranger, rotating.Id, uid, cancellation));
        Assert.IsType<RotationOutcome.NotFound>(await rotation.DropAsync(stranger, rotating.Id, uid, cancellation));
        Assert.IsType<RotationOutcome.NotFound>(await rotation.WipePreviousAsync(stranger, rotating.Id, uid, cancellation));
        Assert.IsType<Reply<KeyUseReport>.NotFound>(
            await server.Vault.Server.Service<KeyUseReports>().ReportAsync(stranger, rotating.Id, null, null, default, cancellation));
        Assert.Equal("A 1, waiting B", await rotating.StateAsync());
    }
}
