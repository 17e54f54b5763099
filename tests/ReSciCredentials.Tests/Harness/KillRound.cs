using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Harness;

/// <summary>What a round found after the kill.</summary>
/// <param name="Acknowledged">Saves that were answered before the kill.</param>
/// <param name="Lost">Of those, how many are not there any more. None may be.</param>
/// <param name="Unreadable">Stored keys that do not open. None may be.</param>
/// <param name="HalfMade">Credentials without a key or without their audit entry. None may be.</param>
/// <param name="Integrity">What <c>PRAGMA integrity_check</c> said; <c>ok</c> when all is well.</param>
/// <param name="AuditFaults">What is wrong with the chain of audit entries. Nothing may be.</param>
/// <param name="Opening">How long opening took afterwards.</param>
internal sealed record KillResult(int Acknowledged, int Lost, int Unreadable, int HalfMade, string Integrity, int AuditFaults, TimeSpan Opening)
{
    public bool IsGood => this is { Lost: 0, Unreadable: 0, HalfMade: 0, Integrity: "ok", AuditFaults: 0 };
}

/// <summary>Kills a server in a process of its own with signal 9, at a moment nobody chose, and looks what is left.</summary>
internal static class KillRound
{
    /// <summary>Kills it amid saves that run at the same time.</summary>
    /// <param name="start">Starts the executable with these settings.</param>
    /// <param name="saves">How many are under way at once.</param>
    /// <param name="killAfter">The kill comes as soon as this many were acknowledged.</param>
    public static async Task<KillResult> AmidSavesAsync(Func<IEnumerable<string>, Process> start, TestDirectory directory, int saves, int killAfter)
    {
        if (!File.Exists(directory.Database))
        {
            await OwnedData.CopyToAsync(directory);
        }

        var acknowledged = new ConcurrentBag<int>();
        using (var process = start([.. directory.Settings, "--ReSci:Sandbox=true"]))
        {
            var address = await AddressAsync(process);
            using var owner = new Visitor(address);
            await owner.SignInAsync(TestServer.OwnerEmail, TestServer.OwnerPassword);
            var enough = new TaskCompletionSource();
            var running = Enumerable.Range(0, saves).Select(async number =>
            {
                try
                {
                    if (await owner.SaveCredentialAsync($"Save {number}", $"sandbox-accepted-{Guid.NewGuid():N}", same: true) is { Outcome: "saved", Id: { } id })
                    {
                        acknowledged.Add(id);
                        if (acknowledged.Count >= killAfter)
                        {
                            enough.TrySetResult();
                        }
                    }
                }
                catch (HttpRequestException)
                {
                    // Killed before it answered: whether this one is stored is open.
                }
            }).ToArray();
            await Task.WhenAny(enough.Task, Task.WhenAll(running));
            process.Kill();
            await process.WaitForExitAsync();
            await Task.WhenAll(running);
        }

        return await LookAsync(directory, [.. acknowledged]);
    }

    /// <summary>Kills it somewhere in its very first start, and looks whether the next start succeeds.</summary>
    public static async Task<KillResult> AmidTheFirstStartAsync(Func<IEnumerable<string>, Process> start, TestDirectory directory, TimeSpan after)
    {
        using (var process = start([.. directory.Settings, "--ReSci:Sandbox=true"]))
        {
            using var moment = new PeriodicTimer(after);
            await moment.WaitForNextTickAsync();
            process.Kill();
            await process.WaitForExitAsync();
        }

        return await LookAsync(directory, []);
    }

    /// <summary>Opens what a server left behind and looks at every row.</summary>
    public static async Task<KillResult> LookAsync(TestDirectory directory, int[] acknowledged)
    {
        var started = Stopwatch.GetTimestamp();
        await using var app = await Program.BuildAsync([.. directory.Settings, "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft=None"]);
        await app.Services.GetRequiredService<Opening>().StartAsync(CancellationToken.None);
        var opening = Stopwatch.GetElapsedTime(started);

        await using var storage = await app.Services.GetRequiredService<IDbContextFactory<StorageContext>>().CreateDbContextAsync();
        var protector = app.Services.GetRequiredService<SecretProtector>();
        var rows = await storage.Credentials.AsNoTracking().Include(credential => credential.Keys).ToListAsync();
        var witnessed = await storage.AuditEntries.Where(entry => entry.ItemType == "credential").Select(entry => entry.ItemId).ToListAsync();
        var integrity = (string?)await directory.SqlAsync("PRAGMA integrity_check");
        return new KillResult(
            acknowledged.Length,
            acknowledged.Except(rows.Select(row => row.Id)).Count(),
            rows.Sum(row => row.Keys.Count(key => !protector.CanOpen(key.Ciphertext, row.Uid, key.Uid))),
            rows.Count(row => row.Keys.Count != 1 || !witnessed.Contains(row.Id)),
            integrity ?? "no answer",
            (await app.Services.GetRequiredService<AuditVerifier>().VerifyAsync(kept: null, progress: null, CancellationToken.None)).Faults.Count,
            opening);
    }

    /// <summary>Where a process that was just started serves, once it does.</summary>
    public static async Task<Uri> AddressAsync(Process process)
    {
        const string Greeting = "ReSci Credentials is at ";
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Greeting, StringComparison.Ordinal))
            {
                // A full pipe would hold the server up.
                _ = process.StandardOutput.ReadToEndAsync();
                return new Uri(line[Greeting.Length..]);
            }
        }

        throw new InvalidOperationException($"The server ended. {await process.StandardError.ReadToEndAsync()}");
    }
}
