using System.Diagnostics;

namespace ReSciCredentials.Tests.Operations;

/// <summary>A server in a process of its own, without an account, that has said where it listens and how to claim it.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process) => _process = process;

    public required Uri Address { get; init; }

    /// <summary>The link with the one-time token, as printed.</summary>
    public required Uri SetupLink { get; init; }

    /// <param name="workingDirectory">Null: this process's own.</param>
    public static async Task<ServerProcess> StartAsync(IEnumerable<string> settings, string? workingDirectory = null)
    {
        var process = Executable.Start(settings, workingDirectory);
        const string Greeting = "ReSci Credentials is at ";
        Uri? address = null;
        List<string> said = [];
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (line.StartsWith(Greeting, StringComparison.Ordinal))
            {
                address = new Uri(line[Greeting.Length..]);
            }
            else if (line.Contains("#token=", StringComparison.Ordinal))
            {
                return new ServerProcess(process) { Address = address!, SetupLink = new Uri(line) };
            }
        }

        var errors = await process.StandardError.ReadToEndAsync();
        process.Dispose();
        throw new InvalidOperationException($"The server ended.{Environment.NewLine}{string.Join(Environment.NewLine, said)}{errors}");
    }

    /// <summary>Ends it as a service manager does, and returns its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
        // Nobody reads the pipe otherwise, and a full one would hold the server up.
        await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
