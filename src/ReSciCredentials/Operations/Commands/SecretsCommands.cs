using System.CommandLine;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations.Commands;

/// <summary>Encrypting everything stored anew: by the running server, which goes on working, or here when none runs.</summary>
internal static class SecretsCommands
{
    public static Command Make(CommandShell shell) =>
        new("secrets", "Encrypt what is stored anew.") { Reencrypt(shell), RotateAll(shell) };

    private static Command Reencrypt(CommandShell shell)
    {
        var newKey = new Option<bool>("--new-ring-key") { Description = "Make a new key of the ring first" };
        var json = CommandShell.JsonOption();
        var reencrypt = new Command(
            "reencrypt", "Put every stored key under the newest key of the ring. Everybody goes on working; cut off, it goes on where it was.") { newKey, json };
        reencrypt.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                var kind = parsed.GetValue(newKey) ? JobKind.RenewRing : JobKind.Reencrypt;
                return Tell(shell, parsed.GetValue(json), await RunAsync(shell, services, kind, cancellationToken), []);
            },
            parsed.GetValue(json),
            cancellationToken));
        return reencrypt;
    }

    private static Command RotateAll(CommandShell shell)
    {
        var confirm = new Option<bool>("--confirm") { Description = "Yes, sign everybody out" };
        var json = CommandShell.JsonOption();
        var rotate = new Command(
            "rotate-all",
            "After a break-in: make a new key of the ring, put every stored key under it, sign everybody out, and name the tokens to issue anew.") { confirm, json };
        CommandShell.Demand(rotate, confirm);
        rotate.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                var result = await RunAsync(shell, services, JobKind.RotateAll, cancellationToken);
                await using var storage = await services.GetRequiredService<IDbContextFactory<StorageContext>>().CreateDbContextAsync(cancellationToken);
                var tokens = await TokenToThinkAbout.ListAsync(storage, services.GetRequiredService<TimeProvider>().GetUtcNow(), cancellationToken);
                return Tell(shell, parsed.GetValue(json), result, tokens);
            },
            parsed.GetValue(json),
            cancellationToken));
        return rotate;
    }

    private static async Task<JobResult> RunAsync(CommandShell shell, IServiceProvider services, JobKind kind, CancellationToken cancellationToken)
    {
        using var progress = shell.ShowProgress();
        return await services.GetRequiredService<Jobs>().RunAsync(kind, Actor.CommandLine, progress, cancellationToken);
    }

    private static int Tell(CommandShell shell, bool json, JobResult result, IReadOnlyList<TokenToThinkAbout> tokens)
    {
        if (json)
        {
            return shell.Answer(result.Succeeded, new { done = result.Succeeded, result.Detail, keys = result.Done, tokens });
        }

        if (!result.Succeeded)
        {
            return shell.Refuse(result.Detail);
        }

        List<string> lines = [$"{result.Detail}."];
        if (tokens.Count > 0)
        {
            lines.Add("");
            lines.Add("Issue these anew, if whoever broke in may have seen them. The API keys themselves are replaced in ReSci and on their credentials' pages:");
            lines.AddRange(tokens.Select(token => $"  {token}"));
        }

        return shell.Say(string.Join(Environment.NewLine, lines));
    }
}
