using System.Net;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ReSciCredentials.Api;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>Who may come in, and how.</summary>
internal static class AccessSetup
{
    public static IServiceCollection AddAccess(this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment)
    {
        services.AddOptions<ServerOptions>().Bind(configuration.GetSection(ServerOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ServerOptions>, ServerOptions.Validation>();
        services.AddOptions<ServiceKeysOptions>().Bind(configuration.GetSection(ServiceKeysOptions.Section)).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ServiceKeysOptions>, ServiceKeysOptions.Validation>();
        services.AddOptions<ForwardedHeadersOptions>().Configure<IOptions<ServerOptions>>(TrustProxies);

        services.AddIdentityCore<Account>(options =>
            {
                options.User.RequireUniqueEmail = true;
                // The user name is the e-mail address, which may hold any letter.
                options.User.AllowedUserNameCharacters = "";
            })
            .AddEntityFrameworkStores<StorageContext>();
        services.Configure<PasswordHasherOptions>(options => options.IterationCount = Passwords.Iterations);

        var authentication = services.AddAuthentication(SessionCookie.Scheme)
            .AddCookie(SessionCookie.Scheme, SessionCookie.Configure)
            .AddScheme<AuthenticationSchemeOptions, ApiTokenSignIn>(ApiTokenSignIn.Name, null);
        if (DemoSignIn.IsPossible(configuration, environment))
        {
            services.AddSingleton<DemoOwner>();
            services.Configure<AuthenticationOptions>(options => options.DefaultAuthenticateScheme = DemoSignIn.Name);
            authentication.AddScheme<AuthenticationSchemeOptions, DemoSignIn>(DemoSignIn.Name, null);
        }

        // Whatever no route opens is closed.
        var authorization = services.AddAuthorizationBuilder();
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        Policies.Add(authorization);
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, SessionRevalidation>();
        services.AddAntiforgery().Replace(ServiceDescriptor.Singleton<IAntiforgery, AntiforgeryByScheme>());

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<Passwords>();
        services.AddSingleton<LockOut>();
        services.AddSingleton<FailedSignIns>();
        services.AddSingleton<RecentSignIn>();
        services.AddSingleton<LiveConnections>();
        services.AddSingleton<Sessions>();
        services.AddHostedService<EndedSessions>();
        services.AddScoped<ServiceKeys>();
        services.AddKeyedSingleton<WrongTokens>(ServiceKeys.ItemType);
        services.AddSingleton<ServiceKeyUse>().AddHostedService(provider => provider.GetRequiredService<ServiceKeyUse>());
        services.AddSingleton<ApiTokens>();
        services.AddScoped<CurrentPerson>();
        services.AddScoped<Accounts>();
        services.AddScoped<SetupLinks>();
        services.AddScoped<People>();
        services.AddScoped<Owners>();
        services.AddTransient<Sharing>();
        services.AddSingleton<Repeats>();
        services.AddSingleton<ApiDocument>();
        services.AddSingleton<ApiReference>();
        return services;
    }

    /// <summary>What every answer has and every request must pass, signed in or not. Needs neither the database nor the key ring.</summary>
    public static void UseRequestChecks(this WebApplication app)
    {
        // Without a single proxy in its lists the middleware would believe everybody.
        if (app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.TrustedProxies.Count > 0)
        {
            app.UseForwardedHeaders();
        }

        app.UseMiddleware<SecurityHeaders>();
        app.UseMiddleware<HostCheck>();
        app.UseMiddleware<OriginCheck>();
    }

    /// <summary>Who asks, and whether they may. Stands after <see cref="UseRequestChecks"/>.</summary>
    public static void UseAccess(this WebApplication app)
    {
        app.UseAuthentication();
        app.UseMiddleware<OwnerGate>();
        app.UseAuthorization();
        app.UseMiddleware<ServiceKeyLimits>();
        app.UseMiddleware<CurrentPerson.OfRequest>();
        app.UseMiddleware<LiveConnections.Registration>();
        app.UseAntiforgery();
        app.UseMiddleware<StaleForms>();
    }

    private static void TrustProxies(ForwardedHeadersOptions forwarded, IOptions<ServerOptions> server)
    {
        forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost;
        // As many hops as are trusted.
        forwarded.ForwardLimit = null;
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var proxy in server.Value.TrustedProxies)
        {
            if (IPAddress.TryParse(proxy, out var address))
            {
                forwarded.KnownProxies.Add(address);
            }
            else
            {
                forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(proxy));
            }
        }
    }
}
