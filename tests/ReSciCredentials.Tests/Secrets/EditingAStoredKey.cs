using Microsoft.AspNetCore.DataProtection.KeyManagement;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

public sealed class EditingAStoredKey
{
    [Fact]
    public async Task Labels_a_row_that_got_the_ciphertext_of_another_and_leaves_the_others_alone()
    {
        await using var vault = await Vault.StartAsync();
        var source = await vault.AddAsync("Source");
        var target = await vault.AddAsync("Target");
        var bystander = await vault.AddAsync("Bystander");

        await CopyCiphertextAsync(vault, source, target);

        Assert.True((await vault.TileAsync(target)).CannotBeDecrypted);
        Assert.Equal(new Reply<Verdict?>.Granted(null), await vault.Credentials.CheckAsync(vault.Owner, target, TestContext.Current.CancellationToken));
        Assert.True(await vault.WorksAsync(source));
        Assert.True(await vault.WorksAsync(bystander));
    }

    [Fact]
    public async Task Lists_a_row_that_does_not_open_among_all_others()
    {
        await using var vault = await Vault.StartAsync();
        var source = await vault.AddAsync("Source");
        var target = await vault.AddAsync("Target");
        await CopyCiphertextAsync(vault, source, target);

        var page = await vault.Server.Service<CredentialSearch>().PickAsync(vault.Owner, null, null, 10, TestContext.Current.CancellationToken);

        Assert.Equal([("Target", true), ("Source", false)], page.Tiles.Select(tile => (tile.Name, tile.CannotBeDecrypted)));
    }

    [Fact]
    public async Task Does_not_open_a_key_row_that_was_hung_under_another_credential()
    {
        await using var vault = await Vault.StartAsync();
        var source = await vault.AddAsync("Source");
        var target = await vault.AddAsync("Target");

        // The whole row moves, uid and all, and the credential points to it: only the credential's uid in the purpose is wrong now.
        await vault.Server.Directory.SqlAsync(
            """
            UPDATE credentials SET CurrentKeyUid = (SELECT Uid FROM credential_keys WHERE CredentialId = $source) WHERE Id = $target;
            UPDATE credential_keys SET CredentialId = $target WHERE CredentialId = $source;
            """,
            ("$source", source),
            ("$target", target));

        Assert.True((await vault.TileAsync(target)).CannotBeDecrypted);
    }

    [Fact]
    public async Task Opens_no_ciphertext_with_one_bit_flipped_wherever_it_is()
    {
        await using var vault = await Vault.StartAsync();
        var protector = vault.Server.Service<SecretProtector>();
        var (credential, row) = (Guid.NewGuid(), Guid.NewGuid());
        using var key = new Secret("sandbox-accepted-0123456789");
        var ciphertext = await protector.ProtectAsync(key, credential, row, TestContext.Current.CancellationToken);
        Assert.True(protector.CanOpen(ciphertext, credential, row));

        var opened = Enumerable.Range(0, ciphertext.Length * 8).Where(bit =>
        {
            byte[] flipped = [.. ciphertext];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            return protector.CanOpen(flipped, credential, row);
        });

        Assert.Empty(opened);
    }

    [Fact]
    public async Task Opens_no_ciphertext_that_was_cut_short_or_made_longer()
    {
        await using var vault = await Vault.StartAsync();
        var protector = vault.Server.Service<SecretProtector>();
        var (credential, row) = (Guid.NewGuid(), Guid.NewGuid());
        using var key = new Secret("sandbox-accepted-0123456789");
        var ciphertext = await protector.ProtectAsync(key, credential, row, TestContext.Current.CancellationToken);

        var opened = Enumerable.Range(0, ciphertext.Length).Where(length => protector.CanOpen(ciphertext[..length], credential, row));

        Assert.Empty(opened);
        Assert.False(protector.CanOpen([.. ciphertext, 0], credential, row));
    }

    [Fact]
    public async Task Still_opens_after_its_ring_key_was_revoked()
    {
        using var directory = new TestDirectory();
        int id;
        await using (var before = await Vault.StartAsync(directory))
        {
            id = await before.AddAsync("Kept");
            before.Server.Service<IKeyManager>().RevokeAllKeys(DateTimeOffset.UtcNow, "A test");
        }

        await using var after = await Vault.StartAsync(directory);

        Assert.True(await after.WorksAsync(id));
        Assert.True(await after.WorksAsync(await after.AddAsync("New")));
    }

    private static Task<object?> CopyCiphertextAsync(Vault vault, int source, int target) => vault.Server.Directory.SqlAsync(
        "UPDATE credential_keys SET Ciphertext = (SELECT Ciphertext FROM credential_keys WHERE CredentialId = $source) WHERE CredentialId = $target",
        ("$source", source),
        ("$target", target));
}
