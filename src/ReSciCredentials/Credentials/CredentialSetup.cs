using Microsoft.Extensions.Options;

namespace ReSciCredentials.Credentials;

internal static class CredentialSetup
{
    // Transient, because of their HttpClient: a typed client that lives for ever never sees a changed address.
    public static IServiceCollection AddCredentials(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ChecksOptions>().Bind(configuration.GetSection(ChecksOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ChecksOptions>, ChecksOptionsRules>();
        return services
            .AddTransient<CredentialVault>()
            .AddTransient<CredentialChecks>()
            .AddSingleton<CredentialSearch>()
            .AddSingleton<KeyWiper>()
            .AddHostedService(provider => provider.GetRequiredService<KeyWiper>())
            .AddSingleton<CheckSchedule>()
            .AddHostedService(provider => provider.GetRequiredService<CheckSchedule>())
            .AddSingleton<DateWatch>()
            .AddHostedService(provider => provider.GetRequiredService<DateWatch>());
    }
}
