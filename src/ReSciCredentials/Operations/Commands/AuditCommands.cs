using System.CommandLine;
using ReSciCredentials.Audit;
using ReSciCredentials.Safekeeping;

namespace ReSciCredentials.Operations.Commands;

/// <summary>The log of who did what, whose entries are chained.</summary>
internal static class AuditCommands
{
    public static Command Make(CommandShell shell) => new("audit", "The log of who did what, whose entries are chained.") { Verify(shell), Head(shell) };

    private static Command Verify(CommandShell shell)
    {
        var kept = new Option<AuditHead?>("--head")
        {
            Description = "A head that was kept elsewhere, as audit head and the Activity page tell it: finds removed entries whoever removed them",
            CustomParser = result =>
            {
                var head = AuditHead.Parse(result.Tokens[0].Value);
                if (head is null)
                {
                    result.AddError("This is no head of an audit log: a number, a dot and 64 hexadecimal digits.");
                }

                return head;
            },
        };
        var json = CommandShell.JsonOption();
        var verify = new Command("verify", "Look whether every entry of the audit log is there, in its place and as it was written. Changes nothing.") { kept, json };
        verify.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                var head = parsed.GetValue(kept);
                AuditReport report;
                using (var progress = shell.ShowProgress())
                {
                    report = await services.GetRequiredService<AuditVerifier>()
                        .VerifyAsync(head, new Progress<int>(count => progress.Report(new HowFar($"{count} entries looked at"))), cancellationToken);
                }

                return parsed.GetValue(json) ? SayAsJson(shell, report, head) : SayInWords(shell, report, head);
            },
            parsed.GetValue(json),
            cancellationToken));
        return verify;
    }

    private static Command Head(CommandShell shell)
    {
        var head = new Command("head", "Print the head of the audit log, to be kept away from this machine and given to audit verify one day.");
        head.SetAction((_, cancellationToken) => shell.WithServicesAsync(
            async services => shell.Say((await services.GetRequiredService<AuditVerifier>().HeadAsync(cancellationToken)).ToString()),
            json: false,
            cancellationToken));
        return head;
    }

    private static int SayAsJson(CommandShell shell, AuditReport report, AuditHead? kept) => shell.Answer(report.IsWhole, new
    {
        report.IsWhole,
        report.Entries,
        report.RemovedUpTo,
        Head = report.Head.ToString(),
        HeadCompared = kept is null ? (bool?)null : !AuditVerifier.IsTooOld(kept, report),
        report.Faults,
        report.MoreFaults,
    });

    private static int SayInWords(CommandShell shell, AuditReport report, AuditHead? kept)
    {
        if (kept is not null && AuditVerifier.IsTooOld(kept, report))
        {
            shell.Refuse(
                $"The head is of entry {kept.Entry}, and entries up to {report.RemovedUpTo} were removed when their time was over: it could not be compared.");
        }

        if (report.IsWhole)
        {
            return shell.Say($"All {report.Entries} entries are there and as they were written. Head: {report.Head}");
        }

        var faults = report.Faults.Select(fault => fault.Text);
        return shell.Refuse(string.Join(
            Environment.NewLine,
            report.MoreFaults == 0 ? faults : faults.Append($"And {report.MoreFaults} more entries, which were not looked at one by one.")));
    }
}
