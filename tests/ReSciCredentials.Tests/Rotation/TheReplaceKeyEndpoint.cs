using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Rotation;

/// <summary>What the dialog asks and posts, over real HTTP.</summary>
public sealed class TheReplaceKeyEndpoint(RotatingServer server) : IClassFixture<RotatingServer>, IAsyncLifetime
{
    private Visitor _owner = null!;

    public async ValueTask InitializeAsync() => _owner = await server.Vault.Server.SignInAsync();

    public ValueTask DisposeAsync()
    {
        _owner.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData("sandbox-accepted", "wait", "waiting", 1)]
    [InlineData("sandbox-accepted", "keep", "promoted", 2)]
    [InlineData("sandbox-accepted", "wipe", "promoted", 2)]
    [InlineData("sandbox-accepted", "nonsense", "waiting", 1)]
    [InlineData("sandbox-refused", "wipe", "refused", 1)]
    [InlineData("sandbox-garbage", "wipe", "cannotTell", 1)]
    [InlineData("two keys", "wait", "invalid", 1)]
    public async Task Answers_what_came_of_it(string key, string then, string outcome, int version)
    {
        var id = await server.Vault.AddAsync("Endpoint");

        var answer = await _owner.ReplaceKeyAsync(id, $"{key}-{Guid.NewGuid():N}", then);

        Assert.Equal((outcome, version), (answer.Outcome, (await server.Vault.Rotation.FindAsync(server.Vault.Owner, id, TestContext.Current.CancellationToken))!.Version));
    }

    [Fact]
    public async Task Names_the_waiting_key_that_would_give_way()
    {
        var id = await server.Vault.AddAsync("Endpoint");
        await _owner.ReplaceKeyAsync(id, $"sandbox-accepted-{Guid.NewGuid():N}");

        var asked = await _owner.ReplaceKeyAsync(id, $"sandbox-accepted-{Guid.NewGuid():N}");
        var agreed = await _owner.ReplaceKeyAsync(id, $"sandbox-accepted-{Guid.NewGuid():N}", instead: asked.Instead!);

        Assert.Equal(("anotherWaits", "waiting"), (asked.Outcome, agreed.Outcome));
    }

    [Fact]
    public async Task Tells_who_will_be_touched_and_is_kept_by_no_cache()
    {
        var id = await server.Vault.AddAsync("Shop <key>");
        var flow = Assert.IsType<ReSciCredentials.Flows.FlowOutcome.Done>(await server.Vault.Server.Service<ReSciCredentials.Flows.FlowService>().CreateAsync(
            server.Vault.Owner,
            new ReSciCredentials.Flows.NewFlow(ReSciCredentials.Storage.FlowKind.Source, "Nightly <orders>", null, "list_import_jobs", id, Guid.NewGuid()),
            TestContext.Current.CancellationToken));

        using var answer = await _owner.Http.GetAsync($"/credentials/{id}/replace", TestContext.Current.CancellationToken);
        var html = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Contains($"href=\"/sources/{flow.Id}\"", html, StringComparison.Ordinal);
        Assert.Contains("Nightly &lt;orders&gt;", html, StringComparison.Ordinal);
        Assert.True(answer.Headers.CacheControl?.NoStore);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Answers_as_if_it_did_not_exist_for_a_credential_of_nobody(string method)
    {
        if (method == "POST")
        {
            Assert.Equal(HttpStatusCode.NotFound, (await _owner.ReplaceKeyAsync(999_999, "sandbox-accepted-1")).Status);
        }
        else
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/credentials/999999/replace");
            using var answer = await _owner.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Is_refused_without_the_token_of_the_form()
    {
        var id = await server.Vault.AddAsync("Endpoint");
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["key"] = "sandbox-accepted-forged" });
        using var answer = await _owner.Http.PostAsync($"/credentials/{id}/replace", form, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, 1), (answer.StatusCode, await CountKeysAsync(id)));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Answers_401_to_whoever_is_not_signed_in(string method)
    {
        var id = await server.Vault.AddAsync("Endpoint");
        using var stranger = new Visitor(server.Vault.Server.Address);
        using var request = new HttpRequestMessage(new HttpMethod(method), $"/credentials/{id}/replace");
        if (method == "POST")
        {
            request.Content = new FormUrlEncodedContent(new Dictionary<string, string> { ["key"] = "sandbox-accepted-forged" });
        }

        request.Headers.Add("Sec-Fetch-Dest", "empty");
        request.Headers.Remove("Accept");
        stranger.Http.DefaultRequestHeaders.Clear();
        using var answer = await stranger.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.Unauthorized, 1), (answer.StatusCode, await CountKeysAsync(id)));
    }

    [Fact]
    public async Task Reads_no_form_that_would_be_spooled_to_disk()
    {
        var id = await server.Vault.AddAsync("Endpoint");
        using var form = new MultipartFormDataContent
        {
            { new StringContent(await _owner.AntiforgeryTokenAsync()), "__RequestVerificationToken" },
            { new StringContent("sandbox-accepted-1"), "key" },
        };
        using var answer = await _owner.Http.PostAsync($"/credentials/{id}/replace", form, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.UnsupportedMediaType, 1), (answer.StatusCode, await CountKeysAsync(id)));
    }

    private async Task<int> CountKeysAsync(int id)
    {
        await using var storage = await server.Vault.Server.StorageAsync();
        return await storage.CredentialKeys.CountAsync(key => key.CredentialId == id);
    }
}
