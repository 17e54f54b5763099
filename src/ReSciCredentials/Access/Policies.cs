using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using ReSciCredentials.Api;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>Who may call an endpoint under <see cref="ApiPaths.Base"/>: programs with an API token, and nobody with a cookie. So none of them needs antiforgery.</summary>
internal static class Policies
{
    /// <summary>Any service key for GET and HEAD; one that may write for the rest.</summary>
    public const string Api = "api";

    /// <summary>Beside <see cref="Api"/>, for what decides about other people: wants <see cref="ServiceKeyScope.Admin"/>.</summary>
    public const string ApiAdmin = "api_admin";

    public static void Add(AuthorizationBuilder authorization) => authorization
        .AddPolicy(Api, policy => policy.OfPrograms().RequireAssertion(static context =>
            context.Resource is HttpContext http && ScopeOf(http) >= NeededFor(http.Request)))
        .AddPolicy(ApiAdmin, policy => policy.OfPrograms().RequireAssertion(static context =>
            context.Resource is HttpContext http && ScopeOf(http) >= ServiceKeyScope.Admin));

    /// <summary>A collection of the API: for programs alone, and no handler runs on an input that cannot be used.</summary>
    public static RouteGroupBuilder MapApi(this IEndpointRouteBuilder routes, string path, string tag) =>
        routes.MapGroup(ApiPaths.Base + path).WithTags(tag).RequireAuthorization(Api).AddEndpointFilter(ApiInputs.RefuseFaulty);

    /// <summary>All other routes of Nexla's: mapped last.</summary>
    public static void MapRestOfApi(this IEndpointRouteBuilder routes) =>
        routes.Map($"{ApiPaths.Base}/{{**path}}", static (string? path) => ApiSetup.NotPartOfIt(path))
            .RequireAuthorization(Api).WithName("not_supported").Refuses(401, 404, 501).ExcludeFromDescription();

    /// <summary>The description of the API, for whoever is signed in and for programs with a token. It tells nothing of what is stored.</summary>
    public static void MapApiDocument(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/openapi/v1.json", static (ApiDocument document) => Results.Text(document.Text, ApiAnswer.ContentType))
            .RequireAuthorization(static policy => policy.RequireAssertion(static async context =>
                context.User.Identity?.IsAuthenticated is true
                || (context.Resource is HttpContext http && (await http.AuthenticateAsync(ApiTokenSignIn.Name)).Succeeded)))
            .ExcludeFromDescription();

    private static AuthorizationPolicyBuilder OfPrograms(this AuthorizationPolicyBuilder policy) =>
        policy.AddAuthenticationSchemes(ApiTokenSignIn.Name).RequireAuthenticatedUser();

    private static ServiceKeyScope? ScopeOf(HttpContext context) => context.Features.Get<ApiCaller>()?.Token.Scope;

    private static ServiceKeyScope NeededFor(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) ? ServiceKeyScope.Read : ServiceKeyScope.Write;
}
