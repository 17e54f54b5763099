using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>A piece of a program, ready to paste.</summary>
/// <param name="Language">What it is for, e.g. <c>curl</c>.</param>
public sealed record Snippet(string Language, string Text);

/// <summary>How programs call ReSci through the broker: with its address and a token, and otherwise as before.</summary>
internal static class Snippets
{
    /// <summary>What stands for the token where it is not known any more.</summary>
    public const string Placeholder = "YOUR_ACCESS_TOKEN";

    /// <summary>The most pieces that there are for a kind.</summary>
    public const int Most = 4;

    /// <param name="server">The address of this server, e.g. <c>https://keys.example.com/</c>.</param>
    public static IReadOnlyList<Snippet> For(Uri server, FlowKind kind, string token)
    {
        var address = new Uri(server, "resci/v3/import_jobs").AbsoluteUri;
        return kind switch
        {
            FlowKind.Source =>
            [
                new("curl", $"""
                    curl '{address}' \
                      -H 'Authorization: ApiKey {token}'
                    """),
                new("Python requests", $$"""
                    import requests

                    response = requests.get(
                        "{{address}}",
                        headers={"Authorization": "ApiKey {{token}}"},
                        timeout=60,
                    )
                    response.raise_for_status()
                    print(response.json())
                    """),
                new("C# HttpClient", $$"""
                    using var http = new HttpClient();
                    http.DefaultRequestHeaders.Add("Authorization", "ApiKey {{token}}");
                    Console.WriteLine(await http.GetStringAsync("{{address}}"));
                    """),
            ],
            FlowKind.Destination =>
            [
                new("curl", $"""
                    curl '{address}' \
                      -H 'Authorization: ApiKey {token}' \
                      -F 'import_type=YOUR_IMPORT_TYPE' \
                      -F 'users=@users.jsonl;type=text/plain'
                    """),
                new("Python requests", $$"""
                    import requests

                    with open("users.jsonl", "rb") as users:
                        response = requests.post(
                            "{{address}}",
                            headers={"Authorization": "ApiKey {{token}}"},
                            data={"import_type": "YOUR_IMPORT_TYPE"},
                            files={"users": ("users.jsonl", users, "text/plain")},
                            timeout=600,
                        )
                    response.raise_for_status()
                    """),
                new("C# HttpClient", $$"""
                    using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
                    http.DefaultRequestHeaders.Add("Authorization", "ApiKey {{token}}");
                    using var users = new StreamContent(File.OpenRead("users.jsonl"));
                    users.Headers.ContentType = new("text/plain");
                    using var form = new MultipartFormDataContent
                    {
                        { new StringContent("YOUR_IMPORT_TYPE"), "import_type" },
                        { users, "users", "users.jsonl" },
                    };
                    using var response = await http.PostAsync("{{address}}", form);
                    response.EnsureSuccessStatusCode();
                    """),
                new("target-resci config.json", $$"""
                    {
                      "api_url": "{{address}}",
                      "api_key": "{{token}}",
                      "import_type": "YOUR_IMPORT_TYPE"
                    }
                    """),
            ],
        };
    }
}
