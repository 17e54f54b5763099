using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Operations;

internal static class OperationsSetup
{
    private const string Ready = "ready";

    public static IServiceCollection AddOperations(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddTelemetry(configuration);
        services.AddSingleton<IPostConfigureOptions<LoggerFilterOptions>, LogFloors>();
        services.AddHealthChecks().AddCheck<ReadyCheck>(Ready, tags: [Ready]);
        // In-flight work may finish within this time after SIGTERM.
        services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(30));
        return services;
    }

    /// <summary>Comes before anything uses a setting, so that every fault of all of them is told at once, to a command as to the server.</summary>
    /// <exception cref="OptionsValidationException"/>
    /// <exception cref="AggregateException">Of those, when several sections are at fault.</exception>
    public static async Task RefuseBadSettingsAsync(this WebApplication app)
    {
        try
        {
            app.Services.GetRequiredService<IStartupValidator>().Validate();
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
    }

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        var health = routes.MapGroup("/health").AllowAnonymous().WithMetadata(new OpenWhenSealed());

        health.MapHealthChecks("/live", new HealthCheckOptions { Predicate = _ => false });
        health.MapHealthChecks("/ready", new HealthCheckOptions { Predicate = check => check.Tags.Contains(Ready), ResponseWriter = OwnersHealth.WriteAsync });
    }
}
