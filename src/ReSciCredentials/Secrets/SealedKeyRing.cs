using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>
/// The Data Protection key ring in the database, each element sealed whole, keys and revocations alike.
/// An element that our recovery key did not seal is reported and never used: a plain key slipped in would otherwise protect the next secret.
/// </summary>
internal sealed partial class SealedKeyRing(
    IDbContextFactory<StorageContext> contexts, ServerSeal seal, TimeProvider time, ILogger<SealedKeyRing> logger) : IXmlRepository
{
    /// <summary>The interface is synchronous; it is asked once at start and about once a day.</summary>
    public IReadOnlyCollection<XElement> GetAllElements()
    {
        RecoveryKey key;
        IReadOnlyCollection<XElement> elements;
        do
        {
            // Amid an exchange of the recovery key not one element would open; and the ring is then remembered for a day.
            seal.KeyChange.Wait();
            key = seal.RecoveryKey;
            elements = Read(key);
        }
        while (!seal.KeyChange.IsCompleted || key != seal.RecoveryKey);

        return elements;
    }

    public void StoreElement(XElement element, string friendlyName)
    {
        using var storage = contexts.CreateDbContext();
        // The write lock first: a key that is read inside it is either sealed anew by a following exchange, or already the new one.
        using var transaction = storage.Database.BeginTransaction();
        var key = seal.RecoveryKey;
        storage.RingElements.Add(new RingElement
        {
            Name = friendlyName,
            RecoveryKeyId = key.Id,
            Sealed = key.Seal(Context(friendlyName), Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting))),
            CreatedAt = time.GetUtcNow(),
        });
        storage.SaveChanges();
        transaction.Commit();
    }

    /// <summary>The element in plain XML; null when this key did not seal it, or it was changed.</summary>
    public static byte[]? TryOpen(RecoveryKey key, RingElement row) => key.TryOpen(Context(row.Name), row.Sealed);

    /// <summary>Seals an element that is open under another key.</summary>
    public static byte[] Seal(RecoveryKey key, RingElement row, byte[] xml) => key.Seal(Context(row.Name), xml);

    private static string Context(string name) => $"ring/{name}";

    private List<XElement> Read(RecoveryKey key)
    {
        using var storage = contexts.CreateDbContext();
        var elements = new List<XElement>();
        foreach (var row in storage.RingElements.AsNoTracking().OrderBy(element => element.Id))
        {
            if (TryOpen(key, row) is { } xml)
            {
                elements.Add(XElement.Parse(Encoding.UTF8.GetString(xml)));
            }
            else
            {
                LogForeignElement(row.Id);
            }
        }

        return elements;
    }

    [LoggerMessage(LogLevel.Error,
        "Element {Id} of the key ring was not sealed by this server's recovery key, or was changed. It is not used. Somebody may have edited the database.")]
    private partial void LogForeignElement(int id);
}
