using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Calls that go wrong are told in a form that programs understand, and never with a status that the SDK repeats by itself.</summary>
public sealed class WhatTheServerDoesNotHave(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Theory]
    [InlineData("GET", "/flows")]
    [InlineData("GET", "/data_sets/7")]
    [InlineData("POST", "/projects")]
    [InlineData("DELETE", "/data_credentials")]
    [InlineData("GET", "/")]
    public async Task Says_that_a_route_is_not_part_of_it(string method, string path)
    {
        var refused = await NexlaServer.RefusedAsync(Program.CallAsync(method, path), SdkError.Server);

        Assert.Equal((501, "not_supported"), ((int)refused.Status, SdkModels.TextOf(refused.Body, "error")));
    }

    [Theory]
    [InlineData("/data_credentials/0b8f9d5e-5c1a-4b4e-9d8a-2a4a4a4a4a4a")]
    [InlineData("/data_sources/99999999999")]
    [InlineData("/data_sinks/2147483647")]
    public async Task Does_not_find_what_there_is_not(string path) => await NexlaServer.RefusedAsync(Program.CallAsync("GET", path), SdkError.NotFound);

    [Theory]
    [InlineData("text/plain", """{"name":7}""", "name")]
    [InlineData("application/vnd.nexla.api.v1+json", """{"name":""", "name")]
    [InlineData("application/json", "[]", "body")]
    [InlineData("application/json", "null", "body")]
    [InlineData("application/json", "nonsense", "body")]
    [InlineData("application/json", """{"sandbox-accepted-in-a-name":{"credentials":1,"name":[}}""", "body")]
    [InlineData("application/json", "{\"name\":\"\\ud800\"}", "name")]
    [InlineData("application/json", "", "name")]
    [InlineData(null, "", "name")]
    public async Task Reads_any_content_type_and_names_the_field(string? contentType, string body, string field)
    {
        await Program.ObtainTokenAsync();
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/nexla-api/data_credentials") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Program.AccessToken);
        request.Headers.Add("Accept", "application/problem+json");

        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement;

        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.True(problem.GetProperty("errors").TryGetProperty(field, out _), problem.ToString());
        Assert.Equal((400, "Bad Request"), (problem.GetProperty("status").GetInt32(), SdkModels.TextOf(problem, "title")));
        Assert.DoesNotContain("sandbox-accepted-in-a-name", problem.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notices_that_somebody_else_changed_it_meanwhile()
    {
        var created = await nexla.AddCredentialAsync();
        var id = SdkModels.IdOf(created);
        await Program.CallAsync("PUT", $"/data_credentials/{id}", new { name = "Somebody else’s" });
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/nexla-api/data_credentials/{id}") { Content = new StringContent("""{"name":"Mine"}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Program.AccessToken);
        request.Headers.Add("If-Match", $"\"{created.GetProperty("revision").GetInt32()}\"");

        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Equal("Somebody else’s", SdkModels.TextOf(await Program.CallAsync("GET", $"/data_credentials/{id}"), "name"));
    }

    [Fact]
    public async Task Says_507_while_it_is_sealed()
    {
        await using var server = await TestServer.StartWithOwnerAsync();
        var program = await server.NewProgramAsync();
        await program.CallAsync("GET", "/users/current");
        File.Delete(server.Directory.KeyFile);
        SdkException? refused = null;

        await Until.TrueAsync(
            async () =>
            {
                refused = await Record.ExceptionAsync(() => program.CallAsync("GET", "/data_credentials")) as SdkException;
                return refused is not null;
            },
            TimeSpan.FromMinutes(1));

        Assert.Equal((507, "sealed"), ((int)refused!.Status, SdkModels.TextOf(refused.Body, "error")));
    }
}
