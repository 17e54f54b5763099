namespace ReSciCredentials.Access;

/// <summary>Where a browser may be sent.</summary>
internal static class Navigation
{
    /// <summary>
    /// Whether a page is asked for, by the address bar or by Blazor's navigation. Everything else (fetch, circuits, forms)
    /// wants a status code, not a redirect to a page.
    /// </summary>
    public static bool IsDocument(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method))
        && !request.Path.StartsWithSegments("/_blazor", StringComparison.OrdinalIgnoreCase)
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    /// <summary>The address if it lies on this server, else the start page. Browsers read <c>//host</c> and <c>/\host</c> as another server.</summary>
    public static string LocalOrStart(string? address) =>
        address is ['/', ..] and not ['/', '/' or '\\', ..] && !address.Any(c => char.IsControl(c) || c == '\\') ? address : "/";
}
