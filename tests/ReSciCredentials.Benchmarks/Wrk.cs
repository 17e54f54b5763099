using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ReSciCredentials.Benchmarks;

/// <summary>What one round of wrk found.</summary>
/// <param name="P50">In microseconds, as <paramref name="P99"/>.</param>
/// <param name="CpuPerThousand">Seconds of the proxy's CPU for 1,000 requests.</param>
internal sealed record WrkRound(double PerSecond, double P50, double P99, double CpuPerThousand);

/// <summary>The load generator wrk.</summary>
internal static partial class Wrk
{
    /// <exception cref="InvalidOperationException">Not every answer was a success.</exception>
    public static async Task<WrkRound> RunAsync(ProxyProcess proxy, string token, int connections, int seconds)
    {
        var cpu = proxy.Cpu;
        using var process = Process.Start(Proxies.OnOtherCores(
            "wrk", ["-t1", $"-c{connections}", $"-d{seconds}s", "--latency", "-H", $"Authorization: ApiKey {token}", proxy.Address.ToString()]))!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        cpu = proxy.Cpu - cpu;
        if (process.ExitCode != 0 || output.Contains("Non-2xx", StringComparison.Ordinal) || output.Contains("Socket errors", StringComparison.Ordinal))
        {
            throw new InvalidOperationException($"{proxy.Name}: {output}");
        }

        return new WrkRound(
            Number(PerSecond().Match(output).Groups[1].Value),
            Microseconds(P50().Match(output)),
            Microseconds(P99().Match(output)),
            1000 * cpu / Number(Requests().Match(output).Groups[1].Value));
    }

    private static double Microseconds(Match time) => Number(time.Groups[1].Value) * time.Groups[2].Value switch
    {
        "us" => 1,
        "ms" => 1_000,
        _ => 1_000_000,
    };

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex PerSecond();

    [GeneratedRegex(@"(\d+) requests in")]
    private static partial Regex Requests();

    [GeneratedRegex(@"50%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P50();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex P99();
}
