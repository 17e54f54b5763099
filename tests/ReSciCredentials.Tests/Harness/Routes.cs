using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using ReSciCredentials.Api;

namespace ReSciCredentials.Tests.Harness;

/// <summary>One method of one route, as the server has it.</summary>
/// <param name="Pattern">For the API behind its base, e.g. <c>/data_sinks/{id:int}</c>.</param>
internal sealed record Route(string Method, string Pattern, bool IsApi, RouteEndpoint Endpoint)
{
    private static readonly string[] AllMethods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    /// <summary>As <c>GET /data_sinks/{id:int}</c>: what tables of routes name it by.</summary>
    public string Name => $"{Method} {Pattern}";

    /// <summary>The collection that an id in the pattern is of, e.g. <c>data_sinks</c>.</summary>
    public string Collection => Pattern.Split('/', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? "";

    /// <summary>All of the server's, from what it routes by: none can be forgotten.</summary>
    public static IReadOnlyList<Route> AllOf(TestServer server) =>
    [
        .. server.Service<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().SelectMany(endpoint =>
        {
            var pattern = "/" + endpoint.RoutePattern.RawText!.Trim('/');
            var isApi = pattern.StartsWith(ApiPaths.Base, StringComparison.Ordinal);
            var methods = endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods is { Count: > 0 } named ? named : AllMethods;
            return methods.Select(method => new Route(method, isApi ? pattern[ApiPaths.Base.Length..] : pattern, isApi, endpoint));
        }),
    ];

    /// <summary>The address with something in the place of every parameter, its own base included.</summary>
    /// <param name="valueOf">For a parameter's name.</param>
    public string AddressWith(Func<string, string> valueOf) =>
        (IsApi ? ApiPaths.Base : "") + Regex.Replace(Pattern, @"\{\**(\w+)[^}]*\}", match => valueOf(match.Groups[1].Value));
}
