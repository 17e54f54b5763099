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

    /// <summary>Everything that used the credential since a time, as far as it is stored. For admins.</summary>
    public async Task<Reply<KeyUseReport>> ReportAsync(
        Person person, int id, string? fingerprint, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var seen = await storage.Credentials.Where(row => row.Id == id).SeenBy(person)
            .Select(seen => new { seen.Role, seen.Row.Name })
            .SingleOrDefaultAsync(cancellationToken);
        return seen switch
        {
            null => new Reply<KeyUseReport>.NotFound(),
            _ when !seen.Role.MayChange() => new Reply<KeyUseReport>.Forbidden(),
            _ => new Reply<KeyUseReport>.Granted(await ReadAsync(storage, person, id, seen.Name, fingerprint, since, cancellationToken)),
        };
    }

    private async Task<KeyUseReport> ReadAsync(
        StorageContext storage, Person person, int id, string name, string? fingerprint, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var uses = await UseList.ReadAsync(storage, person, id, Most, cancellationToken);
        // What was done with a source of somebody else is for those to know who may change it.
        var flows = storage.Flows.Where(flow => flow.CredentialId == id).VisibleTo(person, AccessRole.Admin).Select(flow => flow.Id);
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
            Uses = uses,
            Entries = [.. entries.Take(Most)],
            IsCutOff = uses.SeenCount > Most || entries.Count > Most,
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

    /// <summary>The sources and destinations that use the credential now.</summary>
    public required UseList Uses { get; init; }

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
        foreach (var use in Uses.Seen)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {use.Kind.ToNoun()} {use.Id}: {OneLine(use.Name)} ({use.Status}, owner {OneLine(use.OwnerName)})");
        }

        if (Uses.Others is { } others)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"- {others}");
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
