using System.Net;
using Microsoft.AspNetCore.Http.Metadata;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>The OpenAPI document says what there is. What the server does with it is another matter: <see cref="CallingAsItIsDescribed"/>.</summary>
public sealed class DescribingTheApi(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    [Fact]
    public async Task Names_each_route_and_no_other()
    {
        var routes = Route.AllOf(nexla.Server).Where(route => route.IsApi && !route.Pattern.Contains("**", StringComparison.Ordinal))
            .Select(route => route.Name.Replace(":int", "", StringComparison.Ordinal));

        var described = (await OperationsAsync()).Select(operation => operation.Name);

        Assert.Equal(routes.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    /// <summary>The compiler takes what it does not know for a body, and asks for JSON then: a call without a content type would find no route.</summary>
    [Fact]
    public void Asks_for_a_content_type_nowhere() => Assert.Empty(
        Route.AllOf(nexla.Server).Where(route => route.IsApi && route.Endpoint.Metadata.GetMetadata<IAcceptsMetadata>() is not null).Select(route => route.Name));

    [Fact]
    public async Task Gives_each_operation_a_name_of_its_own_a_summary_and_an_answer()
    {
        var operations = await OperationsAsync();

        Assert.All(operations, operation =>
        {
            Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
            Assert.Contains(operation.Value.GetProperty("responses").EnumerateObject(), answer => answer.Name is "200" or "204");
        });
        Assert.Distinct(operations.Select(operation => operation.Value.GetProperty("operationId").GetString()!));
    }

    [Fact]
    public async Task Says_of_each_parameter_what_it_is_for_and_what_it_looks_like() =>
        Assert.All((await OperationsAsync()).SelectMany(operation => operation.Parameters), parameter =>
        {
            Assert.Contains(parameter.GetProperty("in").GetString(), (string[])["path", "query", "header"]);
            Assert.EndsWith(".", parameter.GetProperty("description").GetString(), StringComparison.Ordinal);
            Assert.True(parameter.TryGetProperty("example", out _) || parameter.GetProperty("schema").TryGetProperty("enum", out _), $"{parameter}");
        });

    [Fact]
    public async Task Names_the_headers_that_make_a_call_safe()
    {
        var operations = await OperationsAsync();
        IEnumerable<string> With(string header) =>
            operations.Where(operation => operation.Parameters.Any(parameter => parameter.GetProperty("name").GetString() == header)).Select(operation => operation.Name);

        Assert.Equal(
            from collection in (string[])["data_credentials", "data_sinks", "data_sources"]
            from method in (string[])["PATCH", "PUT"]
            orderby method, collection
            select $"{method} /{collection}/{{id}}",
            With("If-Match").Order(StringComparer.Ordinal));
        // Each POST that makes something, and a change that may bring a new key.
        Assert.Equal(
            operations.Where(operation => operation.Value.GetProperty("operationId").GetString() is { } id
                && (id.StartsWith("create_data", StringComparison.Ordinal) || id.StartsWith("copy_", StringComparison.Ordinal) || id.Contains("e_access_token_of", StringComparison.Ordinal)
                    || id is "replace_key" or "update_data_credential" or "patch_data_credential")
                && !id.StartsWith("revoke", StringComparison.Ordinal)).Select(operation => operation.Name),
            With("Idempotency-Key"));
    }

    [Fact]
    public async Task Shows_an_example_of_each_body_and_each_answer()
    {
        var file = await OpenApiFile.FetchAsync(nexla);

        var faults = file.Operations.SelectMany(operation => FaultsOf(operation).Select(fault => $"{operation.Name}: {fault}")).ToList();

        Assert.True(faults.Count == 0, string.Join('\n', faults));

        IEnumerable<string> FaultsOf(OpenApiOperation operation)
        {
            if (operation.BodySchema is { } schema)
            {
                var bodies = operation.Bodies.ToList();
                foreach (var fault in bodies.SelectMany(body => file.Faults(body!.Value, schema)).Concat(bodies.Count == 0 ? ["no example"] : []))
                {
                    yield return fault;
                }
            }

            foreach (var answer in operation.Value.GetProperty("responses").EnumerateObject().Where(answer => answer.Value.TryGetProperty("content", out _)))
            {
                var json = OpenApiOperation.Json(answer.Value);
                foreach (var fault in file.Faults(json.GetProperty("example"), json.GetProperty("schema")))
                {
                    yield return $"{answer.Name}: {fault}";
                }
            }
        }
    }

    [Fact]
    public async Task Says_of_each_field_what_it_is()
    {
        var schemas = (await OpenApiFile.FetchAsync(nexla)).Root.GetProperty("components").GetProperty("schemas").EnumerateObject().ToList();

        Assert.All(schemas, schema => Assert.All(schema.Value.GetProperty("properties").EnumerateObject(), field =>
        {
            Assert.True(field.Value.TryGetProperty("description", out var description), $"{schema.Name}.{field.Name}");
            Assert.EndsWith(".", description.GetString(), StringComparison.Ordinal);
            // What has fields is described in a place of its own.
            Assert.False(field.Value.TryGetProperty("properties", out _), $"{schema.Name}.{field.Name}");
        }));
    }

    [Fact]
    public async Task Says_that_a_credential_is_named_or_made()
    {
        var choices = (await OpenApiFile.FetchAsync(nexla)).Resolve("#/components/schemas/FlowRequest/properties/data_credentials/oneOf");

        Assert.Equal("""[{"type":"integer"},{"$ref":"#/components/schemas/CredentialRequest"}]""", choices.GetRawText());
    }

    [Fact]
    public async Task Shows_each_field_on_its_page()
    {
        var fields = (await OpenApiFile.FetchAsync(nexla)).Root.GetProperty("components").GetProperty("schemas").EnumerateObject()
            .SelectMany(schema => schema.Value.GetProperty("properties").EnumerateObject())
            .Select(field => field.Value.GetProperty("description").GetString()!).Distinct();
        using var owner = await nexla.Server.SignInAsync();

        var page = WebUtility.HtmlDecode(await owner.Http.GetStringAsync("/reference", TestContext.Current.CancellationToken));

        Assert.All(fields, field => Assert.Contains(field, page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Documents_the_status_of_what_is_not_there()
    {
        foreach (var operation in (await OperationsAsync()).Where(operation => operation.Path.Contains('{', StringComparison.Ordinal)))
        {
            var call = operation.Path.Replace("{id}", "2147483647", StringComparison.Ordinal).Replace("{token}", "2147483647", StringComparison.Ordinal);
            var refused = await Assert.ThrowsAsync<SdkException>(() => nexla.Program.CallAsync(operation.Method, call));

            Assert.True(operation.Answer((int)refused.Status) is not null, $"{operation.Name}: {refused.Status}");
        }
    }

    [Fact]
    public async Task Is_not_for_strangers()
    {
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };

        Assert.NotEqual(HttpStatusCode.OK, (await http.GetAsync(new Uri("/openapi/v1.json", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
    }

    private async Task<IReadOnlyList<OpenApiOperation>> OperationsAsync() => (await OpenApiFile.FetchAsync(nexla)).Operations;
}
