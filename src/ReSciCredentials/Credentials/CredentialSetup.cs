namespace ReSciCredentials.Credentials;

internal static class CredentialSetup
{
    // Transient, because of its HttpClient: a typed client that lives for ever never sees a changed address.
    public static IServiceCollection AddCredentials(this IServiceCollection services) => services
        .AddTransient<CredentialVault>()
        .AddSingleton<CredentialSearch>()
        .AddSingleton<KeyWiper>()
        .AddHostedService(provider => provider.GetRequiredService<KeyWiper>());
}
