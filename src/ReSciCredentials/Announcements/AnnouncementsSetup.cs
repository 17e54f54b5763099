using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Announcements;

internal static class AnnouncementsSetup
{
    public static IServiceCollection AddAnnouncements(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<AnnouncementsOptions>().Bind(configuration.GetSection(AnnouncementsOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AnnouncementsOptions>, AnnouncementsOptionsRules>();
        services.AddSingleton<SecretFile>();
        services.AddSingleton<Outbox>();
        services.AddHttpClient<IAnnouncementSender, WebhookSender>()
            // They would write the address, and headers at Trace.
            .RemoveAllLoggers()
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan)
            .UseSocketsHttpHandler((handler, _) =>
            {
                handler.AllowAutoRedirect = false;
                handler.UseCookies = false;
                handler.UseProxy = false;
                handler.ActivityHeadersPropagator = null;
                handler.MaxResponseHeadersLength = 16; // KB
                handler.MaxResponseDrainSize = 0;
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(2);
            });
        services.AddSingleton<IAnnouncementSender, MailSender>();
        services.AddHostedService<Delivery>();
        return services;
    }
}
