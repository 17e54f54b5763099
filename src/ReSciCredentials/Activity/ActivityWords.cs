using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>What an audit entry says to a person.</summary>
internal static class ActivityWords
{
    /// <summary>The middle of a sentence that begins with who and ends with when.</summary>
    public static string Of(AuditEntry entry) => entry.Event switch
    {
        AuditEvents.Create => "made it",
        AuditEvents.Update => $"changed the {entry.Fields.Replace(",", ", ", StringComparison.Ordinal)}",
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
        var other => other.Replace('_', ' '),
    };
}
