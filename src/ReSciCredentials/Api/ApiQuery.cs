using Microsoft.AspNetCore.Http.Extensions;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;

namespace ReSciCredentials.Api;

/// <summary>Values of a query as programs spell them.</summary>
internal static class ApiQuery
{
    /// <summary>Whether a flag is set: <c>1</c>, <c>true</c> or Python's <c>True</c>. Anything else is no.</summary>
    public static bool Flag(this HttpRequest request, string name) =>
        request.Query[name].ToString() is "1" || request.Query[name].ToString().Equals("true", StringComparison.OrdinalIgnoreCase);

    /// <summary>What was sent, or null when it is empty.</summary>
    public static string? Text(this HttpRequest request, string name) => request.Query[name].ToString() is { Length: > 0 } text ? text : null;
}

/// <summary>
/// Which part of a list is wanted. Nexla's paginator asks for page after page and stops at the first one that is short, so a page is never made shorter than
/// what was asked; what cannot be given is refused.
/// </summary>
internal sealed class ApiPage : IApiInput, IBindableFromHttpContext<ApiPage>, IEndpointParameterMetadataProvider
{
    public const int Most = 1000;

    private const int Usual = 20;

    // Their values are known ones by the time that they are repeated. Whatever else a program asks for may be anything, a key included.
    private static readonly string[] Repeatable = ["page", "per_page", "access_role", "sort", "verified_status", "from", "to"];

    private readonly HttpRequest _request;

    private ApiPage(HttpRequest request, int number, int size, ApiError? fault) => (_request, Number, Size, Fault) = (request, number, size, fault);

    /// <summary>From 1.</summary>
    public int Number { get; }

    /// <summary>1 to <see cref="Most"/>.</summary>
    public int Size { get; }

    public ApiError? Fault { get; }

    /// <summary>How many rows come before it. Beyond what any list can hold there is nothing either.</summary>
    public int Skip => (int)Math.Min((long)(Number - 1) * Size, int.MaxValue);

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new ApiParameters("page", "per_page"));

    public static ValueTask<ApiPage?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var request = context.Request;
        var (page, size) = (request.Text("page"), request.Text("per_page"));
        // Neither: everything, as far as one answer goes.
        var number = page is null ? 1 : NumberOf(page);
        var perPage = size is not null ? NumberOf(size) : page is null ? Most : Usual;
        var fault = number < 1 ? ApiError.Invalid("page", "Pages are numbered from 1.")
            : perPage is < 1 or > Most ? ApiError.Invalid("per_page", $"Ask for 1 to {Most} a page.")
            : null;
        return ValueTask.FromResult<ApiPage?>(fault is null ? new ApiPage(request, number, perPage, null) : new ApiPage(request, 1, Usual, fault));
    }

    /// <summary>Tells of the whole list in the headers: the body is the bare array that the SDK wants.</summary>
    /// <param name="total">How many there are on all pages.</param>
    public void Describe(HttpResponse response, int total)
    {
        var last = Math.Max(1, ((total - 1) / Size) + 1);
        response.Headers["X-Total-Count"] = Text(total);
        response.Headers["X-Page"] = Text(Number);
        response.Headers["X-Per-Page"] = Text(Size);
        if (_request.Query.Keys.Except(Repeatable, StringComparer.Ordinal).Any())
        {
            return;
        }

        List<string> links = [Link(1, "first"), Link(last, "last")];
        if (Number > 1)
        {
            links.Add(Link(Math.Min(Number - 1, last), "prev"));
        }

        if (Number < last)
        {
            links.Add(Link(Number + 1, "next"));
        }

        response.Headers.Link = string.Join(", ", links);
    }

    private string Link(int number, string relation)
    {
        var query = new QueryBuilder(_request.Query.Where(pair => pair.Key is not ("page" or "per_page")))
        {
            { "page", Text(number) },
            { "per_page", Text(Size) },
        };
        return $"<{_request.PathBase}{_request.Path}{query}>; rel=\"{relation}\"";
    }

    private static int NumberOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
