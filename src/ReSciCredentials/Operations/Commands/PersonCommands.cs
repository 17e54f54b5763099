using System.CommandLine;
using ReSciCredentials.Access;

namespace ReSciCredentials.Operations.Commands;

/// <summary>The people who can sign in.</summary>
internal static class PersonCommands
{
    public static Command Make(CommandShell shell) => new("person", "The people who can sign in.") { Create(shell) };

    private static Command Create(CommandShell shell)
    {
        var email = new Option<string>("--email") { Description = "The e-mail address to sign in with", Required = true };
        var name = new Option<string>("--name") { Description = "What the person is called on screen", Required = true };
        var password = new Option<bool>("--password-stdin") { Description = "Read the password from standard input; one line end after it is dropped" };
        var create = new Command("create", "Make an account for somebody else. They are a member: they have what they make.") { email, name, password };
        CommandShell.Demand(create, password);
        create.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                var typed = await shell.ReadPasswordAsync(cancellationToken);
                var (address, called) = (parsed.GetRequiredValue(email), parsed.GetRequiredValue(name));
                return await services.GetRequiredService<People>().CreateAsync(address, called, typed, cancellationToken) switch
                {
                    PersonOutcome.Done => shell.Say($"{called} is a member now and can sign in as {address}."),
                    PersonOutcome.Exists => shell.Refuse($"Somebody has the address {address} already. Nothing was changed."),
                    PersonOutcome.NoOwner => shell.Refuse("There is no owner yet, and the first account is the owner's. Run: owner create"),
                    PersonOutcome.NotAcceptable => shell.Refuse(PersonFaults.Of(called, address, typed).ToText()),
                    PersonOutcome.Busy => shell.Refuse("The server is busy. Nothing was changed; try again."),
                };
            },
            json: false,
            cancellationToken));
        return create;
    }
}
