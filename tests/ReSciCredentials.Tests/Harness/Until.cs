using System.Diagnostics;

namespace ReSciCredentials.Tests.Harness;

/// <summary>Waits for what happens beside the test, no longer than it may take.</summary>
internal static class Until
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks again and again until the answer is yes; fails after <paramref name="limit"/>.</summary>
    public static async Task TrueAsync(Func<Task<bool>> ask, TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        using var timer = new PeriodicTimer(Interval);
        while (!await ask())
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
            {
                Assert.Fail($"It did not happen within {limit}.");
            }

            await timer.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }
}
