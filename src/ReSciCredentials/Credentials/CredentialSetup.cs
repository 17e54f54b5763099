using Microsoft.Extensions.Options;

namespace ReSciCredentials.Credentials;

internal static class CredentialSetup
{
    public static IServiceCollection AddCredentials(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<CredentialsOptions>().Bind(configuration.GetSection(CredentialsOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<CredentialsOptions>, CredentialsOptionsRules>();
        services.AddOptions<ChecksOptions>().Bind(configuration.GetSection(ChecksOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ChecksOptions>, ChecksOptionsRules>();

        // Transient, because of their HttpClient: a typed client that lives for ever never sees a changed address.
        services.AddTransient<CredentialVault>();
        services.AddTransient<CredentialChecks>();
        services.AddTransient<KeyRotation>();
        services.AddTransient<CredentialAnswers>();
        services.AddSingleton<ProgramProbes>();
        services.AddTransient<CredentialImport>();
        services.AddSingleton<ImportPace>();
        services.AddSingleton<CredentialSearch>();
        services.AddSingleton<KeyUseReports>();

        services.AddSingleton<KeyWiper>();
        services.AddHostedService(provider => provider.GetRequiredService<KeyWiper>());
        services.AddSingleton<CheckSchedule>();
        services.AddHostedService(provider => provider.GetRequiredService<CheckSchedule>());
        services.AddSingleton<DateWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<DateWatch>());
        return services;
    }
}
