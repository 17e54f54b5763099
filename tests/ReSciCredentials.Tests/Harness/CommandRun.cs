using ReSciCredentials.Operations;

namespace ReSciCredentials.Tests.Harness;

/// <summary>A command run in this process, with the settings of a directory.</summary>
internal static class CommandRun
{
    /// <param name="typed">What stands on standard input.</param>
    public static async Task<CommandEnd> RunAsync(TestDirectory directory, string words, string typed = "", params string[] more)
    {
        using var input = new StringReader(typed);
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var exitCode = await new CommandLine(input, output, errors)
            .RunAsync([.. directory.Settings, .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. more]);
        return new CommandEnd(exitCode, output.ToString(), errors.ToString());
    }
}

/// <summary>What a command answered.</summary>
internal sealed record CommandEnd(int ExitCode, string Output, string Errors)
{
    /// <summary>Fails, with what was said, when the command was not done.</summary>
    public CommandEnd Done()
    {
        Assert.True(ExitCode == 0, $"{ExitCode}: {Errors}{Output}");
        return this;
    }
}
