using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Rotation;

public sealed class EnteringANewKey(RotatingServer server) : IClassFixture<RotatingServer>
{
    [Theory]
    [InlineData(SandboxKeys.Refused, typeof(ReplaceOutcome.Refused))]
    [InlineData(SandboxKeys.NotAllowed, typeof(ReplaceOutcome.Refused))]
    [InlineData(SandboxKeys.RateLimited, typeof(ReplaceOutcome.CannotTell))]
    [InlineData(SandboxKeys.Failing, typeof(ReplaceOutcome.CannotTell))]
    [InlineData(SandboxKeys.Garbage, typeof(ReplaceOutcome.CannotTell))]
    [InlineData("two keys", typeof(ReplaceOutcome.Invalid))]
    [InlineData("", typeof(ReplaceOutcome.Invalid))]
    public async Task Stores_nothing_unless_ReSci_accepts_it(string key, Type outcome)
    {
        var rotating = await Rotating.StartAsync(server.Vault);

        Assert.IsType(outcome, await rotating.ReplaceAsync('B', key: key));

        Assert.Equal("A 1", await rotating.StateAsync());
    }

    [Fact]
    public async Task Stores_it_unverified_on_request_and_lets_it_wait_whatever_was_to_follow()
    {
        var rotating = await Rotating.StartAsync(server.Vault);

        Assert.IsType<ReplaceOutcome.Waiting>(await rotating.ReplaceAsync('B', unverified: true, then: OldKey.Wipe, key: $"{SandboxKeys.Failing}-{Guid.NewGuid():N}"));

        Assert.Equal(("A 1, waiting B", VerifiedStatus.Unverified), (await rotating.StateAsync(), (await rotating.KeysAsync()).Pending!.Verdict.Status));
    }

    [Theory]
    [InlineData(nameof(OldKey.Keep), "B 2, before A")]
    [InlineData(nameof(OldKey.Wipe), "B 2")]
    public async Task Can_promote_it_in_the_same_breath(string then, string state)
    {
        var oldKey = Enum.Parse<OldKey>(then);
        var rotating = await Rotating.StartAsync(server.Vault);

        Assert.IsType<ReplaceOutcome.Promoted>(await rotating.ReplaceAsync('B', then: oldKey));
        Assert.IsType<ReplaceOutcome.Promoted>(await rotating.ReplaceAsync('B', then: oldKey));

        Assert.Equal(state, await rotating.StateAsync());
    }

    [Fact]
    public async Task Makes_one_of_ten_requests_that_are_the_same()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        var input = new NewKey($"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Then: OldKey.Keep);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Task.Run(
            () => server.Vault.Rotation.ReplaceAsync(server.Vault.Owner, rotating.Id, input, TestContext.Current.CancellationToken))));

        Assert.All(outcomes, outcome => Assert.IsType<ReplaceOutcome.Promoted>(outcome));
        var keys = await rotating.KeysAsync();
        Assert.Equal((2, null), (keys.Version, keys.Pending));
    }

    [Fact]
    public async Task Of_one_operation_on_two_credentials_stores_one_in_each()
    {
        var input = new NewKey($"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid());
        foreach (var rotating in new[] { await Rotating.StartAsync(server.Vault), await Rotating.StartAsync(server.Vault) })
        {
            await server.Vault.Rotation.ReplaceAsync(server.Vault.Owner, rotating.Id, input, TestContext.Current.CancellationToken);

            Assert.NotNull((await rotating.KeysAsync()).Pending);
        }
    }

    [Fact]
    public async Task Tells_that_it_is_the_key_in_use()
    {
        var key = $"sandbox-accepted-{Guid.NewGuid():N}";
        var id = await server.Vault.AddAsync("Same", key);

        var told = await server.Vault.Rotation.ReplaceAsync(server.Vault.Owner, id, new NewKey($" ApiKey {key}\n", Guid.NewGuid()), TestContext.Current.CancellationToken);

        Assert.Equal("This is the key the credential uses now.", Assert.IsType<ReplaceOutcome.Same>(told).Text);
    }

    [Fact]
    public async Task Takes_the_same_key_again_when_the_stored_one_does_not_open()
    {
        var key = $"sandbox-accepted-{Guid.NewGuid():N}";
        var id = await server.Vault.AddAsync("Broken", key);
        await using (var storage = await server.Vault.Server.StorageAsync())
        {
            await storage.CredentialKeys.Where(row => row.CredentialId == id).ExecuteUpdateAsync(row => row.SetProperty(stored => stored.Ciphertext, new byte[64]));
        }

        var outcome = await server.Vault.Rotation.ReplaceAsync(
            server.Vault.Owner, id, new NewKey(key, Guid.NewGuid(), Then: OldKey.Wipe), TestContext.Current.CancellationToken);

        Assert.IsType<ReplaceOutcome.Promoted>(outcome);
        Assert.True(await server.Vault.WorksAsync(id));
    }

    [Fact]
    public async Task Asks_before_it_takes_the_place_of_one_that_waits()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');

        var asked = Assert.IsType<ReplaceOutcome.AnotherWaits>(await rotating.ReplaceAsync('C'));

        Assert.IsType<ReplaceOutcome.Waiting>(await rotating.ReplaceAsync('C', instead: asked.Fingerprint));
        Assert.Equal("A 1, waiting C", await rotating.StateAsync());
    }

    [Fact]
    public async Task Asks_again_when_meanwhile_another_one_waits_than_the_one_that_was_agreed_to()
    {
        var rotating = await Rotating.StartAsync(server.Vault);
        await rotating.ReplaceAsync('B');
        var seen = (await rotating.KeysAsync()).Pending!.Key.Fingerprint;
        await rotating.ReplaceAsync('C', instead: seen);

        Assert.IsType<ReplaceOutcome.AnotherWaits>(await rotating.ReplaceAsync('D', instead: seen));
        Assert.Equal("A 1, waiting C", await rotating.StateAsync());
    }
}
