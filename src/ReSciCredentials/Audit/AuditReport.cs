using System.Globalization;

namespace ReSciCredentials.Audit;

/// <summary>What is wrong with the chain.</summary>
internal enum AuditFaultKind
{
    /// <summary>An entry is not as it was written.</summary>
    Changed,

    /// <summary>Entries were removed from among others.</summary>
    Missing,

    /// <summary>An entry stands in another's place.</summary>
    Moved,

    /// <summary>An entry was not written by this server.</summary>
    Foreign,

    /// <summary>The newest entries were removed.</summary>
    CutOff,

    /// <summary>The stored head is missing or was changed.</summary>
    HeadChanged,

    /// <summary>What tells where the entries begin is missing or was changed.</summary>
    AnchorChanged,

    /// <summary>The server found the head missing or changed, and went on.</summary>
    Restarted,

    /// <summary>The entry that a kept head names is another one.</summary>
    OtherHead,
}

/// <param name="First">The entry, or the first of them.</param>
/// <param name="Last">The last of them.</param>
internal sealed record AuditFault(AuditFaultKind Kind, int First, int Last, string Text)
{
    public static AuditFault Changed(int id) => One(AuditFaultKind.Changed, id, $"Entry {id} was changed after it was written.");

    public static AuditFault Missing(int first, int last) => new(
        AuditFaultKind.Missing, first, last, $"{Entries(first, last)} missing. Entry {last + 1}, which follows, cannot be checked without.");

    public static AuditFault Moved(int stands, int belongs) => One(AuditFaultKind.Moved, belongs, $"Entry {belongs} stands at {stands}: entries were reordered.");

    public static AuditFault Foreign(int id) => One(AuditFaultKind.Foreign, id, $"Entry {id} was not written by this server.");

    public static AuditFault CutOff(int first, int last) => new(AuditFaultKind.CutOff, first, last, $"{Entries(first, last)} missing, at the end.");

    public static AuditFault HeadChanged(int last) => One(
        AuditFaultKind.HeadChanged, last, $"The stored head is missing or was changed. Whether there were entries after {last} is told only by a head that was kept elsewhere.");

    public static AuditFault AnchorChanged(int first) => One(
        AuditFaultKind.AnchorChanged, first, $"The stored anchor is missing or was changed. Whether there were entries before {first}, and whether that one is as it was, cannot be told.");

    public static AuditFault Restarted(int id) => One(
        AuditFaultKind.Restarted, id, $"At entry {id} the server found the head missing or changed, and went on. Entries before it may have been removed.");

    public static AuditFault OtherHead(int id) => One(
        AuditFaultKind.OtherHead, id, $"Entry {id} is not the one that the kept head names. Entries up to it were replaced, or the head is of another database.");

    private static AuditFault One(AuditFaultKind kind, int id, string text) => new(kind, id, id, text);

    private static string Entries(int first, int last) =>
        first == last ? $"Entry {first} is" : string.Create(CultureInfo.InvariantCulture, $"Entries {first} to {last} are");
}

/// <summary>What a look at the whole chain found.</summary>
/// <param name="Entries">How many entries are stored.</param>
/// <param name="RemovedUpTo">The last entry that went with its time, see <see cref="AuditOptions.KeptDays"/>; 0 when none did.</param>
/// <param name="Head">Where the stored entries end.</param>
/// <param name="Faults">In the order of the entries. Empty when all is as it was written.</param>
/// <param name="MoreFaults">So many entries are at fault beside those that were looked at one by one.</param>
internal sealed record AuditReport(int Entries, int RemovedUpTo, AuditHead Head, IReadOnlyList<AuditFault> Faults, int MoreFaults)
{
    public bool IsWhole => Faults.Count == 0;
}
