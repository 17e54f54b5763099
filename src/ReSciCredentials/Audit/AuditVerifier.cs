using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

/// <summary>Looks whether every audit entry is there, in its place and as it was written. Runs beside writers: it reads one state of the database.</summary>
internal sealed class AuditVerifier(IDbContextFactory<StorageContext> contexts, ServerSeal seal)
{
    /// <summary>So many entries at fault are told apart: what was moved from what was changed.</summary>
    private const int MostSuspects = 1000;

    private const int ProgressEvery = 10_000;

    /// <summary>Where the chain ends now. It is not looked at whether it is whole.</summary>
    public async Task<AuditHead> HeadAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var head = await storage.AuditMarks.AsNoTracking().SingleOrDefaultAsync(mark => mark.Name == AuditMark.Head, cancellationToken);
        return HeadOf(head?.EntryId ?? 0, head?.EntryMac ?? AuditMac.None);
    }

    /// <param name="kept">A head that was kept elsewhere; null for none.</param>
    /// <param name="progress">Is told now and then how many entries were looked at.</param>
    /// <exception cref="ServerSealedException"/>
    public async Task<AuditReport> VerifyAsync(AuditHead? kept, IProgress<int>? progress, CancellationToken cancellationToken)
    {
        var key = seal.AuditKey;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await storage.Database.OpenConnectionAsync(cancellationToken);
        // EF's own transactions take the write lock, and everybody would wait.
        await using var transaction = ((SqliteConnection)storage.Database.GetDbConnection()).BeginTransaction(deferred: true);
        await storage.Database.UseTransactionAsync(transaction, cancellationToken);

        var marks = await storage.AuditMarks.AsNoTracking().ToDictionaryAsync(mark => mark.Name, cancellationToken);
        var anchor = marks.GetValueOrDefault(AuditMark.Anchor) is { } storedAnchor && AuditMac.Seals(key, storedAnchor) ? storedAnchor : null;
        var head = marks.GetValueOrDefault(AuditMark.Head) is { } storedHead && AuditMac.Seals(key, storedHead) ? storedHead : null;

        var faults = new List<AuditFault>();
        var suspects = new List<Suspect>();
        var (count, more) = (0, 0);
        var (beforeId, before) = (anchor?.EntryId ?? 0, anchor?.EntryMac);
        var keptMac = kept is not null && kept.Entry == beforeId ? before : null;
        await foreach (var entry in storage.AuditEntries.AsNoTracking().OrderBy(entry => entry.Id).AsAsyncEnumerable().WithCancellation(cancellationToken))
        {
            if (before is null)
            {
                faults.Add(AuditFault.AnchorChanged(entry.Id));
            }
            else if (!Fits(key, before, entry.Id, entry))
            {
                if (suspects.Count < MostSuspects)
                {
                    suspects.Add(new Suspect(entry, beforeId, before));
                }
                else
                {
                    more++;
                }
            }
            else if (entry.Event == AuditEvents.ChainRestarted)
            {
                faults.Add(AuditFault.Restarted(entry.Id));
            }

            (beforeId, before) = (entry.Id, entry.Mac);
            if (entry.Id == kept?.Entry)
            {
                keptMac = entry.Mac;
            }

            if (++count % ProgressEvery == 0)
            {
                progress?.Report(count);
            }
        }

        if (anchor is null && count == 0)
        {
            faults.Add(AuditFault.AnchorChanged(1));
        }

        faults.AddRange(Explain(key, suspects, head?.EntryId ?? int.MaxValue));
        if (head is null)
        {
            faults.Add(AuditFault.HeadChanged(beforeId));
        }
        else if (head.EntryId > beforeId)
        {
            faults.Add(AuditFault.CutOff(beforeId + 1, head.EntryId));
        }

        faults.AddRange(Compare(kept, keptMac, anchor?.EntryId ?? 0, Math.Max(beforeId, head?.EntryId ?? 0)));
        return new AuditReport(
            count,
            anchor?.EntryId ?? 0,
            HeadOf(beforeId, before ?? AuditMac.None),
            [.. faults.OrderBy(fault => fault.First)],
            more);
    }

    /// <summary>The head is older than what is kept of the log, and nothing can be said.</summary>
    public static bool IsTooOld(AuditHead kept, AuditReport report) => kept.Entry < report.RemovedUpTo;

    internal static bool Fits(byte[] key, ReadOnlySpan<byte> before, int place, AuditEntry entry) =>
        CryptographicOperations.FixedTimeEquals(entry.Mac, AuditMac.Of(key, before, place, entry));

    private static AuditHead HeadOf(int entry, byte[] mac) => new(entry, Convert.ToHexStringLower(mac));

    private static IEnumerable<AuditFault> Compare(AuditHead? kept, byte[]? keptMac, int removedUpTo, int known)
    {
        if (kept is null || kept.Entry < removedUpTo)
        {
            return [];
        }

        return keptMac is null
            // Of those that the stored head knows too it is said already.
            ? kept.Entry > known ? [AuditFault.CutOff(known + 1, kept.Entry)] : []
            : Convert.ToHexStringLower(keptMac) == kept.Mac ? [] : [AuditFault.OtherHead(kept.Entry)];
    }

    /// <summary>
    /// Tells what happened to entries that do not fit behind the one before them. An entry that fits elsewhere was moved, and the one behind its
    /// right place may be well; where ids are left out entries are missing; the rest was changed.
    /// </summary>
    private static List<AuditFault> Explain(byte[] key, List<Suspect> suspects, int headId)
    {
        var faults = new List<AuditFault>();
        var placed = new Dictionary<int, int>();
        var followGap = new HashSet<int>();
        var walk = (Place: 0, Mac: AuditMac.None);
        foreach (var suspect in suspects)
        {
            // Where the entries before were put into their places, it goes on from there.
            var (place, mac) = walk.Place > suspect.BeforeId && walk.Place <= suspect.Entry.Id ? walk : (suspect.BeforeId + 1, suspect.Before);
            while (place <= suspect.Entry.Id
                && suspects.Find(other => !placed.ContainsKey(other.Entry.Id) && Fits(key, mac, place, other.Entry)) is { } found)
            {
                placed[found.Entry.Id] = place;
                (place, mac) = (place + 1, found.Entry.Mac);
            }

            walk = (place, mac);
            // What stands behind the head, or is known from elsewhere, leaves no gap before it.
            if (place < suspect.Entry.Id && suspect.Entry.Id <= headId && !placed.ContainsKey(suspect.Entry.Id))
            {
                faults.Add(AuditFault.Missing(place, suspect.Entry.Id - 1));
                followGap.Add(suspect.Entry.Id);
            }
        }

        faults.AddRange(placed.Where(entry => entry.Key != entry.Value).Select(entry => AuditFault.Moved(entry.Key, entry.Value)));
        faults.AddRange(suspects
            .Select(suspect => suspect.Entry.Id)
            .Where(id => !placed.ContainsKey(id) && !followGap.Contains(id))
            .Select(id => id > headId ? AuditFault.Foreign(id) : AuditFault.Changed(id)));
        return faults;
    }

    /// <summary>An entry that does not fit behind the one before it.</summary>
    private sealed record Suspect(AuditEntry Entry, int BeforeId, byte[] Before);
}
