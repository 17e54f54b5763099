using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

/// <summary>The kinds of things that audit entries are about.</summary>
internal static class AuditItems
{
    public const string Credential = "credential";
    public const string Source = "source";
    public const string Destination = "destination";
    public const string AccessToken = "access_token";
    public const string Account = "account";

    public const string ServiceKey = "service_key";

    /// <summary>What is done with the server as a whole: backups, and everything encrypted anew.</summary>
    public const string Server = "server";

    /// <summary>The audit log itself.</summary>
    public const string Log = "audit";

    public static IReadOnlyList<string> All { get; } = [Credential, Source, Destination, AccessToken, ServiceKey, Account, Server, Log];

    /// <summary>Whose it is, as the transaction sees it; null for what belongs to nobody, or is gone.</summary>
    public static async Task<int?> FindOwnerAsync(StorageContext storage, string itemType, int id, CancellationToken cancellationToken) => itemType switch
    {
        Credential => await OwnerAsync<Storage.Credential>(storage, id, cancellationToken),
        Source or Destination => await OwnerAsync<Flow>(storage, id, cancellationToken),
        AccessToken => await OwnerAsync<Storage.AccessToken>(storage, id, cancellationToken),
        ServiceKey => await OwnerAsync<Storage.ServiceKey>(storage, id, cancellationToken),
        Account when id > 0 => id,
        _ => null,
    };

    // Most often the row is at hand, for the same save changes it. A deleted one has its owner still.
    private static async Task<int?> OwnerAsync<T>(StorageContext storage, int id, CancellationToken cancellationToken)
        where T : class, IOwned =>
        storage.ChangeTracker.Entries<T>().FirstOrDefault(row => row.Entity.Id == id)?.Entity.OwnerId
            ?? await storage.Set<T>().IgnoreQueryFilters().Where(row => row.Id == id).Select(row => (int?)row.OwnerId).SingleOrDefaultAsync(cancellationToken);
}
