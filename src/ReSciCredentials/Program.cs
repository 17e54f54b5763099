using ReSciCredentials.Access;
using ReSciCredentials.Announcements;
using ReSciCredentials.Audit;
using ReSciCredentials.Broker;
using ReSciCredentials.Components;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Operations;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials;

/// <summary>The table of contents: one line a feature in, one line a feature out.</summary>
internal static class Program
{
    /// <param name="adjust">For tests: what stands for the outside world, the clock and the log.</param>
    public static async Task<WebApplication> BuildAsync(string[] args, Action<WebApplicationBuilder>? adjust = null)
    {
        var builder = HostSetup.CreateBuilder(args);
        await builder.UseSandboxAsync();
        builder.Services.AddStorage(builder.Configuration);
        builder.Services.AddSecrets(builder.Configuration);
        builder.Services.AddReSci(builder.Configuration);
        builder.Services.AddAudit();
        builder.Services.AddAccess(builder.Configuration, builder.Environment);
        builder.Services.AddAnnouncements(builder.Configuration);
        builder.Services.AddCredentials(builder.Configuration);
        builder.Services.AddBroker(builder.Configuration);
        builder.Services.AddFlows();
        builder.Services.AddPages();
        builder.Services.AddOperations(builder.Configuration);
        adjust?.Invoke(builder);

        var app = builder.Build();
        await app.RefuseBadSettingsAsync();
        app.UseRequestChecks();
        app.UseBroker();
        app.UseErrorPages();
        app.UseRouting();
        app.UseSealedPage();
        app.UseAccess();

        app.MapHealth();
        app.MapAccess();
        app.MapCredentials();
        app.MapKeyRotation();
        app.MapBroker();
        app.MapFlows();
        app.MapPages();
        return app;
    }

    private static Task<int> Main(string[] args) => new CommandLine(Console.In, Console.Out, Console.Error).RunAsync(args);
}
