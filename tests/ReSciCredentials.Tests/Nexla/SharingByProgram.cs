using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Programs share what is theirs, and see what is shared with them and nothing else.</summary>
public sealed class SharingByProgram(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private SdkProgram Program => nexla.Program;

    [Fact]
    public async Task Lets_a_collaborator_see_and_use_and_change_nothing()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var (person, member) = await nexla.AddMemberAsync("Cora Collaborator");
        using (member)
        {
            await Program.CallAsync("PUT", $"/data_credentials/{credential}/accessors", new { accessors = new[] { new { type = "user", id = person.Id, access_role = "collaborator" } } });

            Assert.Equal(["collaborator"], SdkModels.Credential(await member.CallAsync("GET", $"/data_credentials/{credential}"))
                .GetProperty("access_roles").EnumerateArray().Select(role => role.GetString()!));
            await nexla.AddSourceAsync(credential, program: member);
            foreach (var (method, path, body) in new (string, string, object?)[]
            {
                ("PUT", $"/data_credentials/{credential}", new { name = "Mine" }),
                ("PUT", $"/data_credentials/{credential}", new { credentials = new { api_key = NexlaServer.NewKey() } }),
                ("DELETE", $"/data_credentials/{credential}", null),
                ("POST", $"/data_credentials/{credential}/copy", new { }),
                ("GET", $"/data_credentials/{credential}/probe", null),
                ("POST", $"/data_credentials/{credential}/probe/sample", new { }),
                ("GET", $"/data_credentials/{credential}/audit_log", null),
                ("POST", $"/data_credentials/{credential}/pending_key", new { credentials = new { api_key = NexlaServer.NewKey() } }),
                ("PUT", $"/data_credentials/{credential}/accessors", new { accessors = new[] { new { type = "USER", id = person.Id, access_roles = new[] { "admin" } } } }),
            })
            {
                var refused = await Assert.ThrowsAsync<SdkException>(() => member.CallAsync(method, path, body));
                Assert.Equal((method, path, SdkError.Authorization), (method, path, refused.Error));
            }
        }
    }

    [Fact]
    public async Task Is_as_if_it_did_not_exist_for_a_stranger()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var source = SdkModels.IdOf(await nexla.AddSourceAsync(credential));
        var (_, stranger) = await nexla.AddMemberAsync("Sam Stranger");
        using (stranger)
        {
            foreach (var (method, path, body) in new (string, string, object?)[]
            {
                ("GET", $"/data_credentials/{credential}", null),
                ("PUT", $"/data_credentials/{credential}", new { name = "Mine" }),
                ("PUT", $"/data_credentials/{credential}", new { name = "" }),
                ("DELETE", $"/data_credentials/{credential}", null),
                ("POST", $"/data_credentials/{credential}/copy", new { }),
                ("GET", $"/data_credentials/{credential}/probe", null),
                ("POST", $"/data_credentials/{credential}/probe/tree", new { }),
                ("POST", $"/data_credentials/{credential}/probe/sample", new { }),
                ("GET", $"/data_credentials/{credential}/accessors", null),
                ("GET", $"/data_credentials/{credential}/audit_log", null),
                ("GET", $"/data_credentials/{credential}/keys", null),
                ("GET", $"/data_sources/{source}", null),
                ("PUT", $"/data_sources/{source}/pause", null),
                ("DELETE", $"/data_sources/{source}", null),
                ("GET", $"/data_sources/{source}/access_tokens", null),
                ("POST", $"/data_sources/{source}/access_tokens", new { name = "Mine" }),
            })
            {
                var refused = await Assert.ThrowsAsync<SdkException>(() => stranger.CallAsync(method, path, body));
                Assert.Equal((method, path, SdkError.NotFound), (method, path, refused.Error));
            }

            Assert.Empty((await stranger.CallAsync("GET", "/data_credentials?access_role=collaborator")).EnumerateArray());
            await NexlaServer.RefusedAsync(
                stranger.CallAsync("POST", "/data_sources", new { name = "Mine", data_credentials_id = credential }), SdkError.Validation);
        }
    }

    [Fact]
    public async Task Changes_who_may_use_it_and_lists_them()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        var (first, firstProgram) = await nexla.AddMemberAsync("Fay First");
        var (second, secondProgram) = await nexla.AddMemberAsync("Sue Second");
        using (firstProgram)
        using (secondProgram)
        {
            // The SDK gets 204: it fails on anything that is not empty.
            Assert.Equal(JsonValueKind.Undefined, (await Program.CallAsync("PUT", $"/data_credentials/{credential}/accessors", Accessors(first.Email, "administrator"))).ValueKind);
            Assert.Equal([(TestServer.OwnerEmail, "owner"), (first.Email, "admin")], await ListAsync(credential));
            Assert.Contains(credential, await IdsAsync(firstProgram, "admin"));

            await Program.CallAsync("POST", $"/data_credentials/{credential}/accessors", Accessors(second.Email, "operator"));
            Assert.Equal([(TestServer.OwnerEmail, "owner"), (second.Email, "operator")], await ListAsync(credential));
            Assert.DoesNotContain(credential, await IdsAsync(firstProgram, "collaborator"));
            Assert.Contains(credential, await IdsAsync(secondProgram, "operator"));
            Assert.DoesNotContain(credential, await IdsAsync(secondProgram, "owner"));

            await Program.CallAsync("DELETE", $"/data_credentials/{credential}/accessors");
            Assert.Equal([(TestServer.OwnerEmail, "owner")], await ListAsync(credential));
        }
    }

    [Fact]
    public async Task Answers_other_programs_with_the_list()
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());
        await Program.ObtainTokenAsync();
        using var http = new HttpClient { BaseAddress = nexla.Server.Address };
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/nexla-api/data_credentials/{credential}/accessors") { Content = new StringContent("""{"accessors":[]}""") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Program.AccessToken);

        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        SdkModels.Accessor(JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement[0]);
    }

    [Theory]
    [InlineData("""{"accessors":[{"type":"TEAM","id":1,"access_roles":["admin"]}]}""", "not_supported")]
    [InlineData("""{"accessors":[{"type":"USER","email":"nobody@example.com","access_roles":["admin"]}]}""", "validation_failed")]
    [InlineData("""{"accessors":[{"type":"USER","email":"owner@example.com","access_roles":["king"]}]}""", "validation_failed")]
    [InlineData("""{"accessors":[{"type":"USER","access_roles":["admin"]}]}""", "validation_failed")]
    [InlineData("""{"accessors":7}""", "validation_failed")]
    public async Task Refuses_whom_it_does_not_know(string body, string error)
    {
        var credential = SdkModels.IdOf(await nexla.AddCredentialAsync());

        var refused = await NexlaServer.RefusedAsync(
            Program.CallAsync("PUT", $"/data_credentials/{credential}/accessors", JsonDocument.Parse(body).RootElement), SdkError.Validation);

        Assert.Equal(error, SdkModels.TextOf(refused.Body, "error"));
    }

    private static object Accessors(string email, string role) => new { accessors = new[] { new { type = "USER", email, access_role = role } } };

    private async Task<IEnumerable<(string?, string?)>> ListAsync(int credential) =>
        [
            .. (await Program.CallAsync("GET", $"/data_credentials/{credential}/accessors")).EnumerateArray()
                .Select(SdkModels.Accessor)
                .Select(accessor => (SdkModels.TextOf(accessor, "email"), accessor.GetProperty("access_roles")[0].GetString())),
        ];

    private static async Task<IEnumerable<int>> IdsAsync(SdkProgram program, string role) =>
        [.. (await program.CallAsync("GET", $"/data_credentials?access_role={role}")).EnumerateArray().Select(SdkModels.IdOf)];
}
