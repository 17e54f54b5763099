using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Benchmarks;

/// <summary>Backups, re-encryption and kills at the size and number that the promises are about.</summary>
internal static class Safekeeping
{
    private const int Writers = 20;
    private const int Backups = 50;
    private const int Many = 100_000;
    private const int Kills = 50;

    /// <summary>50 backups while 20 writers work, each restored on an empty directory; and a drill of 100,000 credentials. Returns 0 when nothing is missing.</summary>
    public static async Task<int> BackUpAsync()
    {
        using var directory = new TestDirectory();
        var taken = new List<(Backup Backup, string[] Before)>();
        await using (var server = await TestServer.StartAsync(directory))
        {
            await server.CreateOwnerAsync();
            await server.StartSessionAsync();
            var owner = await server.OwnerAsync();

            // As long as the backups take: so much is known only after them, and the order of the two makes little difference to an empty server.
            var started = Stopwatch.GetTimestamp();
            var acknowledged = new ConcurrentBag<string>();
            var during = await WriteWhileAsync(server, owner, acknowledged, async () =>
            {
                var backups = server.Service<ReSciCredentials.Safekeeping.Backups>();
                for (var number = 0; number < Backups; number++)
                {
                    string[] before = [.. acknowledged];
                    taken.Add((await backups.CreateAsync(Path.Combine(directory.Path, "backups"), null, CancellationToken.None), before));
                }
            });
            var took = Stopwatch.GetElapsedTime(started);
            var without = await WriteWhileAsync(server, owner, [], () => Task.Delay(took));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Backups} backups under {Writers} writers in {took.TotalSeconds:F1} s"));
            Show("writes with backups", during);
            Show("writes without", without);
        }

        var missing = 0;
        foreach (var (backup, before) in taken)
        {
            using var empty = new TestDirectory();
            (await CommandRun.RunAsync(empty, $"backup restore {backup.Path} --key-file {directory.KeyFile}")).Done();
            var found = await Found.InAsync(empty);
            missing += before.Except(found.Names).Count() + found.Unreadable + (found.Secrets == backup.Manifest.Secrets ? 0 : 1);
        }

