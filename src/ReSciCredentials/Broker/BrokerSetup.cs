using Microsoft.Extensions.Options;
using ReSciCredentials.Access;

namespace ReSciCredentials.Broker;

internal static class BrokerSetup
{
    public static IServiceCollection AddBroker(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<BrokerOptions>().Bind(configuration.GetSection(BrokerOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<BrokerOptions>, BrokerOptions.Validation>();
        services.AddHttpForwarder();
        services.AddSingleton<BrokerMetrics>();
        services.AddSingleton<UpstreamClient>();
        services.AddSingleton<TokenTable>();
        services.AddSingleton<WrongTokens>();
        services.AddSingleton<MadeJobs>();
        services.AddSingleton<OpenKeys>().AddHostedService(provider => provider.GetRequiredService<OpenKeys>());
        services.AddSingleton<Usage>().AddHostedService(provider => provider.GetRequiredService<Usage>());
        services.AddSingleton<Alarms>().AddHostedService(provider => provider.GetRequiredService<Alarms>());
        services.AddTransient<AccessTokens>();
        services.AddTransient<UsageReader>();
        return services;
    }

    /// <summary>Stands behind the check of the Host and before everything that has to do with people: decisions/0005.</summary>
    public static void UseBroker(this IApplicationBuilder app) =>
        app.Map("/resci", static broker => broker.UseMiddleware<BrokerDoor>());
}
