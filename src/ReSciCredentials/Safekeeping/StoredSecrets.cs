using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>One stored key with what binds it to its row.</summary>
internal sealed record StoredSecret(Guid Uid, byte[] Ciphertext, int CredentialId, Guid CredentialUid);

/// <summary>Every stored key, a piece at a time: those of deleted credentials too, which can still be brought back.</summary>
internal static class StoredSecrets
{
    /// <summary>Those behind this one, in a fixed order. Take as many as are to be held at once.</summary>
    public static IQueryable<StoredSecret> After(StorageContext storage, Guid last) =>
        storage.CredentialKeys.IgnoreQueryFilters()
            .Where(key => key.Uid.CompareTo(last) > 0)
            .OrderBy(key => key.Uid)
            .Select(key => new StoredSecret(key.Uid, key.Ciphertext, key.CredentialId, key.Credential!.Uid));
}
