using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Programs read the audit log with the calls of Nexla's SDK.</summary>
public sealed class ReadingWhatWasDone(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Fact]
    public async Task Tells_what_was_done_with_a_credential()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        await Program.CallAsync("PUT", $"/data_credentials/{credential}", new { name = "Renamed" });
        await Program.CallAsync("PUT", $"/data_credentials/{credential}", new { credentials = new { api_key = NexlaServer.NewKey() } });
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(credential));

        var entries = (await Program.CallAsync("GET", $"/data_credentials/{credential}/audit_log")).EnumerateArray().Select(SdkModels.AuditEntry).ToList();

        Assert.Equal(["association_added", "key_changed", "key_entered", "update", "create"], entries.Select(entry => SdkModels.TextOf(entry, "event")));
        Assert.Equal(source, entries[0].GetProperty("association_resource").GetProperty("id").GetInt32());
        var keys = entries[1].GetProperty("object_changes").GetProperty("credentials");
        Assert.All(keys.EnumerateArray(), key => Assert.Matches("^fp:[0-9a-f]{8}$", key.GetString()!));
        Assert.Equal(["Production", "Renamed"], entries[3].GetProperty("object_changes").GetProperty("name").EnumerateArray().Select(name => name.GetString()!));
        Assert.Equal("nexla-sdk/1.0.8", SdkModels.TextOf(entries[3], "request_user_agent"));
    }

    [Theory]
    [InlineData("event_filter=update", 1)]
    [InlineData("event_filter=key_changed", 0)]
    [InlineData("change_filter=name", 2)]
    [InlineData("from=2020-01-01&to=2020-12-31", 0)]
    [InlineData("from=2020-01-01&async=True&request_id=7", 2)]
    [InlineData("per_page=1", 1)]
    public async Task Narrows_the_list(string query, int count)
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        await Program.CallAsync("PUT", $"/data_credentials/{credential}", new { name = "Renamed" });

        var entries = await Program.CallAsync("GET", $"/data_credentials/{credential}/audit_log?{query}");

        Assert.Equal(count, entries.GetArrayLength());
    }

    [Fact]
    public async Task Is_read_of_the_whole_server_by_its_owner_alone()
    {
        var (person, member) = await nexla.AddMemberAsync("Mia Member");
        using (member)
        {
            await nexla.AddCredentialAsync(program: member);

            Assert.All((await Program.CallAsync("GET", "/orgs/1/audit_log")).EnumerateArray().ToList(), entry => SdkModels.AuditEntry(entry));
            Assert.Contains((await Program.CallAsync("GET", $"/users/{person.Id}/audit_log")).EnumerateArray().ToList(), entry => SdkModels.TextOf(SdkModels.AuditEntry(entry), "event") == "create");
            await NexlaServer.RefusedAsync(member.CallAsync("GET", "/orgs/1/audit_log"), SdkError.Authorization);
            await NexlaServer.RefusedAsync(Program.CallAsync("GET", "/orgs/2/audit_log"), SdkError.NotFound);
            Assert.NotEmpty((await member.CallAsync("GET", $"/users/{person.Id}/audit_log")).EnumerateArray());
            await NexlaServer.RefusedAsync(member.CallAsync("GET", $"/users/{SdkModels.IdOf(await Program.CallAsync("GET", "/users/current"))}/audit_log"), SdkError.NotFound);
        }
    }

    [Fact]
    public async Task Refuses_a_day_that_is_none() =>
        await NexlaServer.RefusedAsync(Program.CallAsync("GET", "/orgs/1/audit_log?from=yesterday"), SdkError.Validation);
}