        Console.WriteLine(missing == 0 ? "Every restore held every acknowledged save, and every key opened." : $"{missing} SAVES OR KEYS ARE MISSING.");
        await DrillAsync();
        return missing == 0 ? 0 : 1;
    }

    /// <summary>100,000 credentials encrypted anew while others read, and while others write. Returns 0 when no reader met an error.</summary>
    public static async Task<int> ReencryptAsync()
    {
        await using var server = await StartWithManyAsync();
        var protector = server.Service<SecretProtector>();
        using var stop = new CancellationTokenSource();
        var (reads, errors) = (0L, 0L);
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(async () =>
        {
            var last = Guid.Empty;
            while (!stop.IsCancellationRequested)
            {
                await using var storage = await server.StorageAsync();
                var rows = await StoredSecrets.After(storage, last).Take(20).ToListAsync();
                foreach (var row in rows)
                {
                    Interlocked.Increment(ref protector.CanOpen(row.Ciphertext, row.CredentialUid, row.Uid) ? ref reads : ref errors);
                }

                last = rows.Count == 0 ? Guid.Empty : rows[^1].Uid;
                await Task.Delay(1);
            }
        })).ToArray();

        var started = Stopwatch.GetTimestamp();
        var ended = await CommandRun.RunAsync(server.Directory, "secrets reencrypt --new-ring-key");
        var took = Stopwatch.GetElapsedTime(started);
        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{ended.Done().Output.Trim()} In {took.TotalSeconds:F1} s, {reads} reads meanwhile, {errors} errors."));
        return errors == 0 ? 0 : 1;
    }

    /// <summary>kill -9 at 50 moments in re-encryption, in exchanging the recovery key and in a restore. Returns 0 when everything is readable after each.</summary>
    public static async Task<int> KillAsync()
    {
        const int Credentials = 2000;
        using var directory = new TestDirectory();
        await SafekeepingKills.PrepareAsync(directory, Credentials);
        using var source = new TestDirectory();
        await SafekeepingKills.PrepareAsync(source, Credentials + 1);
        (await CommandRun.RunAsync(source, "backup create")).Done();
        var backup = Directory.GetFiles(Path.Combine(source.Path, "backups"))[0];

        var good = true;
        // Either database may be there after a kill.
        good &= await RoundsAsync("restore", 30, after => SafekeepingKills.AmidRestoreAsync(words => Executable.Start(words), directory, backup, source.KeyFile, after));
        good &= await RoundsAsync("re-encryption", 40, after => SafekeepingKills.AmidReencryptionAsync(words => Executable.Start(words), directory, after));
        good &= await RoundsAsync("recovery key", 3, after => SafekeepingKills.AmidRecoveryKeyRotationAsync(words => Executable.Start(words), directory, after));

        using var old = new TestDirectory();
        await SafekeepingKills.PrepareAsync(old, Credentials);
        await SafekeepingKills.MakeOldAsync(old);
        good &= await RoundsAsync("migration", 12, async after =>
        {
            Directory.Delete(directory.Data, recursive: true);
            Directory.Delete(Path.GetDirectoryName(directory.KeyFile)!, recursive: true);
            OwnedData.Copy(old, directory);
            return await SafekeepingKills.AmidMigrationAsync(words => Executable.Start(words), directory, after);
        });
        return good ? 0 : 1;

        async Task<bool> RoundsAsync(string what, int step, Func<TimeSpan, Task<bool>> kill)
        {
            var (amid, bad, slowest) = (0, 0, TimeSpan.Zero);
            for (var round = 0; round < Kills; round++)
            {
                amid += await kill(TimeSpan.FromMilliseconds(round * step)) ? 1 : 0;
                var started = Stopwatch.GetTimestamp();
                var found = await Found.InAsync(directory);
                var took = Stopwatch.GetElapsedTime(started);
                slowest = took > slowest ? took : slowest;
                bad += found.Unreadable == 0 && found.Secrets is Credentials or Credentials + 1 ? 0 : 1;
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{what,-15}{Kills} rounds, {amid} killed amid it, {bad} with something lost or unreadable; opening and reading all took {slowest.TotalSeconds:F1} s at most"));
            return bad == 0;
        }
    }

    private static async Task DrillAsync()
    {
        await using var server = await StartWithManyAsync();
        var backups = server.Service<ReSciCredentials.Safekeeping.Backups>();
        var started = Stopwatch.GetTimestamp();
        var backup = await backups.CreateAsync(null, null, CancellationToken.None);
        var took = Stopwatch.GetElapsedTime(started);
        var drill = await backups.DrillAsync(backup.Path, server.Service<ServerSeal>().RecoveryKey, null, CancellationToken.None);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{Many} credentials, {backup.Manifest.Size / 1024.0 / 1024:F0} MB: backup {took.TotalSeconds:F1} s, drill {drill.Took.TotalSeconds:F1} s, {drill.Opened} keys opened, {drill.Unreadable.Count} did not"));
    }

    private static async Task<TestServer> StartWithManyAsync()
    {
        var server = await TestServer.StartAsync();
        await server.CreateOwnerAsync();
        await server.StartSessionAsync();
        await ManyCredentials.AddAsync(server, await server.OwnerAsync(), Many);
        return server;
    }

    private static async Task<List<double>> WriteWhileAsync(TestServer server, Person owner, ConcurrentBag<string> acknowledged, Func<Task> work)
    {
        using var stop = new CancellationTokenSource();
        var times = new ConcurrentBag<double>();
        var round = Guid.NewGuid().ToString("N")[..6];
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(async () =>
        {
            for (var number = 0; !stop.IsCancellationRequested; number++)
            {
                var started = Stopwatch.GetTimestamp();
                var name = $"{round} {writer} {number}";
                var outcome = await server.Service<CredentialVault>().SaveAsync(
                    owner, new NewCredential(name, null, $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: false, Same: true), CancellationToken.None);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
                if (outcome is SaveOutcome.Saved)
                {
                    acknowledged.Add(name);
                }
            }
        })).ToArray();
        await work();
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        return [.. times.Order()];
    }

    private static void Show(string what, List<double> times) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{what,-22}{times.Count,7}, p50 {times[times.Count / 2],7:F1} ms, p99 {times[times.Count * 99 / 100],7:F1} ms, most {times[^1],7:F1} ms"));
}
