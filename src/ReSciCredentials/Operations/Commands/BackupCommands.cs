using System.CommandLine;
using System.Globalization;
using System.Text;
using ReSciCredentials.Audit;
using ReSciCredentials.Safekeeping;

namespace ReSciCredentials.Operations.Commands;

/// <summary>Making, verifying, restoring and rehearsing backups. All but the restore run beside the server.</summary>
internal static class BackupCommands
{
    public static Command Make(CommandShell shell) =>
        new("backup", "Copies of the database that open with the recovery key only.") { Create(shell), List(shell), Verify(shell), Restore(shell), Drill(shell) };

    private static Command Create(CommandShell shell)
    {
        var to = new Option<string>("--to") { Description = "The directory to make it in; without it Backups:Directory, where old ones are then removed" };
        var json = CommandShell.JsonOption();
        var create = new Command(
            "create", "Make a backup and verify it. Runs beside the server, which goes on working. The recovery key is not in it: keep its sheet apart.") { to, json };
        create.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                Backup backup;
                using (var progress = shell.ShowProgress())
                {
                    backup = await services.GetRequiredService<JobRunner>().BackUpAsync(parsed.GetValue(to), Actor.CommandLine, progress, cancellationToken);
                }

                return Tell(shell, parsed.GetValue(json), backup, $"The backup is {backup.Path}");
            },
            parsed.GetValue(json),
            cancellationToken));
        return create;
    }

    private static Command List(CommandShell shell)
    {
        var json = CommandShell.JsonOption();
        var list = new Command("list", "Name the backups in Backups:Directory, the newest first.") { json };
        list.SetAction((parsed, cancellationToken) => shell.WithBuiltServicesAsync(
            async services =>
            {
                var backups = services.GetRequiredService<Backups>();
                var found = await backups.ListAsync(cancellationToken);
                return parsed.GetValue(json) ? shell.Answer(done: true, new { done = true, backups = found.Select(Facts) })
                    : found.Count == 0 ? shell.Say($"There is no backup in {backups.Directory}.")
                    : shell.Say(string.Join(Environment.NewLine, found.Select(backup => $"{backup.Path}  {Words(backup.Manifest)}")));
            },
            parsed.GetValue(json)));
        return list;
    }

    private static Command Verify(CommandShell shell)
    {
        var (file, key, json) = (FileArgument(), new KeyOptions(), CommandShell.JsonOption());
        var verify = new Command("verify", "Find out whether a backup is whole, is of this server, and is sound. Changes nothing.") { file, json };
        key.AddTo(verify);
        verify.SetAction((parsed, cancellationToken) => shell.WithBuiltServicesAsync(
            async services =>
            {
                var (backups, path) = (services.GetRequiredService<Backups>(), Path.GetFullPath(parsed.GetRequiredValue(file)));
                var opener = await key.ReadAsync(parsed, shell, cancellationToken) ?? await backups.FindKeyAsync(path, cancellationToken);
                Backup backup;
                using (var progress = shell.ShowProgress())
                {
                    backup = await backups.VerifyAsync(path, opener, progress, cancellationToken);
                }

                return Tell(shell, parsed.GetValue(json), backup, $"{backup.Path} is good");
            },
            parsed.GetValue(json)));
        return verify;
    }

    private static Command Restore(CommandShell shell)
    {
        var (file, key, json) = (FileArgument(), new KeyOptions(), CommandShell.JsonOption());
        var restore = new Command(
            "restore",
            "Put a backup in the place of the database, on this machine or an empty one. Stop the server first. What was there is kept aside; everybody has to sign in again.")
            { file, json };
        key.AddTo(restore);
        restore.SetAction((parsed, cancellationToken) => shell.WithBuiltServicesAsync(
            async services =>
            {
                var path = Path.GetFullPath(parsed.GetRequiredValue(file));
                var opener = await key.ReadAsync(parsed, shell, cancellationToken)
                    ?? await services.GetRequiredService<Backups>().FindKeyAsync(path, cancellationToken);
                RestoreReport report;
                using (var progress = shell.ShowProgress())
                {
                    report = await services.GetRequiredService<Safekeeping.Restore>().RunAsync(path, opener, progress, cancellationToken);
                }

                return parsed.GetValue(json)
                    ? shell.Answer(done: true, new { done = true, backup = Facts(report.Backup), report.Aside, report.SessionsEnded, report.Tokens })
                    : shell.Say(Words(report));
            },
            parsed.GetValue(json)));
        return restore;
    }

    private static Command Drill(CommandShell shell)
    {
        var file = new Argument<string>("file") { Description = "The backup; without it the newest in Backups:Directory", Arity = ArgumentArity.ZeroOrOne };
        var (key, asJson) = (new KeyOptions(), CommandShell.JsonOption());
        var drill = new Command(
            "drill", "Rehearse a restore: unpack a backup into a temporary place, start on it, open every key in it, and say what came of it. Touches nothing else.")
            { file, asJson };
        key.AddTo(drill);
        drill.SetAction((parsed, cancellationToken) =>
        {
            var json = parsed.GetValue(asJson);
            // A file may be rehearsed where there is no server; what is rehearsed of this server's own is written down there.
            return parsed.GetValue(file) is { } named
                ? shell.WithBuiltServicesAsync(services => RunAsync(services, Path.GetFullPath(named), isOwn: false), json)
                : shell.WithServicesAsync(services => RunAsync(services, services.GetRequiredService<Backups>().Newest(), isOwn: true), json, cancellationToken);

            async Task<int> RunAsync(IServiceProvider services, string path, bool isOwn)
            {
                var backups = services.GetRequiredService<Backups>();
                var opener = await key.ReadAsync(parsed, shell, cancellationToken) ?? await backups.FindKeyAsync(path, cancellationToken);
                DrillReport report;
                using (var progress = shell.ShowProgress())
                {
                    report = isOwn
                        ? await services.GetRequiredService<JobRunner>().DrillAsync(path, opener, Actor.CommandLine, progress, cancellationToken)
                        : await backups.DrillAsync(path, opener, progress, cancellationToken);
                }

                var result = JobRunner.Result(report);
                return json
                    ? shell.Answer(result.Succeeded, new
                    {
                        done = result.Succeeded,
                        backup = Facts(report.Backup),
                        report.Opened,
                        report.Unreadable,
                        seconds = Math.Round(report.Took.TotalSeconds, 3),
                    })
                    : result.Succeeded ? shell.Say(result.Detail) : shell.Refuse(result.Detail);
            }
        });
        return drill;
    }

    private static Argument<string> FileArgument() => new("file") { Description = "The backup" };

    private static int Tell(CommandShell shell, bool json, Backup backup, string text) => json
        ? shell.Answer(done: true, new { done = true, backup = Facts(backup) })
        : shell.Say($"{text} ({Words(backup.Manifest)}).");

    private static object Facts(Backup backup) => new
    {
        backup.Path,
        backup.Manifest.MadeAt,
        backup.Manifest.Program,
        backup.Manifest.RecoveryKeyId,
        backup.Manifest.Size,
        backup.Manifest.Secrets,
    };

    private static string Words(BackupManifest manifest) => string.Create(
        CultureInfo.InvariantCulture,
        $"{manifest.MadeAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, {manifest.Secrets} keys, {manifest.Size / 1024.0 / 1024:F1} MB, recovery key {manifest.RecoveryKeyId}");

    private static string Words(RestoreReport report)
    {
        var text = new StringBuilder()
            .AppendLine(CultureInfo.InvariantCulture, $"Restored: {Words(report.Backup.Manifest)}. Start the server now.")
            .AppendLine(report.Aside is null ? "There was no database before." : $"What was there before is kept in {report.Aside}.")
            .AppendLine(CultureInfo.InvariantCulture, $"{report.SessionsEnded} sign-ins ended: everybody has to sign in again.");
        if (report.Tokens.Count > 0)
        {
            text.AppendLine().AppendLine("These tokens work again because they worked then. Revoke those that were revoked since, or that got into other hands:");
            foreach (var token in report.Tokens)
            {
                text.AppendLine(CultureInfo.InvariantCulture, $"  {token}");
            }
        }

        return text.ToString().TrimEnd();
    }
}
