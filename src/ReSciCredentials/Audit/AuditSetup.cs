using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

internal static class AuditSetup
{
    public static IServiceCollection AddAudit(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AuditOptions>().Bind(configuration.GetSection(AuditOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AuditOptions>, AuditOptions.Validation>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<AuditChain>();
        services.AddSingleton<AuditBeginning>(AuditChain.BeginAsync);
        services.AddSingleton<AuditVerifier>();
        services.AddSingleton<AuditRetention>().AddHostedService(provider => provider.GetRequiredService<AuditRetention>());
        services.ConfigureDbContext<StorageContext>((provider, options) => options.AddInterceptors(provider.GetRequiredService<AuditChain>()));
        return services;
    }
}
