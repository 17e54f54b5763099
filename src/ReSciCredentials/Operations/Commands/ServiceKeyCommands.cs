using System.CommandLine;
using System.Diagnostics;
using ReSciCredentials.Access;

namespace ReSciCredentials.Operations.Commands;

/// <summary>What programs call the REST API with.</summary>
internal static class ServiceKeyCommands
{
    public static Command Make(CommandShell shell) => new("service-key", "What programs call the REST API with.") { Create(shell) };

    private static Command Create(CommandShell shell)
    {
        var owner = new Option<string>("--owner") { Description = "The e-mail address of the person as whom the program acts", Required = true };
        var name = new Option<string>("--name") { Description = "Which program has the key", Required = true };
        var expires = new Option<string>("--expires")
        {
            Description = "The last day on which it works (UTC), such as 2027-01-31; without it, it works until it is revoked",
        };
        var scope = new Option<string>("--scope")
        {
            Description = "read: look; write: also make, change and delete; admin: also say who else may use what",
            DefaultValueFactory = _ => "write",
        };
        scope.AcceptOnlyFromAmong("read", "write", "admin");
        var create = new Command("create", "Make a service key for a program and print it, this once. What is printed is the key and nothing else.")
        {
            owner, name, expires, scope,
        };
        create.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                var address = parsed.GetRequiredValue(owner);
                var asked = new NewServiceKey(parsed.GetRequiredValue(name), parsed.GetValue(expires), parsed.GetValue(scope), Guid.NewGuid());
                return await services.GetRequiredService<ServiceKeys>().CreateForAsync(address, asked, cancellationToken) switch
                {
                    ServiceKeyOutcome.Made made => shell.Say(made.Key),
                    ServiceKeyOutcome.NotFound => shell.Refuse($"Nobody has the address {address}. Nothing was made."),
                    ServiceKeyOutcome.Invalid invalid => shell.Refuse(
                        string.Join(Environment.NewLine, invalid.Errors.Select(error => $"--{error.Key}: {error.Value}"))),
                    _ => throw new UnreachableException(),
                };
            },
            json: false,
            cancellationToken));
        return create;
    }
}
