using System.Globalization;
using Microsoft.Extensions.Logging.Testing;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Keys that can be recognised go through every route, malformed too, and all that is answered and logged is looked through.</summary>
public sealed class APlantedKeyInTheApi
{
    private static readonly string[] Kinds = ["sandbox-accepted", "sandbox-refused", "sandbox-failing", "sandbox-echo"];

    [Fact]
    public async Task Is_in_no_answer_and_in_no_log_record_whatever_the_role()
    {
        var nexla = new NexlaServer();
        await nexla.InitializeAsync();
        await using var server = nexla;
        PlantedKey[] keys = [.. Kinds.Select(kind => new PlantedKey(kind))];
        var (person, collaborator) = await nexla.AddMemberAsync("Cora Collaborator");
        var (_, stranger) = await nexla.AddMemberAsync("Sam Stranger");
        using (collaborator)
        using (stranger)
        {
            SdkProgram[] programs = [nexla.Program, collaborator, stranger];
            foreach (var key in keys)
            {
                var id = SdkModels.IdOf(await nexla.AddCredentialAsync("Planted", key.Text, "?save_unverified=1"));
                await nexla.Program.CallAsync("PUT", $"/data_credentials/{id}/accessors", new { accessors = new[] { new { id = person.Id, access_role = "collaborator" } } });
                foreach (var program in programs)
                {
                    await GoThroughAsync(program, id, key);
                }
            }

            Assert.DoesNotContain(programs.SelectMany(program => program.Answers.Split('\n')), line => keys.Any(key => key.IsIn(line)));
            Assert.DoesNotContain(nexla.Server.Logs.GetSnapshot(), record => keys.Any(key => key.IsIn(Written(record))));
        }
    }

    private static async Task GoThroughAsync(SdkProgram program, int id, PlantedKey key)
    {
        var form = new { api_key = key.Text };
        foreach (var (method, path, body) in new (string, string, object?)[]
        {
            ("GET", $"/data_credentials/{id}?expand=1", null),
            ("GET", "/data_credentials?access_role=collaborator", null),
            ("GET", $"/data_credentials?q={Uri.EscapeDataString(key.Text)}", null),
            ("POST", "/data_credentials", new { name = "Another", credentials_type = "resci", credentials = form }),
            ("POST", "/data_credentials", new { name = key.Text, credentials_type = "resci", credentials = form }),
            ("POST", "/data_credentials", new { name = "A", credentials_type = key.Text, credentials = form }),
            ("POST", "/data_credentials", new { name = "A", credentials_type = "resci", credentials = key.Text }),
            ("POST", "/data_credentials", new { name = "A", credentials_type = "resci", credentials = new { api_key = $"{key.Text} {key.Text}" } }),
            ("POST", "/data_credentials", new Dictionary<string, object> { [key.Text] = key.Text, ["credentials"] = new Dictionary<string, object> { [key.Text] = 1, ["api_key"] = 2 } }),
            ("POST", "/data_credentials/probe", new { credentials_type = "resci", credentials = form }),
            ("GET", $"/data_credentials/{id}/probe", null),
            ("GET", $"/data_credentials/{id}/probe?async=1", null),
            ("POST", $"/data_credentials/{id}/probe/tree", new { }),
            ("POST", $"/data_credentials/{id}/probe/sample", new { }),
            ("POST", $"/data_credentials/{id}/probe/sample", new { path = key.Text }),
            ("PUT", $"/data_credentials/{id}", new { credentials = form }),
            ("PUT", $"/data_credentials/{id}", new { name = $"It is {key.Text}" }),
            ("POST", $"/data_credentials/{id}/pending_key", new { credentials = form }),
            ("GET", $"/data_credentials/{id}/keys", null),
            ("POST", $"/data_credentials/{id}/copy", new { }),
            ("POST", "/data_sources", new { name = "A", data_credentials_id = id, source_config = new { key = key.Text } }),
            ("POST", "/data_sources", new { name = "A", data_credentials_id = id }),
            ("POST", "/data_sinks", new { name = "A", data_credentials = new { name = "B", credentials_type = "resci", credentials = form } }),
            ("GET", "/data_sources", null),
            ("GET", "/data_sinks", null),
            ("GET", $"/data_credentials/{id}/audit_log", null),
            ("GET", "/orgs/1/audit_log", null),
            ("GET", $"/{Uri.EscapeDataString(key.Text)}", null),
            ("GET", $"/data_credentials/{Uri.EscapeDataString(key.Text)}", null),
        })
        {
            // What it is answered is what counts, also when that is a refusal.
            await Record.ExceptionAsync(() => program.CallAsync(method, path, body));
        }
    }

    private static string Written(FakeLogRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}");
}
