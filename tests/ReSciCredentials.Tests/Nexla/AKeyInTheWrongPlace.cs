using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.Logging.Testing;
using ReSciCredentials.Api;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>
/// Every route of the API, taken from its description, called with a key in each place where it does not belong: in the path, in each query parameter and header,
/// and in the body as something else than is asked for. A program's slip does not make the server tell, log or keep a key.
/// </summary>
public sealed class AKeyInTheWrongPlace(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    /// <summary>Beside those that a route reads.</summary>
    private static readonly string[] OtherHeaders = ["Accept", "Content-Type", "X-Api-Key", "Cookie", "X-Request-Id", "traceparent", "User-Agent"];

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task Is_refused_or_ignored_and_neither_answered_nor_logged_nor_kept()
    {
        var file = await OpenApiFile.FetchAsync(nexla);
        await nexla.Server.StartSessionAsync();
        var owner = await nexla.Server.OwnerAsync();
        var (cora, _) = await nexla.Server.AddPersonAsync("Cora Collaborator");
        var key = new PlantedKey("sandbox-accepted");
        await nexla.AddCredentialAsync("Planted", key.Text);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = nexla.Server.Address };
        List<string> faults = [];
        foreach (var operation in file.Operations)
        {
            var things = await ApiThings.MakeAsync(nexla, operation, owner, cora);
            await nexla.Program.ObtainTokenAsync();
            foreach (var slip in SlipsIn(file, operation, things.AddressOf(operation), key.Text))
            {
                using var request = new HttpRequestMessage(new HttpMethod(operation.Method), ApiPaths.Base + slip.Address);
                request.Content = operation.Method == "GET" ? null : new StringContent(slip.Body, Encoding.UTF8, ApiAnswer.MediaType);
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {nexla.Program.AccessToken}");
                foreach (var (name, value) in slip.Headers)
                {
                    HttpHeaders? headers = name == "Content-Type" ? request.Content?.Headers : request.Headers;
                    headers?.Remove(name);
                    headers?.TryAddWithoutValidation(name, value);
                }

                using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
                var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

                var status = (int)answer.StatusCode;
                if (key.IsIn($"{answer}{text}"))
                {
                    faults.Add($"{operation.Name}, {slip.What}: told it: {status} {text}");
                }

                // With a path that is none of this route's it is answered by another.
                if (status >= 500 ? slip.IsElsewhere && status == 501 : slip.IsElsewhere || operation.Answer(status) is not null)
                {
                    continue;
                }

                faults.Add($"{operation.Name}, {slip.What}: is not said to answer {status} {text}");
            }
        }

        faults.AddRange(nexla.Server.Logs.GetSnapshot().Where(record => key.IsIn(Written(record))).Select(record => $"logged: {Written(record)}"));
        var files = await nexla.Server.Directory.ReadFilesAsync();
        faults.AddRange(files.Where(file => key.IsIn(file.Value)).Select(file => $"kept in {Path.GetFileName(file.Key)}"));

        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(40)));
    }

    private static IEnumerable<Slip> SlipsIn(OpenApiFile file, OpenApiOperation operation, string address, string key)
    {
        var inUrl = Uri.EscapeDataString(key);
        var parts = address.Split('/');
        for (var part = 1; part < parts.Length; part++)
        {
            yield return new Slip($"part {part} of the path", string.Join('/', parts.Select((text, index) => index == part ? inUrl : text))) { IsElsewhere = true };
        }

        yield return new Slip("behind the path", $"{address}/{inUrl}") { IsElsewhere = true };
        var read = operation.Parameters.ToLookup(parameter => parameter.GetProperty("in").GetString(), parameter => parameter.GetProperty("name").GetString()!);
        foreach (var name in read["query"].Concat(["api_key", inUrl]))
        {
            yield return new Slip($"the query {name}", $"{address}?{name}={inUrl}");
        }

        foreach (var name in read["header"].Concat(OtherHeaders))
        {
            yield return new Slip($"the header {name}", address) { Headers = [(name, key)] };
        }

        foreach (var scheme in (string[])["Bearer ", "Basic ", "ApiKey ", ""])
        {
            yield return new Slip($"the header Authorization {scheme}", address) { Headers = [("Authorization", scheme + key)] };
        }

        foreach (var (what, body) in BodiesOf(file, operation, key))
        {
            yield return new Slip(what, address) { Body = body };
        }
    }

    private static IEnumerable<(string What, string Body)> BodiesOf(OpenApiFile file, OpenApiOperation operation, string key)
    {
        if (operation.Method == "GET")
        {
            yield break;
        }

        var text = JsonSerializer.Serialize(key, Relaxed);
        yield return ("nothing but the key", key);
        yield return ("a text", text);
        yield return ("a list", $"[{text}]");
        yield return ("an unknown field", $"{{{text}:{text},\"api_key\":{text}}}");
        yield return ("JSON that breaks off", $"{{\"name\":{text[..^1]}");
        yield return ("JSON that is no JSON", $"{{\"name\":{key}}}");
        if (operation.BodySchema is not { } schema)
        {
            yield break;
        }

        foreach (var field in file.Resolve(schema.GetProperty("$ref").GetString()!).GetProperty("properties").EnumerateObject())
        {
            // What may be this or that is said to be anything.
            var type = field.Value.ValueKind is JsonValueKind.Object && field.Value.TryGetProperty("type", out var named) ? named.ToString() : "object";
            var isText = type.Contains("string", StringComparison.Ordinal);
            yield return ($"{field.Name} of a wrong type", $"{{\"{field.Name}\":{(isText ? $"{{{text}:{text}}}" : text)}}}");
            yield return ($"{field.Name} in a list", $"{{\"{field.Name}\":[[{text}]]}}");
            // The two configurations are objects that are kept as they are sent: what is in them is in no wrong place.
            if (type.Contains("object", StringComparison.Ordinal) && field.Name is not ("source_config" or "sink_config"))
            {
                yield return ($"{field.Name} with an unknown field", $"{{\"{field.Name}\":{{{text}:{text}}}}}");
            }
        }
    }

    private static string Written(FakeLogRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}");

    /// <param name="What">Where the key is.</param>
    private sealed record Slip(string What, string Address)
    {
        public string Body { get; init; } = "";

        public (string Name, string Value)[] Headers { get; init; } = [];

        /// <summary>It is another address than that of the route.</summary>
        public bool IsElsewhere { get; init; }
    }
}
