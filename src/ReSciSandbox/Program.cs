using System.Globalization;

namespace ReSciSandbox;

internal static class Program
{
    private const int DefaultPort = 5081;

    private static async Task<int> Main(string[] args)
    {
        if (PortFrom(args) is not { } port)
        {
            await Console.Error.WriteLineAsync(
                "Usage: ReSciSandbox [--port N], or the environment variable SANDBOX_PORT. N is 0 (any free port) to 65535.");
            return 2;
        }

        try
        {
            await Sandbox.RunAsync(port, address =>
            {
                Console.WriteLine($"A stand-in for ReSci listens on {address}. Keys to try (anything may follow):");
                foreach (var key in SandboxKeys.Shown)
                {
                    Console.WriteLine($"  {key.Prefix,-22} {key.Meaning}");
                }
            });
            return 0;
        }
        catch (IOException exception)
        {
            await Console.Error.WriteLineAsync($"Cannot listen on port {port}: {exception.GetBaseException().Message}");
            return 1;
        }
    }

    private static int? PortFrom(string[] args)
    {
        var text = args switch
        {
            [] => Environment.GetEnvironmentVariable("SANDBOX_PORT") ?? DefaultPort.ToString(CultureInfo.InvariantCulture),
            ["--port", var value] => value,
            _ => null,
        };
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535 ? port : null;
    }
}
