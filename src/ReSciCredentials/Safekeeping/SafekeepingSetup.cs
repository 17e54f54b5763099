using Microsoft.Extensions.Options;

namespace ReSciCredentials.Safekeeping;

/// <summary>Backups, restores, rehearsals, and exchanging the keys that everything is encrypted under.</summary>
internal static class SafekeepingSetup
{
    public static IServiceCollection AddSafekeeping(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<BackupsOptions>().Bind(configuration.GetSection(BackupsOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<BackupsOptions>, BackupsOptionsRules>();
        services.AddSingleton<Backups>();
        services.AddSingleton<Restore>();
        services.AddSingleton<Reencryption>();
        services.AddSingleton<RecoveryKeyRotation>();
        services.AddSingleton<JobRunner>();
        services.AddSingleton<Jobs>();
        services.AddSingleton<ServerCare>();
        // Transient, because of the HttpClient in it.
        services.AddTransient<ServerCheck>();
        services.AddHostedService<JobWorker>();
        services.AddSingleton<BackupSchedule>();
        services.AddHostedService(provider => provider.GetRequiredService<BackupSchedule>());
        return services;
    }
}
