using System.Text;
using System.Text.Json;
using ReSciCredentials.Access;
using ReSciCredentials.Api;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Each operation of the OpenAPI document is called with each of its examples, on things that are there: it works, and is answered as the document says.</summary>
public sealed class CallingAsItIsDescribed(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    /// <summary>What a body says it is does not matter: it is JSON.</summary>
    private static readonly string[] ContentTypes = ["application/vnd.nexla.api.v1+json", "text/plain"];

    [Fact]
    public async Task Works_and_is_answered_as_described()
    {
        var file = await OpenApiFile.FetchAsync(nexla);
        var serviceKey = await nexla.Server.MakeServiceKeyAsync("admin", name: "As described");
        await nexla.Server.StartSessionAsync();
        var owner = await nexla.Server.OwnerAsync();
        var (cora, _) = await nexla.Server.AddPersonAsync("Cora Collaborator");
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        List<string> faults = [];
        foreach (var operation in file.Operations)
        {
            foreach (var (body, contentType) in operation.Bodies.Zip(ContentTypes.Concat(ContentTypes)))
            {
                var things = await ApiThings.MakeAsync(nexla, operation, owner, cora);
                await nexla.Program.ObtainTokenAsync();
                using var request = new HttpRequestMessage(new HttpMethod(operation.Method), ApiPaths.Base + things.AddressOf(operation));
                request.Headers.TryAddWithoutValidation("Authorization", operation.Path == "/token" ? $"Basic {serviceKey}" : $"Bearer {nexla.Program.AccessToken}");
                request.Content = body is null ? null : new StringContent(With(things, body.Value, cora), Encoding.UTF8, contentType);

                using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
                var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

                faults.AddRange(Faults(file, operation, answer, text).Select(fault => $"{operation.Name} {body}: {fault}"));
            }
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    private static IEnumerable<string> Faults(OpenApiFile file, OpenApiOperation operation, HttpResponseMessage answer, string text)
    {
        if (!answer.IsSuccessStatusCode || operation.Answer((int)answer.StatusCode) is not { } described)
        {
            return [$"{(int)answer.StatusCode} {text}"];
        }

        var missing = described.TryGetProperty("headers", out var headers)
            ? headers.EnumerateObject().Where(header => !answer.Headers.Contains(header.Name)).Select(header => $"no header {header.Name}")
            : [];
        var json = OpenApiOperation.Json(described);
        var value = JsonDocument.Parse(text).RootElement;
        var inExample = NamesIn(json.GetProperty("example")).ToHashSet(StringComparer.Ordinal);
        return missing
            .Concat(file.Faults(value, json.GetProperty("schema")))
            // What only some answers have, of tests and of expanded ones, may be in the answer and not in the example.
            .Concat(NamesIn(value).Distinct().Where(name => !inExample.Contains(name) && name is not ("data_sources" or "data_sinks")).Select(name => $"{name} is not in the example"));
    }

    // Of objects that are described by their fields; in free ones the names are data.
    private static IEnumerable<string> NamesIn(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().SelectMany(NamesIn),
        JsonValueKind.Object => value.EnumerateObject().Select(field => field.Name),
        _ => [],
    };

    /// <summary>An example with what is there in the place of what is made up.</summary>
    private static string With(ApiThings things, JsonElement body, Person cora) => body.GetRawText()
        .Replace("YOUR_RESCI_API_KEY", NexlaServer.NewKey(), StringComparison.Ordinal)
        .Replace("5023", ApiThings.Text(things.Ids["data_credentials"]), StringComparison.Ordinal)
        .Replace("cora@example.com", cora.Email, StringComparison.Ordinal);
}
