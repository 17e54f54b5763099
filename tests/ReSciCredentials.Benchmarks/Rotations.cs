using System.Diagnostics;
using System.Globalization;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Benchmarks;

/// <summary>A key is promoted 200 times and rolled back 200 times while 20 readers use it without a pause and the process is killed again and again.</summary>
internal static class Rotations
{
    private const int Promotions = 200;
    private const int RollBacks = 200;
    private const int StepsUntilKill = 24;

    /// <summary>Returns 0 when no reader met an error or a mix, and no current key was lost.</summary>
    public static async Task<int> RunAsync()
    {
        using var directory = new TestDirectory();
        var started = Stopwatch.GetTimestamp();
        var result = await RotationRound.RunAsync(
            settings => Executable.Start(settings, inside: typeof(RotationLoad).Assembly), directory, Promotions, RollBacks, StepsUntilKill, Console.WriteLine);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{(result.IsGood ? "Nothing went wrong" : "SOMETHING WENT WRONG")} in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s: {result}"));
        return result.IsGood ? 0 : 1;
    }
}
