using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Programs;

/// <summary>The scope of a service key against the method of a call.</summary>
public sealed class WhatAScopeAllows(ProgramServer shared) : IClassFixture<ProgramServer>
{
    [Theory]
    [InlineData("GET", ServiceKeyScope.Read, true)]
    [InlineData("HEAD", ServiceKeyScope.Read, true)]
    [InlineData("POST", ServiceKeyScope.Read, false)]
    [InlineData("PUT", ServiceKeyScope.Read, false)]
    [InlineData("PATCH", ServiceKeyScope.Read, false)]
    [InlineData("DELETE", ServiceKeyScope.Read, false)]
    [InlineData("DELETE", ServiceKeyScope.Write, true)]
    [InlineData("POST", ServiceKeyScope.Admin, true)]
    public async Task Is_looking_with_read_and_changing_with_write(string method, ServiceKeyScope scope, bool allowed) =>
        Assert.Equal(allowed, await IsAllowedAsync(Policies.Api, method, scope));

    [Theory]
    [InlineData(ServiceKeyScope.Read, false)]
    [InlineData(ServiceKeyScope.Write, false)]
    [InlineData(ServiceKeyScope.Admin, true)]
    public async Task Is_deciding_about_others_with_admin_alone(ServiceKeyScope scope, bool allowed) =>
        Assert.Equal(allowed, await IsAllowedAsync(Policies.ApiAdmin, "GET", scope));

    [Fact]
    public async Task Is_nothing_without_a_service_key()
    {
        var user = new ClaimsPrincipal(new ClaimsIdentity("session"));

        var result = await shared.Server.Service<IAuthorizationService>().AuthorizeAsync(user, new DefaultHttpContext(), Policies.Api);

        Assert.False(result.Succeeded);
    }

    private async Task<bool> IsAllowedAsync(string policy, string method, ServiceKeyScope scope)
    {
        var token = new ApiTokenEntry(default, 1, "Nightly", scope, 1, "Olga", "olga@example.com", AccountRole.Owner, DateTimeOffset.MaxValue, new TokenState());
        var context = new DefaultHttpContext { Request = { Method = method } };
        context.Features.Set(new ApiCaller(token.PersonAt(new Client("", "")), token));
        var user = new ClaimsPrincipal(new ClaimsIdentity(ApiTokenSignIn.Name));
        return (await shared.Server.Service<IAuthorizationService>().AuthorizeAsync(user, context, policy)).Succeeded;
    }
}
