using System.CommandLine;
using System.CommandLine.Invocation;
using System.Text.RegularExpressions;
using ReSciCredentials.Operations.Commands;

namespace ReSciCredentials.Operations;

/// <summary>What the executable can do beside serving. Exit codes: 0 done, 1 not done (the reason is in the errors), 2 wrong usage.</summary>
internal sealed partial class CommandLine(TextReader input, TextWriter output, TextWriter errors)
{
    private const int WrongUsage = 2;

    public async Task<int> RunAsync(string[] args)
    {
        // Settings may stand among the words of any command, as ASP.NET Core's own: --Storage:Directory=/srv/data
        var settings = args.Where(argument => Setting().IsMatch(argument)).ToArray();
        var words = args.Where(argument => !Setting().IsMatch(argument)).ToArray();
        var shell = new CommandShell(settings, input, output, errors);

        var root = new RootCommand(
            "ReSci Credentials keeps the API keys of ReSci. Without a command it serves. Any setting can be given as --Section:Key=value. "
            + "A command ends with 0 when it was done, 1 when it was not (the reason is on standard error), 2 when it was written wrongly.");
        root.SetAction((_, _) => Serve.RunAsync(settings));
        root.Subcommands.Add(OwnerCommands.Make(shell));
        root.Subcommands.Add(PersonCommands.Make(shell));
        root.Subcommands.Add(ServiceKeyCommands.Make(shell));
        root.Subcommands.Add(BackupCommands.Make(shell));
        root.Subcommands.Add(RecoveryKeyCommands.Make(shell));
        root.Subcommands.Add(SecretsCommands.Make(shell));
        root.Subcommands.Add(AuditCommands.Make(shell));
        root.Subcommands.Add(CheckCommand.Make(shell));
        root.Subcommands.Add(HealthCommand.Make(shell));

        // The host stops gracefully by itself; the parser's own limit of two seconds would cut it short.
        var parsed = root.Parse(words);
        var exitCode = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, Output = output, Error = errors });
        return parsed.Action is ParseErrorAction ? WrongUsage : exitCode;
    }

    [GeneratedRegex("^--(urls|environment|contentRoot|[A-Za-z]+(:[A-Za-z0-9.]+)+)=")]
    private static partial Regex Setting();
}
