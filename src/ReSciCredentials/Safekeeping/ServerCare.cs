using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>How safe the server's data is, as its owner sees it. There is no place for a key in it.</summary>
/// <param name="EarlierKeyIds">Recovery keys of earlier times whose files are kept beside the present one.</param>
/// <param name="RingKeys">Keys of the ring that open.</param>
/// <param name="RingGoodUntil">When the one in use ends; the next is made before.</param>
/// <param name="LastBackup">The last that succeeded.</param>
/// <param name="FailedBackup">The last try, when it failed.</param>
/// <param name="NextBackup">Null: the server makes none by itself.</param>
internal sealed record SafekeepingState(
    string RecoveryKeyId,
    IReadOnlyList<string> EarlierKeyIds,
    int RingKeys,
    DateTimeOffset? RingGoodUntil,
    string BackupDirectory,
    int BackupsKept,
    JobView? LastBackup,
    JobView? FailedBackup,
    DateTimeOffset? NextBackup,
    JobView? LastDrill);

/// <summary>What a typed recovery sheet is.</summary>
internal abstract record SheetOutcome
{
    /// <summary>It is the key that this server needs.</summary>
    public sealed record Right : SheetOutcome;

    /// <summary>It is whole, but of another key.</summary>
    public sealed record Other : SheetOutcome;

    /// <param name="Group">The first group that is wrong; null when there are not eight.</param>
    public sealed record Wrong(int? Group) : SheetOutcome;
}

/// <summary>What the owner does for the safety of the data from a page. For everybody else there is no such thing.</summary>
internal sealed class ServerCare(
    Jobs jobs, Backups backups, BackupSchedule schedule, KeyFile keyFile, ServerSeal seal, IKeyManager ring, IOptions<BackupsOptions> options)
{
    private const int Shown = 20;

    /// <summary>Null for whoever is not the owner; as below.</summary>
    public async Task<SafekeepingState?> LookAsync(Person person, CancellationToken cancellationToken)
    {
        if (!MayLook(person))
        {
            return null;
        }

        // Data Protection goes by the system's clock.
        var now = TimeProvider.System.GetUtcNow();
        var keys = ring.GetAllKeys();
        var last = await jobs.LastAsync(JobKind.Backup, cancellationToken);
        return new SafekeepingState(
            seal.RecoveryKey.Id,
            keyFile.ListEarlier(),
            keys.Count,
            keys.Where(key => !key.IsRevoked && key.ActivationDate <= now && key.ExpirationDate > now).Max(key => (DateTimeOffset?)key.ExpirationDate),
            backups.Directory,
            options.Value.Kept,
            await jobs.LastGoodAsync(JobKind.Backup, cancellationToken),
            last is { Succeeded: false, FinishedAt: not null } ? last : null,
            await schedule.NextAsync(cancellationToken),
            await jobs.LastAsync(JobKind.Drill, cancellationToken));
    }

    /// <summary>The newest jobs, those under way among them.</summary>
    public async Task<IReadOnlyList<JobView>> ListJobsAsync(Person person, CancellationToken cancellationToken) =>
        MayLook(person) ? await jobs.ListAsync(Shown, cancellationToken) : [];

    /// <summary>Orders a backup or a drill; false for whoever is not the owner.</summary>
    public async Task<bool> OrderAsync(Person person, JobKind kind, CancellationToken cancellationToken)
    {
        if (!MayLook(person) || kind is not (JobKind.Backup or JobKind.Drill))
        {
            return false;
        }

        await jobs.OrderAsync(kind, person, cancellationToken);
        return true;
    }

    /// <summary>Compares a typed sheet with the key in use. Neither is kept or told.</summary>
    public SheetOutcome? CheckSheet(Person person, string typed)
    {
        if (!MayLook(person))
        {
            return null;
        }

        try
        {
            return RecoveryKey.Parse(typed).Id == seal.RecoveryKey.Id ? new SheetOutcome.Right() : new SheetOutcome.Other();
        }
        catch (RecoveryKeyFormatException exception)
        {
            return new SheetOutcome.Wrong(exception.Group);
        }
    }

    private static bool MayLook(Person person) => person.Role is AccountRole.Owner;
}
