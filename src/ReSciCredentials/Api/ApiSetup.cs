using System.Globalization;

namespace ReSciCredentials.Api;

internal static class ApiSetup
{
    // Those whose second part is an id; the third is a resource's name in errors.
    private static readonly Dictionary<string, string> Resources = new(StringComparer.OrdinalIgnoreCase)
    {
        ["data_credentials"] = "credential",
        ["data_sources"] = "source",
        ["data_sinks"] = "destination",
    };

    /// <summary>Stands before everything that can refuse a call of the API.</summary>
    public static void UseApi(this IApplicationBuilder app) => app.UseMiddleware<ApiFaults>();

    /// <summary>The rest of Nexla's routes, so that a program learns what is missing instead of getting a page. Mapped last, on the API's group.</summary>
    public static void MapRestOfApi(this RouteGroupBuilder api) =>
        api.Map("/{**path}", static (string? path) => NotPartOfIt(path ?? "")).WithName("api_not_supported").Refuses(404, 501).ExcludeFromDescription();

    private static ApiError NotPartOfIt(string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        // An id that is no number names nothing.
        if (parts is [var collection, var id, ..]
            && Resources.TryGetValue(collection, out var resource)
            && !int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && id is not "probe")
        {
            return new ApiError(StatusCodes.Status404NotFound, "not_found", $"There is no such {resource}: ids are numbers.") { ResourceType = resource };
        }

        return new ApiError(
            StatusCodes.Status501NotImplemented, "not_supported", "This call is not part of this server. It has credentials, data sources and data sinks of ReSci.");
    }
}
