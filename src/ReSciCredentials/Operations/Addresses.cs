using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;

namespace ReSciCredentials.Operations;

/// <summary>Under which addresses this server is reached.</summary>
internal static class Addresses
{
    /// <summary>Where it listens when nothing else is set.</summary>
    public const string Default = "http://localhost:5080";

    /// <summary>What people open: <c>Server:PublicAddress</c>, else this machine's own.</summary>
    public static Uri Public(IServiceProvider services) =>
        services.GetRequiredService<IOptions<ServerOptions>>().Value.Origin ?? Local(services);

    /// <summary>How a program on the same machine reaches it.</summary>
    public static Uri Local(IServiceProvider services)
    {
        var configuration = services.GetRequiredService<IConfiguration>();
        // Known for certain once it listens; a command only knows the settings.
        var listening = services.GetService<IServer>()?.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault()
            ?? configuration["urls"]?.Split(';')[0]
            ?? (configuration["http_ports"] is { Length: > 0 } ports ? $"http://localhost:{ports.Split(';')[0]}" : Default);
        var address = BindingAddress.Parse(listening);
        return new UriBuilder(address.Scheme, address.Host is "+" or "*" or "0.0.0.0" or "[::]" ? "localhost" : address.Host, address.Port).Uri;
    }
}
