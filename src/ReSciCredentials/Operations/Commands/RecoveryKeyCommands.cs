using System.CommandLine;
using ReSciCredentials.Audit;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations.Commands;

/// <summary>The key that opens everything else: showing it, comparing a sheet with it, exchanging it.</summary>
internal static class RecoveryKeyCommands
{
    public static Command Make(CommandShell shell) =>
        new("recovery-key", "The key that opens everything else.") { Show(shell), Check(shell), Rotate(shell) };

    private static Command Show(CommandShell shell)
    {
        var confirm = new Option<bool>("--confirm") { Description = "Yes, print the key itself: nobody is looking over my shoulder" };
        var show = new Command("show", "Print the recovery sheet. Whoever has it and the database can read every key.") { confirm };
        CommandShell.Demand(show, confirm);
        show.SetAction((_, _) => shell.WithBuiltServicesAsync(services =>
        {
            var file = services.GetRequiredService<KeyFile>();
            return Task.FromResult(file.Read() is { } key ? shell.Say(Sheet(key)) : shell.Refuse($"There is no recovery key in {file.FilePath}."));
        }));
        return show;
    }

    private static Command Check(CommandShell shell)
    {
        var key = new KeyOptions();
        var json = CommandShell.JsonOption();
        var check = new Command("check", "Compare a recovery sheet, typed on standard input, with the key that the database needs. Exit code 0: it is the one.") { json };
        key.AddTo(check, required: true);
        check.SetAction((parsed, cancellationToken) => shell.WithBuiltServicesAsync(
            async services =>
            {
                var typed = await key.ReadAsync(parsed, shell, cancellationToken) ?? throw new BackupRefusedException("There is no key to check.");
                var needed = File.Exists(services.GetRequiredService<StorageFiles>().Database)
                    ? await services.GetRequiredService<Sentinel>().NeededKeyIdAsync(cancellationToken)
                    : null;
                var fits = typed.Id == needed;
                var text = needed is null ? $"The sheet is whole: it is recovery key {typed.Id}. The database needs none yet."
                    : fits ? $"The sheet is right: it is recovery key {typed.Id}, which the database needs."
                    : $"The sheet is whole, but it is recovery key {typed.Id}. The database needs {needed}.";
                return parsed.GetValue(json) ? shell.Answer(fits, new { done = fits, sheet = typed.Id, needed })
                    : fits ? shell.Say(text) : shell.Refuse(text);
            },
            parsed.GetValue(json)));
        return check;
    }

    private static Command Rotate(CommandShell shell)
    {
        var confirm = new Option<bool>("--confirm") { Description = "Yes, print the new key: nobody is looking over my shoulder" };
        var rotate = new Command(
            "rotate",
            "Put a new recovery key in the place of the present one, and print its sheet. The server goes on meanwhile. The old sheet opens backups made before only.")
            { confirm };
        CommandShell.Demand(rotate, confirm);
        rotate.SetAction((_, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                JobResult result;
                using (var progress = shell.ShowProgress())
                {
                    result = await services.GetRequiredService<Jobs>().RunAsync(JobKind.RotateRecoveryKey, Actor.CommandLine, progress, cancellationToken);
                }

                if (!result.Succeeded)
                {
                    return shell.Refuse(result.Detail);
                }

                var key = await services.GetRequiredService<Opening>().ReadKeyAsync(cancellationToken);
                return shell.Say($"{result.Detail}{Environment.NewLine}{Environment.NewLine}{Sheet(key!)}");
            },
            json: false,
            cancellationToken));
        return rotate;
    }

    private static string Sheet(RecoveryKey key) => key.ToFileText().TrimEnd();
}
