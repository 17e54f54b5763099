using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Activity;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>Says who used a credential and what was done with it: where to look after its key was leaked.</summary>
internal sealed class KeyUseReports(IDbContextFactory<StorageContext> contexts, TimeProvider time)
{
    /// <summary>The most entries, and the most sources and destinations, that a report lists.</summary>
    public const int Most = 500;

    /// <summary>Everything that used the credential since a time, as far as it is stored.</summary>
    /// <returns>Null when there is no credential that the person may see.</returns>
    public async Task<KeyUseReport?> ReportAsync(Person person, int id, string? fingerprint, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (await storage.Credentials.VisibleTo(person).Where(row => row.Id == id).Select(row => row.Name).SingleOrDefaultAsync(cancellationToken) is not { } name)
        {
            return null;
        }

        var uses = await CredentialVault.UsesOf(storage, person, id).OrderByDescending(use => use.Id).Take(Most + 1).ToListAsync(cancellationToken);
        // What was done with a source of somebody else is theirs to know.
        var flows = CredentialVault.UsesOf(storage, person, id).Where(use => use.IsMine).Select(use => use.Id);
        var entries = await storage.AuditEntries.AsNoTracking()
            .Where(entry => entry.At >= since)
            .Where(entry =>
                (entry.ItemType == CredentialVault.ItemType && entry.ItemId == id)
                || ((entry.ItemType == "source" || entry.ItemType == "destination") && flows.Contains(entry.ItemId)))
            .OrderByDescending(entry => entry.Id)
            .Take(Most + 1)
            .ToListAsync(cancellationToken);
        return new KeyUseReport
        {
            Credential = name,
            CredentialId = id,
            Fingerprint = fingerprint,
            Since = since,
            MadeAt = time.GetUtcNow(),
            Uses = [.. uses.Take(Most)],
            Entries = [.. entries.Take(Most)],
            IsCutOff = uses.Count > Most || entries.Count > Most,
        };
    }
}

/// <summary>What used a credential since a time. There is no place for a key in it.</summary>
internal sealed record KeyUseReport
{
    public required string Credential { get; init; }

    public required int CredentialId { get; init; }

    /// <summary>Of the key the report is about; null when it is not known.</summary>
    public required string? Fingerprint { get; init; }

    public required DateTimeOffset Since { get; init; }

    public required DateTimeOffset MadeAt { get; init; }

    /// <summary>The sources and destinations that use the credential now, the newest first.</summary>
    public required IReadOnlyList<CredentialUse> Uses { get; init; }

    /// <summary>What was done with the credential, and with what uses it, the newest first.</summary>
    public required IReadOnlyList<AuditEntry> Entries { get; init; }

    /// <summary>There is more than is listed.</summary>
    public required bool IsCutOff { get; init; }

    /// <summary>The same as text, for a ticket or a mail. Times are in UTC.</summary>
    public string ToText()
    {
        var text = new StringBuilder()
            .AppendLine(CultureInfo.InvariantCulture, $"Report about a leaked ReSci key: {OneLine(Credential)} (credential {CredentialId})")
            .AppendLine(CultureInfo.InvariantCulture, $"Fingerprint of the key: {Fingerprint ?? "unknown"}")
            .AppendLine(CultureInfo.InvariantCulture, $"Since {Utc(Since)}, made {Utc(MadeAt)}")
            .AppendLine()
            .AppendLine(CultureInfo.InvariantCulture, $"Sources and destinations that use the credential: {Uses.Count}");
        foreach (var use in Uses)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {use.Kind.ToNoun()} {use.Id}: {OneLine(use.Name)} ({use.Status}, owner {OneLine(use.OwnerName)})");
        }

        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"What was done: {Entries.Count}");
        foreach (var entry in Entries)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"- {Utc(entry.At)}  {entry.ItemType} {entry.ItemId}: {entry.ActorName} {ActivityWords.Of(entry)}{(entry.Address.Length > 0 ? $", from {entry.Address}" : "")}");
        }

        if (IsCutOff)
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"There is more: each list ends after {KeyUseReports.Most}. Choose a later time to see less at once.");
        }

        return text.ToString();
    }

    private static string Utc(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    // Names may hold anything but control characters; the audit log cleans its own.
    private static string OneLine(string text) => text.ReplaceLineEndings(" ");
}
