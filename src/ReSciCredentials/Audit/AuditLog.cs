using System.Globalization;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Audit;

/// <summary>The verbs of the audit log.</summary>
internal static class AuditEvents
{
    public const string Create = "create";
    public const string Update = "update";
    public const string Delete = "delete";
    public const string Restore = "restore";
    public const string Probe = "probe";
    public const string ProbePendingKey = "probe_pending_key";
    public const string ReplaceKey = "replace_key";
    public const string PromoteKey = "promote_key";
    public const string RollBackKey = "roll_back_key";
    public const string DropKey = "drop_key";
    public const string WipeKey = "wipe_key";

    /// <summary>A source or destination, which the field names, begins to use a credential.</summary>
    public const string BeginUse = "begin_use";

    /// <summary>A source or destination, which the field names, no longer uses a credential.</summary>
    public const string EndUse = "end_use";

    /// <summary>Shared with somebody, or shared in another role; the field names both.</summary>
    public const string Shared = "shared";

    /// <summary>No longer shared with somebody, whom the field names.</summary>
    public const string Unshared = "unshared";

    public const string Pause = "pause";
    public const string Activate = "activate";
    public const string Revoke = "revoke";
    public const string Rotate = "rotate";
    public const string TokenRefused = "token_refused";
    public const string KeyRefused = "key_refused";
    public const string SignIn = "sign_in";
    public const string SignInFailed = "sign_in_failed";
    public const string SignOut = "sign_out";
    public const string SignOutEverywhere = "sign_out_everywhere";
    public const string PasswordChanged = "password_changed";
    public const string SignInReset = "sign_in_reset";
    public const string Backup = "backup";
    public const string Drill = "drill";
    public const string RestoreBackup = "restore_backup";
    public const string Reencrypt = "reencrypt";
    public const string RenewRing = "renew_ring";
    public const string RotateAll = "rotate_all";
    public const string RotateRecoveryKey = "rotate_recovery_key";

    /// <summary>The audit log, or a part of it, was taken away as a file, in the format that the field names.</summary>
    public const string Exported = "exported";

    /// <summary>The chain of entries went on after its head had been changed outside of this program; the item is the last entry that was there.</summary>
    public const string ChainRestarted = "chain_restarted";

    /// <summary>The field of <see cref="PromoteKey"/> when there is no way back.</summary>
    public const string OldKeyWiped = "old_key_wiped";
}

/// <summary>
/// Appends to the audit log. The entry is part of the change's transaction: when it cannot be written, the change is not made.
/// Whose the thing is, and the entry's place in the chain, are found when it is saved: see <see cref="AuditChain"/>.
/// </summary>
internal sealed class AuditLog(TimeProvider time)
{
    private const int TextLength = 256;

    /// <summary>Adds an entry to <paramref name="storage"/>; the caller saves it together with the change.</summary>
    /// <param name="fields">Names of what changed; never a value.</param>
    public void Add(StorageContext storage, Actor actor, string verb, string itemType, int itemId, params IEnumerable<string> fields) =>
        Add(storage, actor, verb, itemType, itemId, string.Join(',', fields), []);

    /// <summary>As <see cref="Add(StorageContext, Actor, string, string, int, IEnumerable{string})"/>, with the values of the fields that changed.</summary>
    /// <param name="detail">What else is to be said of it; null for the names of the fields.</param>
    public void AddChanges(
        StorageContext storage, Actor actor, string verb, string itemType, int itemId, IReadOnlyCollection<AuditChange> changes, string? detail = null) =>
        Add(storage, actor, verb, itemType, itemId, detail ?? string.Join(',', changes.Select(change => change.Field)), changes);

    /// <summary>
    /// Saves new rows and the entry that names one of them, whose id is known only once it is inserted, in one transaction:
    /// the caller's, who then commits it, or one of its own.
    /// </summary>
    /// <param name="changes">The values it begins with.</param>
    public async Task SaveNewAsync(
        StorageContext storage, Actor actor, string itemType, Func<int> itemId, IReadOnlyCollection<AuditChange> changes, CancellationToken cancellationToken)
    {
        await using var own = storage.Database.CurrentTransaction is null ? await storage.Database.BeginTransactionAsync(cancellationToken) : null;
        await storage.SaveChangesAsync(cancellationToken);
        AddChanges(storage, actor, AuditEvents.Create, itemType, itemId(), changes, detail: "");
        await storage.SaveChangesAsync(cancellationToken);
        if (own is not null)
        {
            await own.CommitAsync(cancellationToken);
        }
    }

    /// <inheritdoc cref="SaveNewAsync(StorageContext, Actor, string, Func{int}, IReadOnlyCollection{AuditChange}, CancellationToken)"/>
    public Task SaveNewAsync(StorageContext storage, Actor actor, string itemType, Func<int> itemId, CancellationToken cancellationToken) =>
        SaveNewAsync(storage, actor, itemType, itemId, [], cancellationToken);

    /// <summary>One line without anything that could forge another one or turn the direction of the text.</summary>
    internal static string Plain(string text)
    {
        var kept = text.Length > TextLength ? text[..TextLength] : text;
        return string.Create(kept.Length, kept, static (target, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                target[i] = CharUnicodeInfo.GetUnicodeCategory(source[i])
                    is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                    ? '\uFFFD'
                    : source[i];
            }
        });
    }

    private void Add(
        StorageContext storage, Actor actor, string verb, string itemType, int itemId, string fields, IReadOnlyCollection<AuditChange> changes) =>
        storage.AuditEntries.Add(new AuditEntry
        {
            At = time.GetUtcNow(),
            Event = verb,
            ItemType = itemType,
            ItemId = itemId,
            ActorId = actor.AccountId,
            ActorName = Plain(actor.Who),
            Address = Plain(actor.Address),
            UserAgent = Plain(actor.UserAgent),
            Path = Plain(actor.Path),
            Fields = Plain(fields),
            Changes = AuditChange.ToJson(changes),
        });
}
