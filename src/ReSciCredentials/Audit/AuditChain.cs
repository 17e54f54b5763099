using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

/// <summary>
/// Gives every new entry its place behind the last one and seals it, in the transaction of the change: the context holds the write lock by then,
/// so there is one writer, and ids follow each other without a gap. decisions/0007 says what that proves and what not.
/// </summary>
internal sealed partial class AuditChain(ServerSeal seal, TimeProvider time, ILogger<AuditChain> logger) : SaveChangesInterceptor
{
    private const int BatchSize = 1000;

    /// <summary>Seals in what was written before there was a chain, as it stands, and sets the marks. Part of the transaction that makes the key.</summary>
    public static async Task BeginAsync(StorageContext storage, byte[] key, CancellationToken cancellationToken)
    {
        var (last, mac) = (0, AuditMac.None);
        while (true)
        {
            var after = last;
            var batch = await storage.AuditEntries.Where(entry => entry.Id > after).OrderBy(entry => entry.Id).Take(BatchSize).ToListAsync(cancellationToken);
            if (batch.Count == 0)
            {
                break;
            }

            foreach (var entry in batch)
            {
                entry.Mac = mac = AuditMac.Of(key, mac, entry.Id, entry);
                last = entry.Id;
            }

            await storage.SaveChangesAsync(cancellationToken);
            storage.ChangeTracker.Clear();
        }

        await storage.AuditMarks.ExecuteDeleteAsync(cancellationToken);
        storage.AuditMarks.Add(MarkAt(key, AuditMark.Anchor, 0, AuditMac.None));
        storage.AuditMarks.Add(MarkAt(key, AuditMark.Head, last, mac));
        await storage.SaveChangesAsync(cancellationToken);
    }

    public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result) =>
        eventData.Context is StorageContext storage && Added(storage).Count > 0
            ? throw new InvalidOperationException("Audit entries are saved by SaveChangesAsync.")
            : result;

    public override async ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context is StorageContext storage && Added(storage) is { Count: > 0 } added)
        {
            await LinkAsync(storage, added, cancellationToken);
        }

        return result;
    }

    private async Task LinkAsync(StorageContext storage, List<EntityEntry<AuditEntry>> added, CancellationToken cancellationToken)
    {
        var key = seal.AuditKey;
        var found = await storage.AuditMarks.AsNoTracking()
            .Where(mark => mark.Name == AuditMark.Head)
            .Select(mark => new { Mark = mark, LastId = storage.AuditEntries.Max(entry => (int?)entry.Id) })
            .SingleOrDefaultAsync(cancellationToken);
        var head = found?.Mark;
        if (found is null || !AuditMac.Seals(key, found.Mark) || found.LastId > found.Mark.EntryId)
        {
            // Not refused, or whoever can edit the database could stop the server; and never in silence.
            head = await HeadOfWhatIsThereAsync(storage, key, cancellationToken);
            LogRestarted(head.EntryId);
            added.Insert(0, storage.AuditEntries.Add(Restarted(head.EntryId)));
        }

        // From the last to the first: of entries that are saved once more after a failure, none takes a place that another one still has.
        for (var i = added.Count - 1; i >= 0; i--)
        {
            var id = added[i].Property(entry => entry.Id);
            (id.CurrentValue, id.IsTemporary) = (head!.EntryId + 1 + i, false);
        }

        foreach (var entry in added.Select(entry => entry.Entity))
        {
            entry.OwnerId ??= await AuditItems.FindOwnerAsync(storage, entry.ItemType, entry.ItemId, cancellationToken);
            entry.Mac = AuditMac.Of(key, head!.EntryMac, entry.Id, entry);
            AuditMac.Move(key, head, entry.Id, entry.Mac);
        }

        // What the context remembers of an earlier save is of no worth: others have written since.
        foreach (var remembered in storage.ChangeTracker.Entries<AuditMark>().Where(mark => mark.Entity.Name == AuditMark.Head).ToList())
        {
            remembered.State = EntityState.Detached;
        }

        storage.Entry(head!).State = found is null ? EntityState.Added : EntityState.Modified;
    }

    private static async Task<AuditMark> HeadOfWhatIsThereAsync(StorageContext storage, byte[] key, CancellationToken cancellationToken)
    {
        var last = await storage.AuditEntries.AsNoTracking().OrderByDescending(entry => entry.Id).FirstOrDefaultAsync(cancellationToken);
        return MarkAt(key, AuditMark.Head, last?.Id ?? 0, last?.Mac ?? AuditMac.None);
    }

    private static AuditMark MarkAt(byte[] key, string name, int entry, byte[] entryMac)
    {
        var mark = new AuditMark { Name = name, EntryMac = entryMac, Mac = [] };
        AuditMac.Move(key, mark, entry, entryMac);
        return mark;
    }

    // Before they have a place their ids are temporary, and rise in the order in which they were added.
    private static List<EntityEntry<AuditEntry>> Added(StorageContext storage) =>
        [
            .. storage.ChangeTracker.Entries<AuditEntry>()
                .Where(entry => entry.State is EntityState.Added)
                .OrderBy(entry => entry.Property(row => row.Id).CurrentValue),
        ];

    private AuditEntry Restarted(int last) => new()
    {
        At = time.GetUtcNow(),
        Event = AuditEvents.ChainRestarted,
        ItemType = AuditItems.Log,
        ItemId = last,
        ActorName = Actor.Server.Who,
        Address = "",
        UserAgent = "",
        Path = "",
        Fields = "",
        Changes = "",
    };

    [LoggerMessage(LogLevel.Critical,
        "The head of the audit chain was changed outside of this program. The chain goes on after entry {Last}; audit verify says what is missing or changed")]
    private partial void LogRestarted(int last);
}
