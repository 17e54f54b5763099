using ReSciCredentials.Credentials;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>What <c>src/operations.md</c> says to do when somebody has seen the recovery sheet, or was on the machine; each step as it stands there.</summary>
public sealed class WhenSomebodyWasThere : IDisposable
{
    private readonly TestDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task A_sheet_that_was_seen_opens_nothing_that_is_stored_since()
    {
        using var thief = new TestDirectory();
        var sheet = Path.Combine(thief.Path, "seen.sheet");
        Backup backup;
        await using (var vault = await Vault.StartAsync(_directory))
        {
            var credential = await vault.AddAsync("Seen");
            await vault.Server.Service<Backups>().CreateAsync(null, null, Cancellation);
            File.Copy(_directory.KeyFile, sheet);

            (await CommandRun.RunAsync(_directory, "recovery-key rotate --confirm")).Done();
            (await CommandRun.RunAsync(_directory, "secrets rotate-all --confirm")).Done();
            await ReplaceKeyAsync(vault, credential);
            backup = await vault.Server.Service<Backups>().CreateAsync(null, null, Cancellation);
            (await CommandRun.RunAsync(_directory, $"backup drill {backup.Path}")).Done();
            DestroyWhatWasMadeBefore(backup);

            (await CommandRun.RunAsync(_directory, "backup drill")).Done();
            Assert.True(await vault.WorksAsync(credential));
        }

        _directory.CloseDatabase();
        var byBackup = await CommandRun.RunAsync(thief, $"backup restore {backup.Path} --key-file {sheet}");
        OwnedData.Copy(_directory, thief);
        File.Copy(sheet, thief.KeyFile, overwrite: true);
        var byDatabase = await Assert.ThrowsAsync<InvalidOperationException>(() => Found.InAsync(thief));

        Assert.Equal(1, byBackup.ExitCode);
        Assert.Contains("was made under recovery key", byBackup.Errors, StringComparison.Ordinal);
        Assert.Contains("is sealed", byDatabase.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_somebody_did_on_the_machine_is_found_on_a_clean_one_and_a_backup_from_before_is_put_to_work_there()
    {
        string backup;
        await using (var vault = await Vault.StartAsync(_directory))
        {
            var credential = await vault.AddAsync("One");
            await vault.AddAsync("Two");
            await _directory.SqlAsync(
                """
                INSERT INTO flows (Id, Kind, OwnerId, Name, Endpoint, CredentialId, Status, CreatedAt, UpdatedAt, OperationId, Revision)
                VALUES (1, 'Source', $owner, 'Import jobs', 'list_import_jobs', $credential, 'Active', 0, 0, '00000000-0000-0000-0000-000000000001', 1);
                INSERT INTO access_tokens (OwnerId, FlowId, Name, Hash, Beginning, CreatedAt, OperationId, Revision)
                VALUES ($owner, 1, 'Nightly', zeroblob(32), 'rcat_abcd', 0, '00000000-0000-0000-0000-000000000002', 1);
                """,
                ("$owner", vault.Owner.Id),
                ("$credential", credential));
            backup = (await vault.Server.Service<Backups>().CreateAsync(null, null, Cancellation)).Path;
        }

        await _directory.SqlAsync(
            """
            UPDATE credential_keys SET Ciphertext = (SELECT Ciphertext FROM credential_keys WHERE CredentialId = 2) WHERE CredentialId = 1;
            INSERT INTO ring_elements (Name, RecoveryKeyId, Sealed, CreatedAt) VALUES ('key-of-theirs', 'K-0000-0000', zeroblob(60), 0);
            DELETE FROM audit_entries WHERE Id = (SELECT max(Id) - 1 FROM audit_entries);
            """);
        _directory.CloseDatabase();
        using var clean = new TestDirectory();
        OwnedData.Copy(_directory, clean);

        var check = await CheckAsync(clean);
        var audit = await CommandRun.RunAsync(clean, "audit verify");
        (await CommandRun.RunAsync(clean, $"backup restore {backup}")).Done();
        // Commands are processes of their own; this one would go on with the file that was replaced.
        clean.CloseDatabase();
        var after = await CheckAsync(clean);
        (await CommandRun.RunAsync(clean, "recovery-key rotate --confirm")).Done();
        var rotated = await CommandRun.RunAsync(clean, "secrets rotate-all --confirm");

        Assert.Equal((1, 1), (check.ExitCode, audit.ExitCode));
        Assert.All(["key ring", "stored keys"], area => Assert.Matches($"FAULT +{area}", check.Output));
        Assert.True(after.ExitCode == 0, after.Output);
        Assert.Contains("access token Nightly", rotated.Done().Output, StringComparison.Ordinal);
        var found = await Found.InAsync(clean);
        Assert.Equal((2, 0, 0), (found.Secrets, found.Unreadable, found.SessionsAlive));
    }

    private static Task<CommandEnd> CheckAsync(TestDirectory directory) => CommandRun.RunAsync(directory, "check --ReSci:Sandbox=true");

    private static async Task ReplaceKeyAsync(Vault vault, int credential)
    {
        await vault.Rotation.ReplaceAsync(vault.Owner, credential, new NewKey($"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid()), Cancellation);
        var keys = await vault.Rotation.FindAsync(vault.Owner, credential, Cancellation);
        Assert.IsType<RotationOutcome.Done>(await vault.Rotation.PromoteAsync(vault.Owner, credential, keys!.Pending!.Key.Uid, OldKey.Wipe, Cancellation));
    }

    private void DestroyWhatWasMadeBefore(Backup kept)
    {
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(kept.Path)!).Where(file => file != kept.Path)
            .Concat(Directory.GetFiles(Path.GetDirectoryName(_directory.KeyFile)!, "recovery.key.K-*")))
        {
            File.Delete(file);
        }
    }
}
