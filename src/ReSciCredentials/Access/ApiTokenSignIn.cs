using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using ReSciCredentials.Api;

namespace ReSciCredentials.Access;

/// <summary>A feature of a request that came with a valid API token: as whom it acts, and what it may.</summary>
internal sealed record ApiCaller(Person Person, ApiTokenEntry Token);

/// <summary>Signs a program in by the token of its Authorization header.</summary>
internal sealed class ApiTokenSignIn(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, ApiTokens tokens)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "api_token";

    /// <summary>The token of an Authorization header; null when it is not exactly one such header.</summary>
    public static string? TokenIn(StringValues authorization) =>
        AuthenticationHeaderValue.TryParse(authorization, out var header) && header.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
            ? header.Parameter
            : null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (TokenIn(Request.Headers.Authorization) is not { } text || await tokens.FindAsync(text, Context.RequestAborted) is not { } token)
        {
            return AuthenticateResult.NoResult();
        }

        Context.Features.Set(new ApiCaller(token.PersonAt(Client.Of(Context)), token));
        return AuthenticateResult.Success(new AuthenticationTicket(
            new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, token.OwnerName)], Name)), Name));
    }

    /// <summary>One text for what is missing, unknown, expired and revoked.</summary>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return new ApiError(
            StatusCodes.Status401Unauthorized,
            "unauthorized",
            $"This call needs a valid access token. Get one with POST {ApiPaths.Base}/token and a service key.").WriteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var scope = Context.Features.Get<ApiCaller>()!.Token.Scope.ToString().ToLowerInvariant();
        return new ApiError(
            StatusCodes.Status403Forbidden,
            "forbidden",
            $"This service key has the scope {scope}, which does not allow this call. Make one with a wider scope in Settings, Service keys.").WriteAsync(Context);
    }
}
