using System.Text.Json;
using System.Text.RegularExpressions;
using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>What an audit entry says to a person.</summary>
internal static partial class ActivityWords
{
    /// <summary>The verbs that can be looked for, with what each finds.</summary>
    public static IReadOnlyList<(string Event, string Title)> Events { get; } =
    [
        (AuditEvents.Create, "Made"),
        (AuditEvents.Update, "Changed"),
        (AuditEvents.Delete, "Deleted"),
        (AuditEvents.Restore, "Brought back"),
        (AuditEvents.Probe, "Tested"),
        (AuditEvents.ProbePendingKey, "Tested a waiting key"),
        (AuditEvents.ReplaceKey, "Entered a new key"),
        (AuditEvents.PromoteKey, "Promoted a key"),
        (AuditEvents.RollBackKey, "Rolled a key back"),
        (AuditEvents.DropKey, "Dropped a key"),
        (AuditEvents.WipeKey, "Wiped a key"),
        (AuditEvents.BeginUse, "Began to use"),
        (AuditEvents.EndUse, "Ceased to use"),
        (AuditEvents.Shared, "Shared"),
        (AuditEvents.Unshared, "Ceased to share"),
        (AuditEvents.Pause, "Paused"),
        (AuditEvents.Activate, "Activated"),
        (AuditEvents.Revoke, "Revoked a token"),
        (AuditEvents.Rotate, "Replaced a token"),
        (AuditEvents.TokenRefused, "A token was refused"),
        (AuditEvents.KeyRefused, "ReSci refused a key"),
        (AuditEvents.SignIn, "Signed in"),
        (AuditEvents.SignInFailed, "Failed to sign in"),
        (AuditEvents.SignOut, "Signed out"),
        (AuditEvents.SignOutEverywhere, "Signed out everywhere"),
        (AuditEvents.PasswordChanged, "Changed a password"),
        (AuditEvents.SignInReset, "Reset a sign-in"),
        (AuditEvents.Exported, "Exported activity"),
        (AuditEvents.ChainRestarted, "Found the log edited"),
        (AuditEvents.Backup, "Made a backup"),
        (AuditEvents.Drill, "Rehearsed a restore"),
        (AuditEvents.RestoreBackup, "Restored a backup"),
        (AuditEvents.Reencrypt, "Encrypted all keys anew"),
        (AuditEvents.RenewRing, "Added a key to the ring"),
        (AuditEvents.RotateAll, "Rotated everything"),
        (AuditEvents.RotateRecoveryKey, "Exchanged the recovery key"),
    ];

    /// <summary>The middle of a sentence that begins with who and ends with when.</summary>
    public static string Of(AuditEntry entry) => entry.Event switch
    {
        AuditEvents.Create => "made it",
        AuditEvents.Update => $"changed the {entry.Fields.Replace(",", ", ", StringComparison.Ordinal).Replace('_', ' ')}",
        AuditEvents.Delete => "deleted it",
        AuditEvents.Restore => "brought it back",
        AuditEvents.Pause => "paused it",
        AuditEvents.Activate => "activated it",
        AuditEvents.Probe when Verdict.StepFrom(entry.Fields) is VerdictStep.Accepted => "tested it: ReSci accepted the key",
        AuditEvents.Probe when Verdict.StepFrom(entry.Fields) is { } step => $"tested it: {Verdict.TitleOf(step, null)}",
        AuditEvents.ProbePendingKey when Verdict.StepFrom(entry.Fields) is { } step => $"tested the waiting key: {Verdict.TitleOf(step, null)}",
        AuditEvents.ReplaceKey => "entered a new key, which waits",
        AuditEvents.PromoteKey when entry.Fields == AuditEvents.OldKeyWiped => "promoted the new key and wiped the old one",
        AuditEvents.PromoteKey => "promoted the new key and kept the old one for a while",
        AuditEvents.RollBackKey => "rolled back to the key before",
        AuditEvents.DropKey => "dropped the new key",
        AuditEvents.WipeKey => "wiped the key before",
        AuditEvents.Revoke => "revoked it",
        AuditEvents.Rotate when entry.Fields == "revoked" => "made another one in its place and revoked this one at once",
        AuditEvents.Rotate => "made another one in its place; this one goes on for a while",
        AuditEvents.TokenRefused when entry.Fields == "revoked" => "refused a call with it: it is revoked",
        AuditEvents.TokenRefused when entry.Fields == "expired" => "refused a call with it: it has expired",
        AuditEvents.TokenRefused when entry.Fields == "address" => "refused a call with it: it may not be used from there",
        AuditEvents.TokenRefused => "refused a call with a token that is not ours",
        AuditEvents.KeyRefused => "was told by ReSci that the key is refused",
        AuditEvents.BeginUse => $"let {entry.Fields} use it",
        AuditEvents.EndUse => $"let {entry.Fields} use another credential",
        AuditEvents.Shared => $"shared it with {entry.Fields}",
        AuditEvents.Unshared => $"no longer shares it with {entry.Fields}",
        AuditEvents.SignIn => "signed in",
        AuditEvents.SignInFailed => "tried to sign in, and failed",
        AuditEvents.SignOut => "signed out",
        AuditEvents.SignOutEverywhere => "signed out everywhere",
        AuditEvents.PasswordChanged => "changed the password",
        AuditEvents.SignInReset => "reset the sign-in",
        AuditEvents.Exported => $"exported activity as {entry.Fields.ToUpperInvariant()}",
        AuditEvents.ChainRestarted => $"found that the log was edited after entry {entry.ItemId}, and went on",
        AuditEvents.Backup => "made a backup",
        AuditEvents.Drill => "rehearsed the restore of a backup",
        AuditEvents.RestoreBackup => "put a backup in the place of the database",
        AuditEvents.Reencrypt => "encrypted all stored keys anew",
        AuditEvents.RenewRing => "added a key to the key ring",
        AuditEvents.RotateAll => "rotated everything: a new key of the ring, all stored keys, and everybody is signed out",
        AuditEvents.RotateRecoveryKey => "exchanged the recovery key",
        var other => other.Replace('_', ' '),
    };

