namespace ReSciCredentials.Api;

/// <summary>Where the REST API is. A program of Nexla's changes only the host: its own default ends so.</summary>
internal static class ApiPaths
{
    public const string Base = "/nexla-api";

    public static bool IsApi(HttpRequest request) => request.Path.StartsWithSegments(Base, StringComparison.OrdinalIgnoreCase);
}
