using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations;

/// <summary>Runs the server until it is told to stop.</summary>
internal static class Serve
{
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            await using var app = await StartAsync(args, CancellationToken.None);
            await GreetAsync(app);
            await app.WaitForShutdownAsync();
            return 0;
        }
        catch (Exception exception) when (Explain(exception) is { } explanation)
        {
            await Console.Error.WriteLineAsync($"ReSci Credentials did not start.{Environment.NewLine}{explanation}");
            return 1;
        }
    }

    /// <summary>Builds, opens what is stored, and listens.</summary>
    /// <exception cref="StartRefusedException"/>
    /// <exception cref="OptionsValidationException"/>
    public static async Task<WebApplication> StartAsync(
        string[] args, CancellationToken cancellationToken, Action<WebApplicationBuilder>? adjust = null)
    {
        var app = await Program.BuildAsync(args, adjust);
        try
        {
            await app.Services.GetRequiredService<Opening>().StartAsync(cancellationToken);
            await app.StartAsync(cancellationToken);
            return app;
        }
        catch
        {
            // What has started already ends in order, as far as it can.
            await app.StopAsync(CancellationToken.None);
            await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>What to tell the person at the console; null for what is not theirs to mend.</summary>
    public static string? Explain(Exception exception) => exception switch
    {
        StartRefusedException => exception.Message,
        OptionsValidationException invalid => string.Join(Environment.NewLine, invalid.Failures.Select(failure => $"- {failure}")),
        AggregateException several when several.InnerExceptions.All(inner => Explain(inner) is not null) =>
            string.Join(Environment.NewLine, several.InnerExceptions.Select(Explain)),
        IOException { InnerException: AddressInUseException or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } } =>
            $"{exception.Message} Another program listens there. Stop it, or choose another address, for example --urls=http://localhost:5090",
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            "The address may not be used by this account. Choose a port above 1023, for example --urls=http://localhost:5080",
        // The framework about its own settings: a certificate that is missing, a log level that does not exist. It names them.
        InvalidOperationException { Source: "Microsoft.AspNetCore.Server.Kestrel.Core" or "Microsoft.Extensions.Logging.Configuration" } => exception.Message,
        _ => null,
    };

    private static async Task GreetAsync(WebApplication app)
    {
        var address = Addresses.Public(app.Services);
        await Console.Out.WriteLineAsync($"ReSci Credentials is at {address}");
        if (app.Services.GetRequiredService<ServerSeal>().Reason is not null || app.Services.GetRequiredService<IOptions<ReSciOptions>>().Value.Sandbox)
        {
            return;
        }

        await using var scope = app.Services.CreateAsyncScope();
        if (await scope.ServiceProvider.GetRequiredService<SetupLinks>().IssueAsync(address, CancellationToken.None) is { } link)
        {
            await Console.Out.WriteLineAsync(
                $"There is no account yet. Make the owner's, within 30 minutes, at{Environment.NewLine}{link}{Environment.NewLine}For a new link run: owner setup-link");
        }
    }
}
