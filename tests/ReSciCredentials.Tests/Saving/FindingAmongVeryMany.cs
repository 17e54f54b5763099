using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Saving;

/// <summary>So much is shared with somebody that it is found in another way. Nobody is to notice: they see what the owner sees, but for what is not shared.</summary>
public sealed class FindingAmongVeryMany(FindingAmongVeryMany.Crowd crowd) : IClassFixture<FindingAmongVeryMany.Crowd>
{
    private const int PageSize = 20;

    [Theory]
    [InlineData("", "Newest")]
    [InlineData("", "Name")]
    [InlineData("", "Checked")]
    [InlineData("status:failed", "Newest")]
    [InlineData("status:failed", "Name")]
    [InlineData("status:verified", "Checked")]
    [InlineData("expires:soon", "Newest")]
    [InlineData("expires:soon", "Name")]
    [InlineData("used:no", "Checked")]
    [InlineData("key:same", "Newest")]
    [InlineData("owner:olga", "Name")]
    [InlineData("name:crowd status:failed", "Name")]
    public async Task Shows_what_is_shared_page_by_page_in_the_order_of_the_owner(string text, string order)
    {
        var by = Enum.Parse<CredentialOrder>(order);
        var owners = await ListAsync(crowd.Owner, text, by, null, 6 * PageSize);
        int[] expected = [.. owners.Rows.Select(row => row.Id).Where(Crowd.IsShared).Take(2 * PageSize)];

        var first = await ListAsync(crowd.Guest, text, by, null, PageSize);
        var second = await ListAsync(crowd.Guest, text, by, new CredentialPosition(first.Rows[^1].Id, Backwards: false), PageSize);
        var back = await ListAsync(crowd.Guest, text, by, new CredentialPosition(second.Rows[0].Id, Backwards: true), PageSize);

        Assert.Equal(2 * PageSize, expected.Length);
        Assert.Equal(expected, Ids(first).Concat(Ids(second)));
        Assert.Equal(Ids(first), Ids(back));
    }

    [Fact]
    public async Task Shows_nothing_when_nothing_matches()
    {
        var page = await ListAsync(crowd.Guest, "status:unverified", CredentialOrder.Newest, null, PageSize);

        Assert.Equal((0, 0), (page.Rows.Count, page.Count));
    }

    private static IEnumerable<int> Ids(CredentialListing page) => page.Rows.Select(row => row.Id);

    private Task<CredentialListing> ListAsync(Person person, string text, CredentialOrder order, CredentialPosition? position, int limit) =>
        crowd.Vault.Server.Service<CredentialSearch>().ListAsync(
            person, CredentialFilter.Parse(text), order, position, limit, TestContext.Current.CancellationToken);

    /// <summary>12,000 credentials, of which all but each tenth are shared with one guest.</summary>
    public sealed class Crowd : IAsyncLifetime
    {
        internal Vault Vault { get; private set; } = null!;

        internal Person Owner => Vault.Owner;

        internal Person Guest { get; private set; } = null!;

        public static bool IsShared(int id) => id % 10 != 0;

        public async ValueTask InitializeAsync()
        {
            Vault = await Vault.StartAsync();
            (Guest, _) = await Vault.Server.AddPersonAsync("Grace Guest");
            await Vault.Server.Directory.SqlAsync(
                """
                CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT i FROM n;
                INSERT INTO credentials (Uid, OwnerId, Name, CurrentKeyUid, Version, VerifiedStatus, CheckedAt, ExpiresOn, CreatedAt, UpdatedAt, OperationId, Revision,
                    NextCheckAt, ChecksWithoutVerdict)
                SELECT printf('%08X-0000-4000-8000-000000000001', i), $owner, printf('%s %d', iif(i % 2 = 0, 'Crowd', 'crowd'), i * 7919 % 1000),
                    printf('%08X-0000-4000-8000-000000000002', i), 1, iif(i % 9 = 0, 'Failed', 'Verified'), iif(i % 11 = 0, NULL, i * 7919 % 500),
                    iif(i % 13 = 0, '2001-01-01', NULL), 0, 0, printf('%08X-0000-4000-8000-000000000003', i), 1, 0, 0 FROM n;
                INSERT INTO credential_keys (Uid, CredentialId, Ciphertext, Fingerprint, SetAt)
                SELECT CurrentKeyUid, Id, zeroblob(60), printf('%08x', iif(Id % 17 = 0, Id / 170, Id + 100000)), 0 FROM credentials;
                INSERT INTO accessors (CredentialId, AccountId, Role, CreatedAt, UpdatedAt) SELECT Id, $guest, 1, 0, 0 FROM credentials WHERE Id % 10 <> 0;
                """,
                ("$owner", Vault.Owner.Id),
                ("$guest", Guest.Id));
        }

        public ValueTask DisposeAsync() => Vault.DisposeAsync();
    }
}
