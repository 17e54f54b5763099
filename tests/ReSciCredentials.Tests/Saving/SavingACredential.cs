using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Saving;

public sealed class SavingACredential : IAsyncLifetime
{
    private TestServer _server = null!;
    private Visitor _owner = null!;

    public async ValueTask InitializeAsync() => (_server, _owner) = await TestServer.StartOwnedAsync();

    public ValueTask DisposeAsync()
    {
        _owner.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task Makes_one_of_twenty_requests_that_are_the_same()
    {
        var operation = Guid.NewGuid();

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => _owner.SaveCredentialAsync("One", SandboxKeys.Accepted, operation: operation)));

        Assert.Equal(("saved", 1), (answers.Select(answer => answer.Outcome).Distinct().Single(), answers.Select(answer => answer.Id).Distinct().Count()));
        Assert.Equal(1, await CountAsync());
    }

    [Theory]
    [InlineData(SandboxKeys.Refused, "refused")]
    [InlineData(SandboxKeys.NotAllowed, "refused")]
    [InlineData(SandboxKeys.RateLimited, "cannotTell")]
    [InlineData(SandboxKeys.Slow, "cannotTell")]
    [InlineData(SandboxKeys.Failing, "cannotTell")]
    [InlineData(SandboxKeys.Garbage, "cannotTell")]
    public async Task Stores_nothing_unless_ReSci_accepts_the_key(string key, string outcome)
    {
        var answer = await _owner.SaveCredentialAsync("Not stored", key);

        Assert.Equal((outcome, 0), (answer.Outcome, await CountAsync()));
    }

    [Fact]
    public async Task Stores_it_unverified_on_request_without_asking_ReSci()
    {
        var answer = await _owner.SaveCredentialAsync("Unverified", SandboxKeys.Failing, unverified: true);

        await using var storage = await _server.StorageAsync();
        Assert.Equal(VerifiedStatus.Unverified, (await storage.Credentials.SingleAsync(row => row.Id == answer.Id)).VerifiedStatus);
        Assert.Empty(_server.ReSci.Received);
    }

    [Theory]
    [InlineData("Production", "sandbox-accepted-b", "You already have a credential named “Production”, with another key.")]
    [InlineData("Other", "sandbox-accepted-a", "This key is stored already, as “Production”.")]
    [InlineData("Production", "sandbox-accepted-a", "You already have a credential “Production” with this same key.")]
    public async Task Tells_that_one_like_it_is_there_and_stores_nothing_yet(string name, string key, string told)
    {
        await _owner.AddCredentialAsync("Production", "sandbox-accepted-a");

        var answer = await _owner.SaveCredentialAsync(name, key);

        Assert.Equal(("same", told, 1), (answer.Outcome, answer.Title, await CountAsync()));
    }

    [Theory]
    [InlineData("Shop sandbox-accepted-a", "", "name")]
    [InlineData("Shop", "Key: sandbox-accepted-a.", "description")]
    public async Task Refuses_a_key_that_was_pasted_where_it_would_be_shown(string name, string description, string field)
    {
        var answer = await _owner.SaveCredentialAsync(name, "ApiKey sandbox-accepted-a", description);

        Assert.Equal((field, 0), (Assert.Single(answer.Errors!).Key, await CountAsync()));
    }

    [Fact]
    public async Task Says_nothing_of_a_key_that_somebody_else_stored()
    {
        var id = await _owner.AddCredentialAsync("Production", "sandbox-accepted-a");
        await GiveAwayAsync(id);

        Assert.Equal("saved", (await _owner.SaveCredentialAsync("Production", "sandbox-accepted-a")).Outcome);
    }

    [Theory]
    [InlineData("", "name", "Enter a name.")]
    [InlineData("  \t ", "name", "Enter a name.")]
    [InlineData("two\nlines", "name", "The name contains a line break or another control character. Type it on one line.")]
    [InlineData("bell\u0007", "name", "The name contains a line break or another control character. Type it on one line.")]
    public async Task Says_what_is_wrong_with_a_name(string name, string field, string told)
    {
        var answer = await _owner.SaveCredentialAsync(name, SandboxKeys.Accepted);

        Assert.Equal(("invalid", told), (answer.Outcome, answer.Errors![field]));
    }

    [Theory]
    [InlineData("שלום עולם")]
    [InlineData("🔑🧪 Schlüssel")]
    [InlineData("<img src=x onerror=alert(1)>")]
    public async Task Takes_names_of_all_kinds_as_they_are(string name)
    {
        var id = await _owner.AddCredentialAsync(name);

        await using var storage = await _server.StorageAsync();
        Assert.Equal(name, (await storage.Credentials.SingleAsync(row => row.Id == id)).Name);
    }

    [Fact]
    public async Task Says_how_long_a_name_may_be_and_takes_one_of_that_length()
    {
        var tooLong = await _owner.SaveCredentialAsync(new string('n', 256), SandboxKeys.Accepted);
        await _owner.AddCredentialAsync(new string('n', 255));

        Assert.Equal("The name is 256 characters long. Shorten it to 255.", tooLong.Errors!["name"]);
    }

    [Theory]
    [InlineData("  sandbox-accepted-1\r\n")]
    [InlineData("\"sandbox-accepted-1\"")]
    [InlineData("ApiKey sandbox-accepted-1")]
    public async Task Sends_a_pasted_key_to_ReSci_without_what_does_not_belong_to_it(string pasted)
    {
        await _owner.AddCredentialAsync("Pasted", pasted);

        Assert.Equal("ApiKey sandbox-accepted-1", Assert.Single(_server.ReSci.Received).Authorization);
    }

    [Fact]
    public async Task Tells_that_a_key_of_10_KB_is_too_long()
    {
        var answer = await _owner.SaveCredentialAsync("Long", new string('k', 10_240));

        Assert.Equal("This is longer than 4096 characters. Paste the API key alone.", answer.Errors!["key"]);
    }

    [Fact]
    public async Task Is_refused_without_the_token_of_the_form()
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["name"] = "Forged", ["key"] = SandboxKeys.Accepted });
        using var answer = await _owner.Http.PostAsync("/credentials/save", form, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, 0), (answer.StatusCode, await CountAsync()));
    }

    [Fact]
    public async Task Is_refused_to_whoever_is_not_signed_in()
    {
        using var stranger = new Visitor(_server.Address);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["name"] = "Forged", ["key"] = SandboxKeys.Accepted });
        using var answer = await stranger.Http.PostAsync("/credentials/save", form, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.Unauthorized, 0), (answer.StatusCode, await CountAsync()));
    }

    [Fact]
    public async Task Is_written_down_with_who_did_it_and_from_where()
    {
        var id = await _owner.AddCredentialAsync("Production");

        await using var storage = await _server.StorageAsync();
        var entry = await storage.AuditEntries.SingleAsync(row => row.ItemType == "credential");
        Assert.Equal(("create", id, TestServer.OwnerEmail, "127.0.0.1"), (entry.Event, entry.ItemId, entry.ActorName, entry.Address));
    }

    [Fact]
    public async Task Is_not_done_when_it_cannot_be_written_down()
    {
        await _server.Directory.SqlAsync("DROP TABLE audit_entries");

        var answer = await _owner.SaveCredentialAsync("Unwitnessed", SandboxKeys.Accepted);

        Assert.Equal((HttpStatusCode.InternalServerError, 0), (answer.Status, await CountAsync()));
    }

    [Fact]
    public async Task Answers_that_the_server_is_sealed_when_it_finds_the_sentinel_gone()
    {
        await _server.Directory.SqlAsync("UPDATE sealed_values SET Sealed = zeroblob(60)");

        var answer = await _owner.SaveCredentialAsync("Too late", SandboxKeys.Accepted);

        Assert.Equal((HttpStatusCode.ServiceUnavailable, 0), (answer.Status, await CountAsync()));
    }

    private async Task<int> CountAsync()
    {
        await using var storage = await _server.StorageAsync();
        return await storage.Credentials.CountAsync();
    }

    /// <summary>Makes a credential somebody else's.</summary>
    private async Task GiveAwayAsync(int id)
    {
        await _server.Directory.SqlAsync(
            """
            INSERT INTO accounts (Name, CreatedAt, Email, NormalizedEmail, UserName, NormalizedUserName, EmailConfirmed, TwoFactorEnabled, LockoutEnabled, AccessFailedCount)
            VALUES ('Other', 0, 'other@example.com', 'OTHER@EXAMPLE.COM', 'other@example.com', 'OTHER@EXAMPLE.COM', 0, 0, 1, 0);
            """);
        await _server.Directory.SqlAsync(
            "UPDATE credentials SET OwnerId = (SELECT Id FROM accounts WHERE Name = 'Other') WHERE Id = $id", ("$id", id));
    }
}
