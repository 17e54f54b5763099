using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Api;

namespace ReSciCredentials.Access;

/// <summary>The organisation that everybody on this server belongs to. There is one; programs ask for it.</summary>
internal sealed record Organization(int Id, string Name)
{
    public static Organization Own { get; } = new(1, "ReSci Credentials");
}

/// <summary>Where programs come in: a service key becomes an API token, and a token says whose it is.</summary>
internal static class ProgramEndpoints
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static void MapPrograms(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup(ApiPaths.Base).WithTags("Session");

        api.MapPost("/token", SignInAsync).AllowAnonymous()
            .WithName("create_token").WithSummary("Exchange a service key for a token").Produces<SessionAnswer>().Refuses(401, 403);
        api.MapPost("/token/logout", SignOutAsync).AllowAnonymous().WithName("delete_token").WithSummary("End a token");
        api.MapGet("/users/current", ShowCurrent).RequireAuthorization(Policies.Api)
            .WithName("get_current_user").WithSummary("Show whose token it is").Produces<UserAnswer>().Refuses(401);
    }

    // The header holds the service key as it is: not a user and a password in base64, which Basic is elsewhere.
    private static async Task<Results<JsonHttpResult<SessionAnswer>, ApiError>> SignInAsync(
        HttpContext context, ApiTokens tokens, CancellationToken cancellationToken)
    {
        if (!Loopback.MayCarryPasswords(context.Request))
        {
            return new ApiError(
                StatusCodes.Status403Forbidden,
                "https_required",
                "A service key must not be sent over plain http. Call this server by its https address, and rotate the key: it may have been read on its way.");
        }

        return await tokens.SignInAsync(ServiceKeyIn(context.Request.Headers.Authorization), Client.Of(context), cancellationToken) switch
        {
            ApiSignIn.SignedIn signedIn => TypedResults.Json(SessionAnswer.Of(signedIn), Json),
            ApiSignIn.Refused => new ApiError(
                StatusCodes.Status401Unauthorized,
                "unauthorized",
                "This service key does not work: it is unknown, expired or revoked. Send it as it is: Authorization: Basic <service key>."),
            ApiSignIn.TooMany tooMany => ServiceKeyLimits.TooMany("Too many tokens were asked for. Wait a moment.", tooMany.Wait),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>Always 200: a program signs out when it ends, whatever became of its token.</summary>
    private static async Task<Ok<object>> SignOutAsync(HttpContext context, ApiTokens tokens, CancellationToken cancellationToken)
    {
        if (ApiTokenSignIn.TokenIn(context.Request.Headers.Authorization) is { } token)
        {
            await tokens.SignOutAsync(token, cancellationToken);
        }

        return TypedResults.Ok(new object());
    }

    private static JsonHttpResult<UserAnswer> ShowCurrent(Person person) => TypedResults.Json(UserAnswer.Of(person), Json);

    private static string? ServiceKeyIn(string? authorization) =>
        authorization?.Split(' ', 2, StringSplitOptions.TrimEntries) is [var scheme, var key] && scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase)
            ? key
            : null;

    internal sealed record SessionAnswer(
        string AccessToken, string TokenType, int ExpiresIn, UserAnswer User, Organization Org, MembershipAnswer OrgMembership)
    {
        public static SessionAnswer Of(ApiSignIn.SignedIn signedIn) => new(
            signedIn.Token,
            "Bearer",
            (int)ApiTokens.Lifetime.TotalSeconds,
            UserAnswer.Of(signedIn.Person),
            Organization.Own,
            new MembershipAnswer("ACTIVE", signedIn.Person.Role is Storage.AccountRole.Owner));

        // Somebody will print this one day.
        public override string ToString() => nameof(SessionAnswer);
    }

    internal sealed record MembershipAnswer(string Status, [property: JsonPropertyName("is_admin?")] bool IsAdmin);

    internal sealed record UserAnswer(int Id, string FullName, string Email, Organization Org, bool Impersonated)
    {
        public static UserAnswer Of(Person person) => new(person.Id, person.Name, person.Email, Organization.Own, false);
    }
}
