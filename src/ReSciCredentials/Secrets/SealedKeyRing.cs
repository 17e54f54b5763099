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
        var key = seal.RecoveryKey;
        using var storage = contexts.CreateDbContext();
        var elements = new List<XElement>();
        foreach (var row in storage.RingElements.AsNoTracking().OrderBy(element => element.Id))
        {
            if (key.TryOpen(Context(row.Name), row.Sealed) is { } xml)
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

    public void StoreElement(XElement element, string friendlyName)
    {
        var key = seal.RecoveryKey;
        using var storage = contexts.CreateDbContext();
        storage.RingElements.Add(new RingElement
        {
            Name = friendlyName,
            RecoveryKeyId = key.Id,
            Sealed = key.Seal(Context(friendlyName), Encoding.UTF8.GetBytes(element.ToString(SaveOptions.DisableFormatting))),
            CreatedAt = time.GetUtcNow(),
        });
        storage.SaveChanges();
    }

    private static string Context(string name) => $"ring/{name}";

    [LoggerMessage(LogLevel.Error,
        "Element {Id} of the key ring was not sealed by this server's recovery key, or was changed. It is not used. Somebody may have edited the database.")]
    private partial void LogForeignElement(int id);
}
