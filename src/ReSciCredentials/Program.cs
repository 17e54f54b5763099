using ReSciCredentials.Access;
using ReSciCredentials.Activity;
using ReSciCredentials.Announcements;
using ReSciCredentials.Api;
using ReSciCredentials.Audit;
using ReSciCredentials.Broker;
using ReSciCredentials.Components;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Operations;
using ReSciCredentials.ReSci;
using ReSciCredentials.Safekeeping;
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
        builder.Services.AddAudit(builder.Configuration);
        builder.Services.AddAccess(builder.Configuration, builder.Environment);
        builder.Services.AddActivity();
        builder.Services.AddAnnouncements(builder.Configuration);
        builder.Services.AddCredentials(builder.Configuration);
        builder.Services.AddBroker(builder.Configuration);
        builder.Services.AddFlows();
        builder.Services.AddSafekeeping(builder.Configuration);
        builder.Services.AddPages();
        builder.Services.AddOperations(builder.Configuration);
        adjust?.Invoke(builder);

        var app = builder.Build();
        await app.RefuseBadSettingsAsync();
        app.UseRequestChecks();
        app.UseBroker();
        app.UseErrorPages();
        app.UseApi();
        app.UseRouting();
        app.UseSealedPage();
        app.UseAccess();

        app.MapHealth();
        app.MapAccess();
        app.MapPrograms();
        app.MapActivity();
        app.MapServiceKeys();
        app.MapCredentials();
        app.MapKeyRotation();
        app.MapCredentialImport();
        app.MapBroker();
        app.MapFlows();
        app.MapCredentialApi();
        app.MapProbeApi();
        app.MapKeyRotationApi();
        app.MapAccessTokenApi();
        app.MapFlowApi();
        app.MapAuditApi();
        app.MapApiDocument();
        app.MapRestOfApi();
        app.MapSafekeeping();
        app.MapPages();
        return app;
    }

    private static Task<int> Main(string[] args) => new CommandLine(Console.In, Console.Out, Console.Error).RunAsync(args);
}
