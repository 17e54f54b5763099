using System.Globalization;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Benchmarks;

/// <summary>kill -9, again and again: amid 200 saves on one database that grows, and at moments all over the very first start.</summary>
internal static class Kills
{
    private const int Rounds = 20;
    private const int Saves = 200;

    /// <summary>Returns 0 when nothing was lost in any round.</summary>
    public static async Task<int> RunAsync()
    {
        Console.WriteLine($"{"round",-22}{"acknowledged",14}{"lost",6}{"unreadable",12}{"half made",11}{"integrity",11}{"audit",7}{"opening",12}");
        var good = true;
        using (var directory = new TestDirectory())
        {
            for (var round = 1; round <= Rounds; round++)
            {
                // From the first acknowledged save to nearly the last.
                var killAfter = 1 + ((round - 1) * (Saves - 20) / Rounds);
                good &= Show($"saves {round}", await KillRound.AmidSavesAsync(settings => Executable.Start(settings), directory, Saves, killAfter));
            }
        }

        for (var round = 1; round <= Rounds; round++)
        {
            using var directory = new TestDirectory();
            var after = TimeSpan.FromMilliseconds(100 * round);
            good &= Show(
                string.Create(CultureInfo.InvariantCulture, $"start, {after.TotalMilliseconds} ms"),
                await KillRound.AmidTheFirstStartAsync(settings => Executable.Start(settings), directory, after));
        }

        Console.WriteLine(good ? "Nothing was lost." : "SOMETHING WAS LOST.");
        return good ? 0 : 1;
    }

    private static bool Show(string round, KillResult result)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{round,-22}{result.Acknowledged,14}{result.Lost,6}{result.Unreadable,12}{result.HalfMade,11}{result.Integrity,11}{result.AuditFaults,7}{result.Opening.TotalMilliseconds,9:F0} ms"));
        return result.IsGood;
    }
}
