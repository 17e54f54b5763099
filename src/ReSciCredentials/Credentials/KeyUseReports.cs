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
    /// <param name="key">The row of the key in question, which may be wiped since; null for all that the credential ever had.</param>
    public async Task<Reply<KeyUseReport>> ReportAsync(
        Person person, int id, Guid? key, string? fingerprint, DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var seen = await storage.Credentials.Where(row => row.Id == id).SeenBy(person)
            .Select(seen => new { seen.Role, seen.Row.Name })
            .SingleOrDefaultAsync(cancellationToken);
        return seen switch
        {
            null => new Reply<KeyUseReport>.NotFound(),
            _ when !seen.Role.MayChange() => new Reply<KeyUseReport>.Forbidden(),
            _ => new Reply<KeyUseReport>.Granted(await ReadAsync(storage, person, id, seen.Name, key, fingerprint, since, cancellationToken)),
        };
    }

    private async Task<KeyUseReport> ReadAsync(
        StorageContext storage, Person person, int id, string name, Guid? key, string? fingerprint, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var uses = await UseList.ReadAsync(storage, person, id, Most, now, cancellationToken);
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
        var tokens = await TokensAsync(storage, person, id, key, since, cancellationToken);
        return new KeyUseReport
        {
            Credential = name,
            CredentialId = id,
            Fingerprint = fingerprint,
            Since = since,
            MadeAt = now,
            Uses = uses,
            Tokens = [.. tokens.Take(Most)],
            Entries = [.. entries.Take(Most)],
            IsCutOff = uses.SeenCount > Most || tokens.Count > Most || entries.Count > Most,
        };
    }

    // Calls are summed up by hour: what began within the hour of the given time is in it.
    private static async Task<IReadOnlyList<TokenUse>> TokensAsync(
        StorageContext storage, Person person, int id, Guid? key, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var first = UsageHours.BeginningOf(since);
        var sums = await storage.BrokerHours
            .Where(hour => hour.CredentialId == id && hour.Hour >= first && hour.KeyUid != Guid.Empty && (key == null || hour.KeyUid == key))
            .GroupBy(hour => new { hour.TokenId, hour.FlowId })
            .Select(hours => new
            {
                hours.Key.TokenId,
                hours.Key.FlowId,
                Calls = hours.Sum(hour => hour.Calls),
                Errors = hours.Sum(hour => hour.Errors),
                BytesIn = hours.Sum(hour => hour.BytesIn),
                BytesOut = hours.Sum(hour => hour.BytesOut),
                From = hours.Min(hour => hour.Hour),
                LastAt = hours.Max(hour => hour.LastAt),
            })
            .OrderByDescending(sum => sum.LastAt)
            .Take(Most + 1)
            .ToListAsync(cancellationToken);
        var ids = sums.Select(sum => sum.TokenId).ToArray();
        var tokens = await storage.AccessTokens
            .Where(token => ids.Contains(token.Id))
            .Select(token => new
            {
                token.Id,
                token.Name,
                token.Beginning,
                token.Flow!.Kind,
                FlowName = token.Flow.Name,
                IsVisible = storage.Flows.VisibleTo(person).Any(flow => flow.Id == token.FlowId),
            })
            .ToDictionaryAsync(token => token.Id, cancellationToken);
        return
        [
            .. sums.Select(sum => tokens.GetValueOrDefault(sum.TokenId) is { } token
                ? new TokenUse(
                    sum.TokenId,
                    // What others call theirs is for them to know.
                    token.IsVisible ? token.Name : null,
                    token.IsVisible ? token.Beginning : null,
                    token.Kind,
                    sum.FlowId,
                    token.IsVisible ? token.FlowName : null,
                    sum.Calls,
                    sum.Errors,
                    sum.BytesIn,
                    sum.BytesOut,
                    sum.From,
                    sum.LastAt)
                : new TokenUse(sum.TokenId, null, null, null, sum.FlowId, null, sum.Calls, sum.Errors, sum.BytesIn, sum.BytesOut, sum.From, sum.LastAt)),
        ];
    }
}

/// <summary>What an access token did with a key since a time.</summary>
/// <param name="Name">Null when it is somebody else's, or gone; so are its beginning and the name of the source or destination.</param>
/// <param name="Kind">Of the source or destination; null when it is gone.</param>
/// <param name="From">The hour of the first call.</param>
internal sealed record TokenUse(
    int TokenId,
    string? Name,
    string? Beginning,
    FlowKind? Kind,
    int FlowId,
    string? FlowName,
    long Calls,
    long Errors,
    long BytesIn,
    long BytesOut,
    DateTimeOffset From,
    DateTimeOffset LastAt);

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

    /// <summary>The access tokens whose calls the key went out with, the latest first.</summary>
    public required IReadOnlyList<TokenUse> Tokens { get; init; }

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
            text.AppendLine(CultureInfo.InvariantCulture, $"- {use.Kind.ToNoun()} {use.Id}: {OneLine(use.Name)} ({use.Status}, owner {OneLine(use.OwnerName)}, {use.ToTokens()})");
        }

        text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Access tokens whose calls the key went out with: {Tokens.Count}");
        foreach (var token in Tokens)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"- token {token.TokenId}{(token.Name is null ? "" : $" {OneLine(token.Name)} ({token.Beginning}…)")} of {token.Kind?.ToNoun() ?? "something gone"} {token.FlowId}{(token.FlowName is null ? "" : $" {OneLine(token.FlowName)}")}: {token.Calls} calls, {token.Errors} with an error, {token.BytesIn} bytes to ReSci, {token.BytesOut} back, from {Utc(token.From)} to {Utc(token.LastAt)}");
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
