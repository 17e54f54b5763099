using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// Injects faults for real under a running server: a disk of 64 MB that is filled up, errors of the system's calls by strace, a clock that jumps
/// by faketime. Prints what a page, a save, the health and the log said, how soon the server went on, and what was lost.
/// Needs root, for the mount, and strace and faketime from Debian.
/// </summary>
internal static partial class Faults
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Returns 0 when every fault was told, all went on by itself, and nothing was lost.</summary>
    public static async Task<int> RunAsync()
    {
        Console.WriteLine($"{"fault",-16}{"page",6}{"save",6}{"health",10}{"again in",10}{"saved",7}{"lost",6}{"unreadable",12}{"integrity",11}  what the page says");
        var good = await FullDiskAsync();
        foreach (var error in new[] { "ENOSPC", "EIO", "EROFS" })
        {
            good &= await FailingCallsAsync(error);
        }

        good &= await JumpingClockAsync();
        Console.WriteLine(good ? "Every fault was told and left behind." : "NOT EVERY FAULT WAS TOLD AND LEFT BEHIND.");
        return good ? 0 : 1;
    }

    private static async Task<bool> FullDiskAsync()
    {
        using var directory = new TestDirectory();
        var data = directory.Data;
        await OwnedData.CopyToAsync(directory);
        var aside = Directory.CreateTempSubdirectory().FullName;
        await ShellAsync($"cp -a '{data}/.' '{aside}' && mount -t tmpfs -o size=64m,mode=0700 tmpfs '{data}' && cp -a '{aside}/.' '{data}'");
        try
        {
            var filling = Path.Combine(data, "filling");
            return await RoundAsync(
                "full disk",
                directory,
                _ => ShellAsync($"dd if=/dev/zero of='{filling}' bs=1M status=none 2>/dev/null || true"),
                () => ShellAsync($"rm '{filling}'"));
        }
        finally
        {
            await ShellAsync($"umount -l '{data}'");
        }
    }

    private static async Task<bool> FailingCallsAsync(string error)
    {
        using var directory = new TestDirectory();
        await OwnedData.CopyToAsync(directory);
        Process? tracer = null;
        return await RoundAsync(
            error,
            directory,
            async server =>
            {
                var paths = $"-P '{directory.Database}' -P '{directory.Database}-wal'";
                tracer = Process.Start(
                    "sh",
                    ["-c", $"exec strace -f -qq -o /dev/null -p {server.Id} {paths} -e trace=pwrite64,fdatasync,ftruncate -e inject=pwrite64,fdatasync,ftruncate:error={error}"]);
                await HeldAsync(server, tracer);
            },
            async () =>
            {
                await ShellAsync($"kill -INT {tracer!.Id}");
                await tracer.WaitForExitAsync();
            });
    }

    /// <summary>Waits until the tracer holds every thread.</summary>
    private static async Task HeldAsync(Process server, Process tracer)
    {
        while (!Directory.GetDirectories($"/proc/{server.Id}/task").All(IsHeld))
        {
            if (tracer.HasExited)
            {
                throw new InvalidOperationException("strace does not run here.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        static bool IsHeld(string thread)
        {
            try
            {
                return !File.ReadLines(Path.Combine(thread, "status")).Contains("TracerPid:\t0");
            }
            catch (IOException)
            {
                // It has ended meanwhile.
                return true;
            }
        }
    }

    private static async Task<bool> RoundAsync(string fault, TestDirectory directory, Func<Process, Task> begin, Func<Task> end)
    {
        List<int> saved = [];
        PageAnswer page, health, found;
        Answer refused;
        TimeSpan again;
        using (var process = Executable.Start([.. directory.Settings, "--ReSci:Sandbox=true"]))
        {
            var address = await KillRound.AddressAsync(process);
            var log = process.StandardError.ReadToEndAsync();
            using var owner = new Visitor(address);
            // What balances the load sees one word, the owner what was found.
            using var balancer = new Visitor(address);
            await owner.SignInAsync(TestServer.OwnerEmail, TestServer.OwnerPassword);
            saved.Add(await owner.AddCredentialAsync("Before"));

            await begin(process);
            // A disk that has just become full still has room within pages and the log.
            refused = await SaveUntilRefusedAsync(owner, saved);
            page = await owner.GetAsync("/credentials");
            health = await balancer.GetAsync("/health/ready");
            found = await owner.GetAsync("/health/ready");

            await end();
            var ended = Stopwatch.GetTimestamp();
            while ((await balancer.GetAsync("/health/ready")).Text != "Healthy" && Stopwatch.GetElapsedTime(ended) < Limit)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200));
            }

            again = Stopwatch.GetElapsedTime(ended);
            saved.Add(await owner.AddCredentialAsync("After"));
            await ShellAsync($"kill -TERM {process.Id}");
            await process.WaitForExitAsync();
            await log;
        }

        var left = await KillRound.LookAsync(directory, [.. saved]);
        var title = NoticeTitle().Match(page.Text).Groups[1].Value;
        Console.WriteLine(
            $"{fault,-16}{(int)page.Status,6}{(int)refused.Status,6}{health.Text,10}{again.TotalSeconds,8:F1} s{saved.Count,7}{left.Lost,6}{left.Unreadable,12}{left.Integrity,11}  {title}");
        return page.Status is HttpStatusCode.OK && refused.Status is HttpStatusCode.InsufficientStorage && title.Length > 0
            && health.Text == "Degraded" && found.Text.Contains(System.Text.Json.JsonSerializer.Serialize(title).Trim('"'), StringComparison.Ordinal) && again < Limit && left.IsGood;
    }

    private static async Task<Answer> SaveUntilRefusedAsync(Visitor owner, List<int> saved)
    {
        while (true)
        {
            var answer = await owner.SaveCredentialAsync("During", $"sandbox-accepted-{Guid.NewGuid():N}", new string('.', 1500), same: true);
            if (answer is not { Outcome: "saved", Id: { } id } || saved.Count > 5000)
            {
                return answer;
            }

            saved.Add(id);
        }
    }

    /// <summary>Two hundred days ahead, so that every ring key is long over, and back to now.</summary>
    private static async Task<bool> JumpingClockAsync()
    {
        using var directory = new TestDirectory();
        await OwnedData.CopyToAsync(directory);
        List<int> saved = [];
        foreach (var (name, date) in new[] { ("clock, now", ""), ("clock, +200 days", "+200 days"), ("clock, back", "") })
        {
            using var process = Executable.Start([.. directory.Settings, "--ReSci:Sandbox=true"], fakeTime: date);
            using var owner = new Visitor(await KillRound.AddressAsync(process));
            await owner.SignInAsync(TestServer.OwnerEmail, TestServer.OwnerPassword);
            saved.Add(await owner.AddCredentialAsync(name));
            var page = await owner.GetAsync("/credentials");
            // The server is a child of faketime, which ends when that has.
            await ShellAsync(date.Length > 0 ? $"pkill -KILL -P {process.Id}" : $"kill -KILL {process.Id}");
            await process.WaitForExitAsync();
            var left = await KillRound.LookAsync(directory, [.. saved]);
            Console.WriteLine($"{name,-16}{(int)page.Status,6}{200,6}{"",10}{"",10}{saved.Count,7}{left.Lost,6}{left.Unreadable,12}{left.Integrity,11}");
            if (page.Status is not HttpStatusCode.OK || !left.IsGood)
            {
                return false;
            }
        }

        return true;
    }

    private static async Task ShellAsync(string command)
    {
        using var shell = Process.Start("sh", ["-c", command]);
        await shell.WaitForExitAsync();
        if (shell.ExitCode != 0)
        {
            throw new InvalidOperationException($"This did not work: {command}");
        }
    }

    [GeneratedRegex("data-tone=\"danger\".*?class=\"title\"[^>]*>(.*?)</p>", RegexOptions.Singleline)]
    private static partial Regex NoticeTitle();
}
