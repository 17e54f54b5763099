using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Api;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>The OpenAPI document says what the server does.</summary>
public sealed class DescribingTheApi(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    [Fact]
    public async Task Names_each_route_and_no_other()
    {
        var routes = nexla.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.RoutePattern.RawText!.StartsWith($"{ApiPaths.Base}/", StringComparison.Ordinal)
                && !route.RoutePattern.RawText.Contains("**", StringComparison.Ordinal))
            .SelectMany(route => route.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods.Select(method =>
                $"{method} {route.RoutePattern.RawText![ApiPaths.Base.Length..].Replace(":int", "", StringComparison.Ordinal).TrimEnd('/')}"));

        var described = (await OperationsAsync()).Select(operation => $"{operation.Method} {operation.Path}");

        Assert.Equal(routes.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Gives_each_operation_a_name_a_summary_and_an_answer() => Assert.All(await OperationsAsync(), operation =>
    {
        Assert.NotEmpty(operation.Value.GetProperty("operationId").GetString()!);
        Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
        Assert.Contains(operation.Value.GetProperty("responses").EnumerateObject(), answer => answer.Name is "200" or "204");
    });

    [Fact]
    public async Task Documents_the_status_of_what_is_not_there()
    {
        foreach (var (method, path, operation) in (await OperationsAsync()).Where(operation => operation.Path.Contains('{', StringComparison.Ordinal)))
        {
            var call = path.Replace("{id}", "2147483647", StringComparison.Ordinal).Replace("{token}", "2147483647", StringComparison.Ordinal);
            var refused = await Assert.ThrowsAsync<SdkException>(() => nexla.Program.CallAsync(method, call));

            Assert.True(operation.GetProperty("responses").TryGetProperty($"{(int)refused.Status}", out _), $"{method} {path}: {refused.Status}");
        }
    }

    [Fact]
    public async Task Documents_the_keys_of_a_credential()
    {
        var credential = await nexla.AddCredentialAsync();

        var documented = (await DocumentAsync()).GetProperty("components").GetProperty("schemas").GetProperty("CredentialAnswer").GetProperty("properties");

        Assert.All(credential.EnumerateObject(), field => Assert.True(documented.TryGetProperty(field.Name, out _), field.Name));
    }

    [Fact]
    public async Task Is_not_for_strangers()
    {
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };

        Assert.NotEqual(HttpStatusCode.OK, (await http.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
    }

    private async Task<JsonElement> DocumentAsync()
    {
        await nexla.Program.ObtainTokenAsync();
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {nexla.Program.AccessToken}");
        return JsonDocument.Parse(await http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), TestContext.Current.CancellationToken)).RootElement;
    }

    private async Task<List<(string Method, string Path, JsonElement Value)>> OperationsAsync() =>
    [
        .. from path in (await DocumentAsync()).GetProperty("paths").EnumerateObject()
           from operation in path.Value.EnumerateObject()
           select (operation.Name.ToUpperInvariant(), path.Name, operation.Value),
    ];
}