    /// <summary>The same sentence for where the thing is named: what stands before its name, and after.</summary>
    public static (string Before, string After) Around(AuditEntry entry) =>
        Of(entry) is var words && ItPattern().Match(words) is { Success: true, Groups: [_, var it] }
            ? (words[..it.Index], words[(it.Index + it.Length)..])
            : ($"{words} (", ")");

    /// <summary>What a kind of thing is called.</summary>
    public static string KindOf(string itemType) => itemType switch
    {
        AuditItems.Log => "audit log",
        var other => other.Replace('_', ' '),
    };

    /// <summary>The thing, e.g. <c>credential 7</c>; null when the sentence says it all.</summary>
    public static string? ItemOf(AuditEntry entry) => entry switch
    {
        { ItemType: AuditItems.Log or AuditItems.Server } or { ItemType: AuditItems.Account, Event: not AuditEvents.Create } or { ItemId: 0 } => null,
        _ => $"{KindOf(entry.ItemType)} {entry.ItemId}",
    };

    /// <summary>Where the thing is looked at; null when it has no page.</summary>
    public static string? PathOf(AuditEntry entry) => entry.ItemType switch
    {
        AuditItems.Credential => $"/credentials/{entry.ItemId}",
        AuditItems.Source => $"/sources/{entry.ItemId}",
        AuditItems.Destination => $"/destinations/{entry.ItemId}",
        _ => null,
    };

    /// <summary>What stood in each changed field, and what stands there now. Of a new thing that is what it began with, which its page tells.</summary>
    public static IEnumerable<(string Field, string Before, string After)> ChangesOf(AuditEntry entry) => entry is { Event: AuditEvents.Create } or { Changes: "" }
        ? []
        : new ActivityRecord(entry, OwnerEmail: "").ObjectChanges.EnumerateObject()
            .Where(change => change.Value is { ValueKind: JsonValueKind.Array } both && both.GetArrayLength() == 2)
            .Select(change => (
                change.Name switch
                {
                    "credentials" => "key",
                    "pending_credentials" => "waiting key",
                    var field => field.Replace('_', ' '),
                },
                Shown(change.Value[0]),
                Shown(change.Value[1])));

    [GeneratedRegex(@"^\S.*? (it)\b")]
    private static partial Regex ItPattern();

    private static string Shown(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "nothing",
        JsonValueKind.Array when value.GetArrayLength() > 0 => string.Join(", ", value.EnumerateArray().Select(Shown)),
        JsonValueKind.Array => "nothing",
        _ => value.ToString() is { Length: > 0 } text ? text : "nothing",
    };
}
