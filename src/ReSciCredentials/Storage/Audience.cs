namespace ReSciCredentials.Storage;

/// <summary>Whom a change concerns: the owner of a row, and those it is shared with.</summary>
internal static class Audience
{
    // Not asynchronous, because it is asked while a context saves, which can be either; SQLite knows no other way anyhow.
    /// <summary>The accounts that see any of these credentials, sources or destinations.</summary>
    public static HashSet<int> AudienceOf(this StorageContext storage, IReadOnlyCollection<int> credentials, IReadOnlyCollection<int> flows)
    {
        var audience = new HashSet<int>();
        if (credentials.Count > 0)
        {
            audience.UnionWith(storage.Credentials.Where(row => credentials.Contains(row.Id)).Select(row => row.OwnerId)
                .Union(storage.Accessors.Where(row => row.CredentialId != null && credentials.Contains(row.CredentialId.Value)).Select(row => row.AccountId)));
        }

        if (flows.Count > 0)
        {
            audience.UnionWith(storage.AudiencesOf(flows).SelectMany(accounts => accounts));
        }

        return audience;
    }

    /// <summary>The accounts that see each of these sources and destinations.</summary>
    public static ILookup<int, int> AudiencesOf(this StorageContext storage, IReadOnlyCollection<int> flows) =>
        storage.Flows.Where(row => flows.Contains(row.Id)).Select(row => new { row.Id, Account = row.OwnerId })
            .Union(storage.Accessors.Where(row => row.FlowId != null && flows.Contains(row.FlowId.Value)).Select(row => new { Id = row.FlowId!.Value, Account = row.AccountId }))
            .ToLookup(row => row.Id, row => row.Account);
}
