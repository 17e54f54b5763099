using System.Globalization;

namespace ReSciCredentials.Audit;

/// <summary>
/// The last entry and what seals it, to be kept elsewhere: with it even the removal of the newest entries is found, by whoever it was done
/// and however the database was edited. It tells nothing of what the entries say.
/// </summary>
/// <param name="Entry">The id of the entry, which is how many there have ever been.</param>
/// <param name="Mac">64 hexadecimal digits.</param>
internal sealed record AuditHead(int Entry, string Mac)
{
    private const int MacLength = 64;

    /// <summary>Reads what <see cref="ToString"/> writes; null when it is something else.</summary>
    public static AuditHead? Parse(string? text) =>
        text?.Trim().Split('.') is [var entry, { Length: MacLength } mac]
        && int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
        && mac.All(char.IsAsciiHexDigit)
            ? new AuditHead(id, mac.ToLowerInvariant())
            : null;

    /// <summary>E.g. <c>1204.9f41…</c></summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Entry}.{Mac}");
}
