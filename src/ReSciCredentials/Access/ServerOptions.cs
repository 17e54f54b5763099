using System.Net;
using Microsoft.Extensions.Options;

namespace ReSciCredentials.Access;

/// <summary>The section <c>Server</c>: under which address people reach this server, and which proxies speak for them.</summary>
internal sealed class ServerOptions
{
    public const string Section = "Server";

    /// <summary>The origin people use, e.g. <c>https://keys.example.com</c>. Empty: only the loopback names answer.</summary>
    public string PublicAddress { get; set; } = "";

    /// <summary>IP addresses or networks (CIDR) of reverse proxies whose X-Forwarded headers are believed.</summary>
    public IList<string> TrustedProxies { get; init; } = [];

    /// <summary>The public address as an origin without a path; null when there is none.</summary>
    public Uri? Origin => PublicAddress.Length == 0 ? null : new Uri(PublicAddress, UriKind.Absolute);

    /// <summary>Names every setting that is wrong by its key.</summary>
    internal sealed class Validation(IConfiguration configuration) : IValidateOptions<ServerOptions>
    {
        public ValidateOptionsResult Validate(string? name, ServerOptions options)
        {
            List<string> failures = [];
            if (options.PublicAddress.Length > 0 && !IsOrigin(options.PublicAddress))
            {
                failures.Add(
                    $"{Section}:PublicAddress must be an address such as https://keys.example.com, without a path: '{options.PublicAddress}'.");
            }

            foreach (var proxy in options.TrustedProxies)
            {
                if (!IPAddress.TryParse(proxy, out _) && !IPNetwork.TryParse(proxy, out _))
                {
                    failures.Add($"{Section}:TrustedProxies must hold IP addresses or networks such as 10.0.0.0/8: '{proxy}'.");
                }
            }

            // The framework's own switch believes the headers of everybody, which would undo the list above.
            if (string.Equals(configuration["ForwardedHeaders_Enabled"], "true", StringComparison.OrdinalIgnoreCase))
            {
                failures.Add($"ForwardedHeaders_Enabled trusts every sender. Remove it and name the proxies in {Section}:TrustedProxies.");
            }

            return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
        }

        private static bool IsOrigin(string address) =>
            Uri.TryCreate(address, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
            && uri is { PathAndQuery: "/", Fragment: "", UserInfo: "" };
    }
}
