using System.CommandLine;
using System.CommandLine.Invocation;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Console;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Operations;

/// <summary>What the executable can do beside serving. Exit codes: 0 done, 1 not done (the reason is in the errors), 2 wrong usage.</summary>
internal sealed partial class CommandLine(TextReader input, TextWriter output, TextWriter errors)
{
    private const int Done = 0;
    private const int NotDone = 1;
    private const int WrongUsage = 2;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        WriteIndented = true,
    };

    public async Task<int> RunAsync(string[] args)
    {
        // Settings may stand among the words of any command, as ASP.NET Core's own: --Storage:Directory=/srv/data
        var settings = args.Where(argument => Setting().IsMatch(argument)).ToArray();
        var words = args.Where(argument => !Setting().IsMatch(argument)).ToArray();

        var root = new RootCommand("ReSci Credentials keeps the API keys of ReSci. Without a command it serves. Any setting can be given as --Section:Key=value.");
        root.SetAction((_, _) => Serve.RunAsync(settings));
        root.Subcommands.Add(Owner(settings));
        root.Subcommands.Add(PersonCommand(settings));
        root.Subcommands.Add(ServiceKeyCommand(settings));
        root.Subcommands.Add(RecoveryKeyCommand(settings));
        root.Subcommands.Add(Audit(settings));
        root.Subcommands.Add(Health(settings));

        // The host stops gracefully by itself; the parser's own limit of two seconds would cut it short.
        var parsed = root.Parse(words);
        var exitCode = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, Output = output, Error = errors });
        return parsed.Action is ParseErrorAction ? WrongUsage : exitCode;
    }

    private Command Owner(string[] settings)
    {
        var email = new Option<string>("--email") { Description = "The e-mail address to sign in with", Required = true };
        var name = new Option<string>("--name") { Description = "What the owner is called on screen", Required = true };
        var password = new Option<bool>("--password-stdin") { Description = "Read the password from standard input; one line end after it is dropped" };
        var create = new Command("create", "Make the owner without a set-up link, also before the first start. Refused when there is an owner.") { email, name, password };
        Demand(create, password);
        create.SetAction((parsed, cancellationToken) => WithServicesAsync(
            settings,
            async services =>
            {
                var typed = WithoutLineEnd(await input.ReadToEndAsync(cancellationToken));
                var (address, called) = (parsed.GetRequiredValue(email), parsed.GetRequiredValue(name));
                return await services.GetRequiredService<Owners>().CreateAsync(address, called, typed, cancellationToken) switch
                {
                    OwnerOutcome.Done => Say($"{called} owns this server now and can sign in as {address}."),
                    OwnerOutcome.Exists => Refuse("There is an owner already. Nothing was changed."),
                    OwnerOutcome.NotAcceptable => Refuse(string.Join(Environment.NewLine, Faults(PersonFaults.Of(called, address, typed)))),
                    OwnerOutcome.LinkNotValid or OwnerOutcome.Busy => Refuse("The server is busy. Nothing was changed; try again."),
                };
            },
            cancellationToken));

        var link = new Command("setup-link", "Print a new one-time link for making the first account. The one before stops working.");
        link.SetAction((_, cancellationToken) => WithServicesAsync(
            settings,
            async services => await services.GetRequiredService<SetupLinks>().IssueAsync(Addresses.Public(services), cancellationToken) is { } issued
                ? Say(issued)
                : Refuse("There is an owner already. To let the owner choose a new password, run: owner reset-sign-in"),
            cancellationToken));

        var reset = new Command("reset-sign-in", "Take the owner's password away, end all sessions, and print a link for choosing a new one.");
        reset.SetAction((_, cancellationToken) => WithServicesAsync(
            settings,
            async services => await services.GetRequiredService<Owners>().ResetSignInAsync(Addresses.Public(services), cancellationToken) is { } issued
                ? Say(issued)
                : Refuse("There is no owner yet. Run: owner setup-link"),
            cancellationToken));

        return new Command("owner", "Make the owner, or help one who cannot sign in.") { create, link, reset };
    }

    private Command PersonCommand(string[] settings)
    {
        var email = new Option<string>("--email") { Description = "The e-mail address to sign in with", Required = true };
        var name = new Option<string>("--name") { Description = "What the person is called on screen", Required = true };
        var password = new Option<bool>("--password-stdin") { Description = "Read the password from standard input; one line end after it is dropped" };
        var create = new Command("create", "Make an account for somebody else. They are a member: they have what they make.") { email, name, password };
        Demand(create, password);
        create.SetAction((parsed, cancellationToken) => WithServicesAsync(
            settings,
            async services =>
            {
                var typed = WithoutLineEnd(await input.ReadToEndAsync(cancellationToken));
                var (address, called) = (parsed.GetRequiredValue(email), parsed.GetRequiredValue(name));
                return await services.GetRequiredService<People>().CreateAsync(address, called, typed, cancellationToken) switch
                {
                    PersonOutcome.Done => Say($"{called} is a member now and can sign in as {address}."),
                    PersonOutcome.Exists => Refuse($"Somebody has the address {address} already. Nothing was changed."),
                    PersonOutcome.NoOwner => Refuse("There is no owner yet, and the first account is the owner's. Run: owner create"),
                    PersonOutcome.NotAcceptable => Refuse(string.Join(Environment.NewLine, Faults(PersonFaults.Of(called, address, typed)))),
                    PersonOutcome.Busy => Refuse("The server is busy. Nothing was changed; try again."),
                };
            },
            cancellationToken));
        return new Command("person", "The people who can sign in.") { create };
    }

    private Command ServiceKeyCommand(string[] settings)
    {
        var owner = new Option<string>("--owner") { Description = "The e-mail address of the person as whom the program acts", Required = true };
        var name = new Option<string>("--name") { Description = "Which program has the key", Required = true };
        var expires = new Option<string>("--expires") { Description = "The last day on which it works (UTC), such as 2027-01-31; without it, it works until it is revoked" };
        var scope = new Option<string>("--scope")
        {
            Description = "read: look; write: also make, change and delete; admin: also say who else may use what",
            DefaultValueFactory = _ => "write",
        };
        scope.AcceptOnlyFromAmong("read", "write", "admin");
        var create = new Command("create", "Make a service key for a program and print it, this once. What is printed is the key and nothing else.") { owner, name, expires, scope };
        create.SetAction((parsed, cancellationToken) => WithServicesAsync(
            settings,
            async services =>
            {
                var address = parsed.GetRequiredValue(owner);
                var asked = new NewServiceKey(parsed.GetRequiredValue(name), parsed.GetValue(expires), parsed.GetValue(scope), Guid.NewGuid());
                return await services.GetRequiredService<ServiceKeys>().CreateForAsync(address, asked, cancellationToken) switch
                {
                    ServiceKeyOutcome.Made made => Say(made.Key),
                    ServiceKeyOutcome.NotFound => Refuse($"Nobody has the address {address}. Nothing was made."),
                    ServiceKeyOutcome.Invalid invalid => Refuse(string.Join(Environment.NewLine, invalid.Errors.Select(error => $"--{error.Key}: {error.Value}"))),
                    _ => throw new UnreachableException(),
                };
            },
            cancellationToken));
        return new Command("service-key", "What programs call the REST API with.") { create };
    }

    private Command RecoveryKeyCommand(string[] settings)
    {
        var confirm = new Option<bool>("--confirm") { Description = "Yes, print the key itself: nobody is looking over my shoulder" };
        var show = new Command("show", "Print the recovery sheet. Whoever has it and the database can read every key.") { confirm };
        Demand(show, confirm);
        show.SetAction((_, cancellationToken) => WithBuiltServicesAsync(
            settings,
            services => Task.FromResult(services.GetRequiredService<KeyFile>().Read() is { } key
                ? Say(key.ToFileText().TrimEnd())
                : Refuse($"There is no recovery key in {services.GetRequiredService<KeyFile>().FilePath}.")),
            cancellationToken));
        return new Command("recovery-key", "The key that opens everything else.") { show };
    }

    private Command Audit(string[] settings)
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
        var json = new Option<bool>("--json") { Description = "Say it as JSON, for programs" };
        var verify = new Command("verify", "Look whether every entry of the audit log is there, in its place and as it was written. Changes nothing.") { kept, json };
        verify.SetAction((parsed, cancellationToken) => WithServicesAsync(
            settings,
            async services =>
            {
                var head = parsed.GetValue(kept);
                var report = await services.GetRequiredService<AuditVerifier>().VerifyAsync(head, ProgressOnTerminal("entries looked at"), cancellationToken);
                return parsed.GetValue(json) ? SayAsJson(report, head) : SayInWords(report, head);
            },
            cancellationToken));

        var head = new Command("head", "Print the head of the audit log, to be kept away from this machine and given to audit verify one day.");
        head.SetAction((_, cancellationToken) => WithServicesAsync(
            settings,
            async services => Say((await services.GetRequiredService<AuditVerifier>().HeadAsync(cancellationToken)).ToString()),
            cancellationToken));

        return new Command("audit", "The log of who did what, whose entries are chained.") { verify, head };
    }

    private int SayAsJson(AuditReport report, AuditHead? kept)
    {
        output.WriteLine(JsonSerializer.Serialize(
            new
            {
                IsWhole = report.IsWhole,
                report.Entries,
                report.RemovedUpTo,
                Head = report.Head.ToString(),
                HeadCompared = kept is null ? (bool?)null : !AuditVerifier.IsTooOld(kept, report),
                report.Faults,
                report.MoreFaults,
            },
            Json));
        return report.IsWhole ? Done : NotDone;
    }

    private int SayInWords(AuditReport report, AuditHead? kept)
    {
        if (kept is not null && AuditVerifier.IsTooOld(kept, report))
        {
            errors.WriteLine($"The head is of entry {kept.Entry}, and entries up to {report.RemovedUpTo} were removed when their time was over: it could not be compared.");
        }

        if (report.IsWhole)
        {
            return Say($"All {report.Entries} entries are there and as they were written. Head: {report.Head}");
        }

        foreach (var fault in report.Faults)
        {
            errors.WriteLine(fault.Text);
        }

        return report.MoreFaults == 0
            ? NotDone
            : Refuse($"And {report.MoreFaults} more entries, which were not looked at one by one.");
    }

    private Command Health(string[] settings)
    {
        var health = new Command("health", "Ask the server on this machine whether it is ready; for container health checks.");
        health.SetAction((_, cancellationToken) => WithBuiltServicesAsync(
            settings,
            async services =>
            {
                using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
                var address = new Uri(Addresses.Local(services), "/health/ready");
                try
                {
                    using var answer = await http.GetAsync(address, cancellationToken);
                    return answer.IsSuccessStatusCode ? Say("ready") : Refuse($"not ready ({(int)answer.StatusCode})");
                }
                catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
                {
                    return Refuse($"no answer from {address}");
                }
            },
            cancellationToken));
        return health;
    }

    /// <summary>For commands that read or write what is stored: beside a running server, or alone.</summary>
    private Task<int> WithServicesAsync(string[] settings, Func<IServiceProvider, Task<int>> run, CancellationToken cancellationToken) =>
        WithBuiltServicesAsync(
            settings,
            async services =>
            {
                await services.GetRequiredService<Opening>().JoinAsync(cancellationToken);
                return await run(services);
            },
            cancellationToken);

    private async Task<int> WithBuiltServicesAsync(string[] settings, Func<IServiceProvider, Task<int>> run, CancellationToken cancellationToken)
    {
        try
        {
            // On standard output stands what a command says, and nothing else.
            await using var app = await Program.BuildAsync(
                [.. settings, "--Logging:LogLevel:Default=Error", "--Logging:LogLevel:Microsoft=Error"],
                builder => builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
            await using var scope = app.Services.CreateAsyncScope();
            return await run(scope.ServiceProvider);
        }
        catch (Exception exception) when (Serve.Explain(exception) is { } explanation)
        {
            return Refuse(explanation);
        }
    }

    // Only where somebody watches: in a file or a pipe it would be noise.
    private Progress<int>? ProgressOnTerminal(string what) => errors == Console.Error && !Console.IsErrorRedirected
        ? new Progress<int>(count => errors.Write(string.Create(CultureInfo.InvariantCulture, $"\r{count:N0} {what}… \r")))
        : null;

    /// <summary>Refuses a command without this switch. The parser takes a missing one for false, even when it is marked as required.</summary>
    private static void Demand(Command command, Option<bool> given)
    {
        given.Description += " (REQUIRED)";
        command.Validators.Add(result =>
        {
            if (!result.GetValue(given))
            {
                result.AddError($"Option '{given.Name}' is required.");
            }
        });
    }

    private static IEnumerable<string> Faults(PersonFaults faults) => new[] { faults.Name, faults.Email, faults.Password }.OfType<string>();

    private static string WithoutLineEnd(string text) =>
        text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;

    private int Say(string text)
    {
        output.WriteLine(text);
        return Done;
    }

    private int Refuse(string text)
    {
        errors.WriteLine(text);
        return NotDone;
    }

    [GeneratedRegex("^--(urls|environment|contentRoot|[A-Za-z]+(:[A-Za-z0-9.]+)+)=")]
    private static partial Regex Setting();
}
