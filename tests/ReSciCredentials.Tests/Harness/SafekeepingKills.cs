using System.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace ReSciCredentials.Tests.Harness;

/// <summary>Kills a command with signal 9 at a moment nobody chose, and looks what is left.</summary>
internal static class SafekeepingKills
{
    /// <summary>A server that was stopped, with so many credentials.</summary>
    public static async Task PrepareAsync(TestDirectory directory, int credentials)
    {
        await using (var server = await TestServer.StartAsync(directory))
        {
            await server.CreateOwnerAsync();
            await server.StartSessionAsync();
            await ManyCredentials.AddAsync(server, await server.OwnerAsync(), credentials);
        }

        directory.CloseDatabase();
    }

    /// <summary>The schema of the first version.</summary>
    public const string FirstMigration = "20261124043009_Initial";

    /// <summary>Takes the database of a server that was stopped back to the schema of the first version.</summary>
    public static async Task MakeOldAsync(TestDirectory directory)
    {
        await using (var server = await TestServer.StartAsync(directory))
        await using (var storage = await server.StorageAsync())
        {
            await storage.GetService<IMigrator>().MigrateAsync(FirstMigration);
        }

        directory.CloseDatabase();
    }

    /// <summary>Kills a start on an older database some time after it made its copy of it.</summary>
    /// <returns>Whether it came to the kill before the schema was up to date.</returns>
    public static async Task<bool> AmidMigrationAsync(Func<IEnumerable<string>, Process> start, TestDirectory directory, TimeSpan after)
    {
        var upToDate = typeof(Program).Assembly.GetTypes().Count(type => type.IsSubclassOf(typeof(Migration)));
        await KillAsync(
            start([.. directory.Settings, "--ReSci:Sandbox=true"]),
            () => Task.FromResult(Directory.GetFiles(directory.Data, "before-*.db").Length > 0),
            after);
        return (long)(await directory.SqlAsync("SELECT count(*) FROM __EFMigrationsHistory"))! < upToDate;
    }

    /// <summary>Kills re-encryption some time after its new key of the ring was made.</summary>
    public static async Task<bool> AmidReencryptionAsync(Func<IEnumerable<string>, Process> start, TestDirectory directory, TimeSpan after)
    {
        var before = await RingAsync(directory);
        return await KillAsync(start([.. directory.Settings, "secrets", "reencrypt", "--new-ring-key"]), async () => await RingAsync(directory) > before, after);
    }

    /// <summary>Kills the exchange of the recovery key some time after the new one was written.</summary>
    public static Task<bool> AmidRecoveryKeyRotationAsync(Func<IEnumerable<string>, Process> start, TestDirectory directory, TimeSpan after)
    {
        var earlier = Keys(directory);
        return KillAsync(start([.. directory.Settings, "recovery-key", "rotate", "--confirm"]), () => Task.FromResult(Keys(directory) > earlier), after);
    }

    /// <summary>Kills a restore some time after it began to unpack.</summary>
    public static Task<bool> AmidRestoreAsync(Func<IEnumerable<string>, Process> start, TestDirectory directory, string backup, string keyFile, TimeSpan after)
    {
        Directory.CreateDirectory(directory.Data);
        var left = Unfinished(directory);
        return KillAsync(
            start([.. directory.Settings, "backup", "restore", backup, "--key-file", keyFile]),
            () => Task.FromResult(Unfinished(directory) > left),
            after);
    }

    /// <returns>Whether it came to the kill; false when the command was faster.</returns>
    private static async Task<bool> KillAsync(Process process, Func<Task<bool>> hasBegun, TimeSpan after)
    {
        using (process)
        {
            var said = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            using (var look = new PeriodicTimer(TimeSpan.FromMilliseconds(1)))
            {
                while (!process.HasExited && !await hasBegun())
                {
                    await look.WaitForNextTickAsync();
                }
            }

            if (after > TimeSpan.Zero)
            {
                using var moment = new PeriodicTimer(after);
                await moment.WaitForNextTickAsync();
            }

            var isAmid = !process.HasExited;
            process.Kill();
            await process.WaitForExitAsync();
            var (output, errors) = (await said.Item1, await said.Item2);
            return isAmid || process.ExitCode == 0 ? isAmid : throw new InvalidOperationException($"{process.ExitCode}: {output}{errors}");
        }
    }

    private static async Task<long> RingAsync(TestDirectory directory) => (long)(await directory.SqlAsync("SELECT count(*) FROM ring_elements"))!;

    private static int Keys(TestDirectory directory) => Directory.GetFiles(Path.GetDirectoryName(directory.KeyFile)!).Length;

    private static int Unfinished(TestDirectory directory) => Directory.GetDirectories(directory.Data, ".unfinished-*").Length;
}
