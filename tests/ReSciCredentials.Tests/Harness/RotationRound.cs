using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;

namespace ReSciCredentials.Tests.Harness;

/// <summary>What came of rotating a key under load, with kills.</summary>
/// <param name="Promotions">How many were acknowledged.</param>
/// <param name="RollBacks">How many were acknowledged.</param>
/// <param name="Reads">How often a reader opened the key and used it with ReSci, up to the last step before each kill.</param>
/// <param name="Kills">How often the process was killed with signal 9.</param>
/// <param name="Faults">What should not have been: an error of a reader, a mix of old and new, a current key that is gone. None may be.</param>
/// <param name="Integrity">What <c>PRAGMA integrity_check</c> said; <c>ok</c> when all is well.</param>
internal sealed record RotationResult(int Promotions, int RollBacks, long Reads, int Kills, IReadOnlyList<string> Faults, string Integrity)
{
    public bool IsGood => this is { Faults.Count: 0, Integrity: "ok" };

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Promotions} promotions, {RollBacks} roll backs, {Reads} reads, {Kills} kills, integrity {Integrity}, {Faults.Count} faults {string.Join("; ", Faults.Take(5))}");
}

/// <summary>Rotates the key of one credential amid readers, in a process of its own that is killed at moments nobody chose.</summary>
internal static class RotationRound
{
    /// <param name="start">Starts the executable with these settings and <see cref="RotationLoad"/> inside.</param>
    /// <param name="promotions">It goes on until so many were acknowledged …</param>
    /// <param name="rollBacks">… and so many of these.</param>
    /// <param name="stepsUntilKill">At most so many steps lie between two kills.</param>
    /// <param name="progress">Told after each kill.</param>
    public static async Task<RotationResult> RunAsync(
        Func<IEnumerable<string>, Process> start, TestDirectory directory, int promotions, int rollBacks, int stepsUntilKill, Action<RotationResult>? progress = null)
    {
        var id = await PrepareAsync(directory);
        var result = new RotationResult(0, 0, 0, 0, [], "ok");
        var version = 1;
        while ((result.Promotions < promotions || result.RollBacks < rollBacks) && result.IsGood)
        {
            using var process = start(
            [
                .. directory.Settings,
                "--ReSci:Sandbox=true",
                $"--{RotationLoad.CredentialSetting}={id}",
                $"--{RotationLoad.VersionSetting}={version}",
            ]);
            var steps = RandomNumberGenerator.GetInt32(1, stepsUntilKill + 1);
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.StartsWith(RotationLoad.Fault, StringComparison.Ordinal))
                {
                    result = result with { Faults = [.. result.Faults, line[RotationLoad.Fault.Length..]] };
                }
                else if (line.StartsWith(RotationLoad.Step, StringComparison.Ordinal) && line.Split(' ') is [_, var step, var reached, var reads])
                {
                    version = int.Parse(reached, CultureInfo.InvariantCulture);
                    result = result with
                    {
                        Promotions = result.Promotions + (step == "promote" ? 1 : 0),
                        RollBacks = result.RollBacks + (step == "rollback" ? 1 : 0),
                        Reads = result.Reads + long.Parse(reads, CultureInfo.InvariantCulture),
                    };
                    if (--steps == 0)
                    {
                        // Somewhere in the next step.
                        using var moment = new PeriodicTimer(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(1, 60)));
                        await moment.WaitForNextTickAsync();
                        process.Kill();
                    }
                }
            }

            await process.WaitForExitAsync();
            if (steps > 0)
            {
                throw new InvalidOperationException($"The program ended by itself. {await process.StandardError.ReadToEndAsync()}");
            }

            result = result with { Kills = result.Kills + 1, Integrity = (string?)await directory.SqlAsync("PRAGMA integrity_check") ?? "no answer" };
            progress?.Invoke(result);
        }

        return result;
    }

    private static async Task<int> PrepareAsync(TestDirectory directory)
    {
        await using var server = await TestServer.StartAsync(directory);
        await server.CreateOwnerAsync();
        (await server.SignInAsync()).Dispose();
        Person owner = await server.OwnerAsync();
        var outcome = await server.Service<CredentialVault>().SaveAsync(
            owner, new NewCredential("Rotating", null, $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: false, Same: true), CancellationToken.None);
        return Assert.IsType<SaveOutcome.Saved>(outcome).Id;
    }
}
