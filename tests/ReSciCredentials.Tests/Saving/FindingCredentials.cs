using ReSciCredentials.Credentials;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Saving;

public sealed class FindingCredentials : IAsyncLifetime
{
    private Vault _vault = null!;

    public async ValueTask InitializeAsync() => _vault = await Vault.StartAsync();

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Theory]
    [InlineData("ware", "EU warehouse")]
    [InlineData("WAREHOUSE eu", "EU warehouse")]
    [InlineData("cafe", "Café orders")]
    [InlineData("🚀", "Launch 🚀")]
    [InlineData("house", "")]
    [InlineData("\" OR Name : *", "")]
    [InlineData("name:launch", "Launch 🚀")]
    [InlineData("status:verified", "Launch 🚀, Café orders, EU warehouse")]
    [InlineData("status:failed", "")]
    [InlineData("used:yes", "")]
    [InlineData("used:no warehouse", "EU warehouse")]
    [InlineData("owner:others", "")]
    public async Task Looks_for_beginnings_of_words_and_for_terms(string text, string found)
    {
        await _vault.AddAsync("EU warehouse");
        await _vault.AddAsync("Café orders");
        await _vault.AddAsync("Launch 🚀");

        Assert.Equal(found, string.Join(", ", await NamesAsync(text)));
    }

    [Fact]
    public async Task Finds_a_key_by_what_it_ends_in_and_by_its_fingerprint()
    {
        var id = await _vault.AddAsync("Production", "sandbox-accepted-0123456789-1c77");
        await _vault.AddAsync("Other");

        Assert.Equal(["Production"], await NamesAsync("key:1c77"));
        Assert.Equal(["Production"], await NamesAsync($"key:{(await _vault.TileAsync(id)).Fingerprint}"));
    }

    [Fact]
    public async Task Finds_those_that_have_the_same_key()
    {
        await _vault.AddAsync("One", "sandbox-accepted-same-key-0001");
        await _vault.AddAsync("Two", "sandbox-accepted-same-key-0001");
        await _vault.AddAsync("Three");

        Assert.Equal(["Two", "One"], await NamesAsync("key:same"));
    }

    [Fact]
    public async Task Forgets_that_a_key_was_there_twice_when_one_is_left()
    {
        await _vault.AddAsync("One", "sandbox-accepted-same-key-0001");
        var two = await _vault.AddAsync("Two", "sandbox-accepted-same-key-0001");
        var twice = await RepeatedAsync();

        await _vault.Server.Directory.SqlAsync("DELETE FROM credential_keys WHERE CredentialId = $id", ("$id", two));

        Assert.Equal((1L, 0L), (twice, await RepeatedAsync()));

        async Task<object?> RepeatedAsync() => await _vault.Server.Directory.SqlAsync("SELECT count(*) FROM repeated_fingerprints");
    }

    [Fact]
    public async Task Finds_a_key_among_those_that_hold_a_word()
    {
        await _vault.AddAsync("EU shop", "sandbox-accepted-0123456789-1c77");
        await _vault.AddAsync("EU warehouse", "sandbox-accepted-9876543210-1c77");

        Assert.Equal(["EU warehouse"], await NamesAsync("key:1c77 ware"));
    }

    [Theory]
    [InlineData("crowd", true)]
    [InlineData("crowd status:failed", true)]
    [InlineData("alone", false)]
    [InlineData("", false)]
    public async Task Says_when_it_looked_at_a_part_of_the_matches_alone(string text, bool isCutOff)
    {
        await _vault.AddAsync("Alone");
        await _vault.Server.Directory.SqlAsync(
            $"""
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i <= {CredentialSearch.MatchesTo})
             INSERT INTO credentials (Uid, OwnerId, Name, CurrentKeyUid, Version, VerifiedStatus, CreatedAt, UpdatedAt, OperationId, Revision, NextCheckAt, ChecksWithoutVerdict)
             SELECT printf('%08X-0000-4000-8000-000000000001', i), 1, 'Crowd', printf('%08X-0000-4000-8000-000000000002', i), 1, 'Verified', 0, 0,
                 printf('%08X-0000-4000-8000-000000000003', i), 1, 0, 0 FROM n
             """);

        Assert.Equal(isCutOff, (await ListAsync(text, CredentialOrder.Newest, null, 10)).IsCutOff);
    }

    [Theory]
    [InlineData("Newest")]
    [InlineData("Name")]
    [InlineData("Checked")]
    public async Task Pages_forth_and_back_without_leaving_out_or_repeating(string order)
    {
        foreach (var name in new[] { "b", "A", "c", "B", "a" })
        {
            await _vault.AddAsync(name);
        }

        var by = Enum.Parse<CredentialOrder>(order);
        var all = await ListAsync("", by, null, 10);
        var first = await ListAsync("", by, null, 2);
        var second = await ListAsync("", by, new CredentialPosition(first.Rows[^1].Id, Backwards: false), 2);
        var third = await ListAsync("", by, new CredentialPosition(second.Rows[^1].Id, Backwards: false), 2);
        var back = await ListAsync("", by, new CredentialPosition(third.Rows[0].Id, Backwards: true), 2);

        Assert.Equal(Ids(all), [.. Ids(first), .. Ids(second), .. Ids(third)]);
        Assert.Equal(Ids(second), Ids(back));
        Assert.False(third.HasNext);
    }

    [Fact]
    public async Task Finds_a_name_as_it_was_changed_and_not_as_it_was()
    {
        var id = await _vault.AddAsync("Before");

        await _vault.Credentials.EditAsync(_vault.Owner, id, CredentialField.Name, "Before", "After", TestContext.Current.CancellationToken);

        Assert.Equal(("", "After"), (string.Join(',', await NamesAsync("before")), string.Join(',', await NamesAsync("after"))));
    }

    [Fact]
    public void Says_which_values_a_term_knows()
    {
        Assert.Equal("“status:” knows verified, failed, unverified.", CredentialFilter.Parse("status:broken").Misunderstood);
    }

    [Theory]
    [InlineData("", "status:failed")]
    [InlineData("shop status:verified", "shop status:failed")]
    [InlineData("shop status:failed", "shop")]
    public void Writes_a_filter_into_the_text_and_takes_it_out(string before, string after)
    {
        Assert.Equal(after, CredentialFilter.Toggle(before, CredentialFilter.Terms.Single(term => term.Value == "failed")));
    }

    private static IEnumerable<int> Ids(CredentialListing page) => [.. page.Rows.Select(row => row.Id)];

    private async Task<IEnumerable<string>> NamesAsync(string text) =>
        (await ListAsync(text, CredentialOrder.Newest, null, 10)).Rows.Select(row => row.Name);

    private Task<CredentialListing> ListAsync(string text, CredentialOrder order, CredentialPosition? position, int limit) =>
        _vault.Server.Service<CredentialSearch>().ListAsync(
            _vault.Owner, CredentialFilter.Parse(text), order, position, limit, TestContext.Current.CancellationToken);
}
