using System.CommandLine;
using ReSciCredentials.Access;

namespace ReSciCredentials.Operations.Commands;

/// <summary>Making the owner, and helping one who cannot sign in.</summary>
internal static class OwnerCommands
{
    public static Command Make(CommandShell shell) =>
        new("owner", "Make the owner, or help one who cannot sign in.") { Create(shell), SetupLink(shell), ResetSignIn(shell) };

    private static Command Create(CommandShell shell)
    {
        var email = new Option<string>("--email") { Description = "The e-mail address to sign in with", Required = true };
        var name = new Option<string>("--name") { Description = "What the owner is called on screen", Required = true };
        var password = new Option<bool>("--password-stdin") { Description = "Read the password from standard input; one line end after it is dropped" };
        var create = new Command("create", "Make the owner without a set-up link, also before the first start. Refused when there is an owner.") { email, name, password };
        CommandShell.Demand(create, password);
        create.SetAction((parsed, cancellationToken) => shell.WithServicesAsync(
            async services =>
            {
                var typed = await shell.ReadPasswordAsync(cancellationToken);
                var (address, called) = (parsed.GetRequiredValue(email), parsed.GetRequiredValue(name));
                return await services.GetRequiredService<Owners>().CreateAsync(address, called, typed, cancellationToken) switch
                {
                    OwnerOutcome.Done => shell.Say($"{called} owns this server now and can sign in as {address}."),
                    OwnerOutcome.Exists => shell.Refuse("There is an owner already. Nothing was changed."),
                    OwnerOutcome.NotAcceptable => shell.Refuse(PersonFaults.Of(called, address, typed).ToText()),
                    OwnerOutcome.LinkNotValid or OwnerOutcome.Busy => shell.Refuse("The server is busy. Nothing was changed; try again."),
                };
            },
            json: false,
            cancellationToken));
        return create;
    }

    private static Command SetupLink(CommandShell shell)
    {
        var link = new Command("setup-link", "Print a new one-time link for making the first account. The one before stops working.");
        link.SetAction((_, cancellationToken) => shell.WithServicesAsync(
            async services => await services.GetRequiredService<SetupLinks>().IssueAsync(Addresses.Public(services), cancellationToken) is { } issued
                ? shell.Say(issued)
                : shell.Refuse("There is an owner already. To let the owner choose a new password, run: owner reset-sign-in"),
            json: false,
            cancellationToken));
        return link;
    }

    private static Command ResetSignIn(CommandShell shell)
    {
        var reset = new Command("reset-sign-in", "Take the owner's password away, end all sessions, and print a link for choosing a new one.");
        reset.SetAction((_, cancellationToken) => shell.WithServicesAsync(
            async services => await services.GetRequiredService<Owners>().ResetSignInAsync(Addresses.Public(services), cancellationToken) is { } issued
                ? shell.Say(issued)
                : shell.Refuse("There is no owner yet. Run: owner setup-link"),
            json: false,
            cancellationToken));
        return reset;
    }
}
