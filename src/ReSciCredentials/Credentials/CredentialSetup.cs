using Microsoft.Extensions.Options;

namespace ReSciCredentials.Credentials;

internal static class CredentialSetup
{
    public static IServiceCollection AddCredentials(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<CredentialsOptions>().Bind(configuration.GetSection(CredentialsOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<CredentialsOptions>, CredentialsOptionsRules>();

        // Transient, because of their HttpClient: a typed client that lives for ever never sees a changed address.
        services.AddTransient<CredentialVault>();
        services.AddTransient<KeyRotation>();
        services.AddSingleton<CredentialSearch>();
        services.AddSingleton<KeyUseReports>();

        services.AddSingleton<KeyWiper>();
        services.AddHostedService(provider => provider.GetRequiredService<KeyWiper>());
        return services;
    }
}
