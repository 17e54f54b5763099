using System.Text;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

public sealed class EditingTheKeyRing
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Never_uses_a_planted_key_and_reports_it(bool sealedByAnotherKey)
    {
        using var directory = new TestDirectory();
        int old;
        await using (var before = await Vault.StartAsync(directory))
        {
            old = await before.AddAsync("Before");
        }

        var (plantedId, xml) = ForeignRingKey(directory);
        var stranger = RecoveryKey.Create();
        var name = $"key-{plantedId}";
        await directory.SqlAsync(
            "INSERT INTO ring_elements (Name, RecoveryKeyId, Sealed, CreatedAt) SELECT $name, RecoveryKeyId, $element, CreatedAt + 1 FROM ring_elements LIMIT 1",
            ("$name", name),
            ("$element", sealedByAnotherKey ? stranger.Seal($"ring/{name}", xml) : xml));

        await using var after = await Vault.StartAsync(directory);
        var added = await after.AddAsync("After");

        Assert.DoesNotContain(plantedId, after.Server.Service<IKeyManager>().GetAllKeys().Select(key => key.KeyId));
        Assert.NotEqual(plantedId, await RingKeyOfAsync(after, added));
        Assert.Contains(
            after.Server.Logs.GetSnapshot(),
            record => record.Level == LogLevel.Error && record.Message.Contains("was not sealed by this server's recovery key", StringComparison.Ordinal));
        Assert.True(await after.WorksAsync(old));
        Assert.True(await after.WorksAsync(added));
    }

    [Fact]
    public async Task Does_not_use_an_element_that_was_renamed()
    {
        using var directory = new TestDirectory();
        await using (var before = await Vault.StartAsync(directory))
        {
            await before.AddAsync("Before");
        }

        await directory.SqlAsync("UPDATE ring_elements SET Name = 'key-' || 'moved'");

        await using var after = await Vault.StartAsync(directory);

        Assert.Equal(SealCause.RingDamaged, after.Seal.Reason?.Cause);
    }

    [Fact]
    public async Task Seals_a_server_that_starts_without_any_element()
    {
        using var directory = new TestDirectory();
        await using (var before = await Vault.StartAsync(directory))
        {
            await before.AddAsync("Before");
        }

        await directory.SqlAsync("DELETE FROM ring_elements");

        await using var after = await Vault.StartAsync(directory);

        Assert.Equal(SealCause.RingDamaged, after.Seal.Reason?.Cause);
        Assert.Equal(0L, await directory.SqlAsync("SELECT count(*) FROM ring_elements"));
    }

    [Fact]
    public async Task Makes_the_next_key_before_the_present_one_expires()
    {
        using var directory = new TestDirectory();
        var now = DateTimeOffset.UtcNow;
        await using var vault = await Vault.StartAsync(directory);
        var ring = vault.Server.Service<IKeyManager>();
        await directory.SqlAsync("DELETE FROM ring_elements");
        var ending = ring.CreateNewKey(now.AddDays(-88), now.AddDays(2));

        Assert.True(await vault.Server.Service<Opening>().ExtendRingAsync(TestContext.Current.CancellationToken));

        var next = Assert.Single(ring.GetAllKeys(), key => key.KeyId != ending.KeyId);
        Assert.Equal(ending.ExpirationDate, next.ActivationDate);
    }

    [Fact]
    public async Task Makes_no_key_while_the_present_one_lasts()
    {
        await using var vault = await Vault.StartAsync();

        Assert.True(await vault.Server.Service<Opening>().ExtendRingAsync(TestContext.Current.CancellationToken));

        Assert.Single(vault.Server.Service<IKeyManager>().GetAllKeys());
    }

    [Fact]
    public async Task Makes_a_key_at_once_for_a_server_that_was_off_until_all_had_expired()
    {
        using var directory = new TestDirectory();
        var now = DateTimeOffset.UtcNow;
        await using (var before = await Vault.StartAsync(directory))
        {
            await directory.SqlAsync("DELETE FROM ring_elements");
            before.Server.Service<IKeyManager>().CreateNewKey(now.AddDays(-200), now.AddDays(-110));
        }

        await using var after = await Vault.StartAsync(directory);

        Assert.True(await after.WorksAsync(await after.AddAsync("After")));
    }

    /// <summary>A key that another Data Protection made, as it writes it when nothing seals it.</summary>
    private static (Guid Id, byte[] Xml) ForeignRingKey(TestDirectory directory)
    {
        var place = Directory.CreateDirectory(Path.Combine(directory.Path, "foreign"));
        DataProtectionProvider.Create(place).CreateProtector("any").Protect("any");
        var file = Assert.Single(place.GetFiles("key-*.xml"));
        return (Guid.Parse(Path.GetFileNameWithoutExtension(file.Name)["key-".Length..]), Encoding.UTF8.GetBytes(File.ReadAllText(file.FullName)));
    }

    /// <summary>A payload of Data Protection names its ring key behind our format marker and its own four bytes.</summary>
    private static async Task<Guid> RingKeyOfAsync(Vault vault, int credential)
    {
        await using var storage = await vault.Server.StorageAsync();
        var ciphertext = await storage.CredentialKeys.Where(key => key.CredentialId == credential)
            .Select(key => key.Ciphertext).SingleAsync(TestContext.Current.CancellationToken);
        return new Guid(ciphertext.AsSpan(5, 16));
    }
}
