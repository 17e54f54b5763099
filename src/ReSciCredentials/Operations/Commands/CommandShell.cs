using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging.Console;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Operations.Commands;

/// <summary>What all commands share: their services, what they are told on standard input, and how they answer.</summary>
internal sealed class CommandShell(string[] settings, TextReader input, TextWriter output, TextWriter errors)
{
    private const int Done = 0;
    private const int NotDone = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
    };

    /// <summary>The option with which a command answers in JSON.</summary>
    public static Option<bool> JsonOption() => new("--json") { Description = "Answer with one JSON object on standard output, when it was not done too" };

    /// <summary>For commands that read or write what is stored: beside a running server, or alone.</summary>
    public Task<int> WithServicesAsync(Func<IServiceProvider, Task<int>> run, bool json, CancellationToken cancellationToken) =>
        WithBuiltServicesAsync(
            async services =>
            {
                await services.GetRequiredService<Opening>().JoinAsync(cancellationToken);
                return await run(services);
            },
            json);

    /// <summary>For commands that do without what is stored, or open it themselves.</summary>
    /// <param name="isSilent">For a command that says itself what is wrong: nothing is logged.</param>
    public async Task<int> WithBuiltServicesAsync(Func<IServiceProvider, Task<int>> run, bool json = false, bool isSilent = false)
    {
        var least = isSilent ? LogLevel.None : LogLevel.Error;
        try
        {
            // On standard output stands what a command says, and nothing else.
            await using var app = await Program.BuildAsync(
                // What a backup or a job came to is said by the command itself.
                [.. settings, $"--Logging:LogLevel:Default={least}", $"--Logging:LogLevel:Microsoft={least}", "--Logging:LogLevel:ReSciCredentials.Safekeeping=None"],
                builder => builder.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
            await using var scope = app.Services.CreateAsyncScope();
            return await run(scope.ServiceProvider);
        }
        catch (Exception exception) when ((Serve.Explain(exception) ?? (exception as BackupRefusedException)?.Message) is { } explanation)
        {
            return json ? Answer(done: false, new { done = false, reason = explanation }) : Refuse(explanation);
        }
    }

    public Task<string> ReadInputAsync(CancellationToken cancellationToken) => input.ReadToEndAsync(cancellationToken);

    /// <summary>What was typed, or piped in, without the line end after it.</summary>
    public async Task<string> ReadPasswordAsync(CancellationToken cancellationToken)
    {
        var text = await input.ReadToEndAsync(cancellationToken);
        return text.EndsWith("\r\n", StringComparison.Ordinal) ? text[..^2] : text.EndsWith('\n') ? text[..^1] : text;
    }

    /// <summary>Done, in words.</summary>
    public int Say(string text)
    {
        output.WriteLine(text);
        return Done;
    }

    /// <summary>Not done, in words.</summary>
    public int Refuse(string text)
    {
        errors.WriteLine(text);
        return NotDone;
    }

    /// <summary>Done or not, for a program.</summary>
    public int Answer(bool done, object answer)
    {
        output.WriteLine(JsonSerializer.Serialize(answer, Json));
        return done ? Done : NotDone;
    }

    /// <summary>Shows how far long work is while it goes on: on a terminal only, and beside what a command says.</summary>
    public ProgressBar ShowProgress() => new(errors, isShown: ReferenceEquals(errors, Console.Error) && !Console.IsErrorRedirected);

    /// <summary>Refuses a command without this switch. The parser takes a missing one for false, even when it is marked as required.</summary>
    public static void Demand(Command command, Option<bool> given)
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
}
