using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace ReSciCredentials.ReSci;

/// <summary>Registers the client of ReSci's API.</summary>
internal static class ReSciSetup
{
    public static IServiceCollection AddReSci(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<ReSciOptions>().Bind(configuration.GetSection(ReSciOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ReSciOptions>, ReSciOptionsRules>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<OutageWatch>();
        services
            .AddHttpClient<ReSciClient>((provider, http) =>
            {
                http.BaseAddress = provider.GetRequiredService<IOptions<ReSciOptions>>().Value.BaseUri;
                // The client's own deadline covers headers and body; this one would cover headers only.
                http.Timeout = Timeout.InfiniteTimeSpan;
            })
            // They would write headers at Trace.
            .RemoveAllLoggers()
            .SetHandlerLifetime(Timeout.InfiniteTimeSpan)
            .UseSocketsHttpHandler((handler, _) =>
            {
                handler.AllowAutoRedirect = false;
                handler.UseCookies = false;
                handler.UseProxy = false;
                handler.AutomaticDecompression = System.Net.DecompressionMethods.None;
                handler.ActivityHeadersPropagator = null;
                handler.MaxResponseHeadersLength = 32; // KB
                // What is left of an answer is not worth reading: it may never end.
                handler.MaxResponseDrainSize = 0;
                handler.PooledConnectionLifetime = TimeSpan.FromMinutes(2);
            });
        return services;
    }
}
