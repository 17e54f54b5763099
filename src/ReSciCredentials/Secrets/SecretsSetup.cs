using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption;
using Microsoft.AspNetCore.DataProtection.AuthenticatedEncryption.ConfigurationModel;
using Microsoft.AspNetCore.DataProtection.KeyManagement;

namespace ReSciCredentials.Secrets;

internal static class SecretsSetup
{
    public static IServiceCollection AddSecrets(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<SecretsOptions>().Bind(configuration.GetSection(SecretsOptions.Section));
        services.AddSingleton<KeyFile>();
        services.AddSingleton<ServerSeal>();
        services.AddSingleton<Sentinel>();
        services.AddSingleton<SealedKeyRing>();
        services.AddSingleton<SecretProtector>();
        services.AddSingleton<Opening>();
        services.AddHostedService<SealWatch>();

        services.AddDataProtection()
            // Part of every purpose: with the default, the content root, moving the program would lose every key.
            .SetApplicationName("ReSciCredentials")
            // A wrong recovery key would otherwise silently start a new ring.
            .DisableAutomaticKeyGeneration()
            .UseCryptographicAlgorithms(new AuthenticatedEncryptorConfiguration { EncryptionAlgorithm = EncryptionAlgorithm.AES_256_GCM });
        services.AddOptions<KeyManagementOptions>().Configure<SealedKeyRing>((options, ring) => options.XmlRepository = ring);
        return services;
    }

    /// <summary>Answers for a sealed server before anything that needs the key ring: cookies, antiforgery and components do. Comes after routing.</summary>
    public static IApplicationBuilder UseSealedPage(this IApplicationBuilder app) => app.UseMiddleware<SealedPage>();
}
