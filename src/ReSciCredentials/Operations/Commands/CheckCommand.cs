using System.CommandLine;
using ReSciCredentials.Safekeeping;

namespace ReSciCredentials.Operations.Commands;

/// <summary>Looking at everything that could go wrong, before it does.</summary>
internal static class CheckCommand
{
    public static Command Make(CommandShell shell)
    {
        var json = CommandShell.JsonOption();
        var check = new Command(
            "check",
            "Look at settings, files, database, recovery key, key ring, every stored key, disk, clock, backups, and whether ReSci answers. Changes nothing. Exit code 1 when there is a fault.")
            { json };
        check.SetAction((parsed, cancellationToken) => shell.WithBuiltServicesAsync(
            async services =>
            {
                IReadOnlyList<Finding> findings;
                using (var progress = shell.ShowProgress())
                {
                    findings = await services.GetRequiredService<ServerCheck>().RunAsync(progress, cancellationToken);
                }

                var good = findings.All(finding => finding.State is not FindingState.Fault);
                if (parsed.GetValue(json))
                {
                    return shell.Answer(good, new { done = good, findings });
                }

                var said = shell.Say(string.Join(Environment.NewLine, findings.Select(finding => $"{Word(finding.State),-8} {finding.Area,-13} {finding.Text}")));
                return good ? said : shell.Refuse("There is a fault.");
            },
            parsed.GetValue(json),
            isSilent: true));
        return check;
    }

    private static string Word(FindingState state) => state switch
    {
        FindingState.Good => "good",
        FindingState.Warning => "WARNING",
        FindingState.Fault => "FAULT",
    };
}
