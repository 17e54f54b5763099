using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>What a file of entries is written in.</summary>
internal enum ActivityFormat
{
    /// <summary>A JSON object a line, named as in the REST API.</summary>
    JsonLines,

    /// <summary>RFC 4180, for spreadsheets, which run no formula from it.</summary>
    Csv,
}

/// <summary>Takes entries away as a file: page by page, so that a million need no more memory than a thousand. That it was done is an entry itself.</summary>
internal sealed class ActivityExport(IDbContextFactory<StorageContext> contexts, ActivityLog activity, AuditLog audit)
{
    private const string Formulas = "=+-@＝＋－＠";

    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Columns =
        ["id", "created_at", "user", "user_id", "event", "item_type", "item_id", "owner_id", "owner_email", "details", "object_changes", "request_ip", "request_url", "request_user_agent"];

    /// <summary>What the format is called in addresses and in the audit log.</summary>
    public static string NameOf(ActivityFormat format) => format switch
    {
        ActivityFormat.JsonLines => "jsonl",
        ActivityFormat.Csv => "csv",
    };

    /// <summary>Notes that the person exports, and tells where the file begins: with what was there before.</summary>
    public async Task<ActivityPosition> BeginAsync(Person person, ActivityFormat format, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        audit.Add(storage, person, AuditEvents.Exported, AuditItems.Log, 0, NameOf(format));
        await storage.SaveChangesAsync(cancellationToken);
        var own = storage.AuditEntries.Local.Single();
        return new ActivityPosition(own.At, own.Id);
    }

    /// <summary>Writes what the person may see of what matches, the newest first.</summary>
    /// <param name="begin">What <see cref="BeginAsync"/> said.</param>
    public async Task WriteAsync(
        Person person, ActivityFilter filter, ActivityFormat format, ActivityPosition begin, Stream target, CancellationToken cancellationToken)
    {
        // With the mark that tells spreadsheets of UTF-8.
        await using var text = new StreamWriter(target, new UTF8Encoding(encoderShouldEmitUTF8Identifier: format is ActivityFormat.Csv), leaveOpen: true);
        if (format is ActivityFormat.Csv)
        {
            await text.WriteAsync($"{string.Join(',', Columns)}\r\n");
        }

        var page = new StringBuilder();
        var position = begin;
        while (true)
        {
            var listing = await activity.ListAsync(person, filter, position, ActivityLog.Most, cancellationToken);
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            foreach (var record in await ActivityLog.RecordAsync(storage, [.. listing.Rows.Select(row => row.Entry)], cancellationToken))
            {
                page.Append(format switch
                {
                    ActivityFormat.JsonLines => JsonLine(record),
                    ActivityFormat.Csv => CsvLine(record),
                });
                position = new ActivityPosition(record.Entry.At, record.Entry.Id);
            }

            await text.WriteAsync(page, cancellationToken);
            await text.FlushAsync(cancellationToken);
            page.Clear();
            if (!listing.HasMore)
            {
                return;
            }
        }
    }

    private static string JsonLine(ActivityRecord record)
    {
        var entry = record.Entry;
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Json))
        {
            json.WriteStartObject();
            json.WriteNumber("id", entry.Id);
            json.WriteString("created_at", Time(entry));
            json.WriteString("event", entry.Event);
            json.WriteString("item_type", entry.ItemType);
            json.WriteNumber("item_id", entry.ItemId);
            json.WriteStartObject("user");
            json.WriteNumber("id", entry.ActorId ?? ActivityFilter.NoAccount);
            json.WriteString("email", entry.ActorName);
            json.WriteEndObject();
            json.WriteNumber("owner_id", entry.OwnerId ?? ActivityFilter.NoAccount);
            json.WriteString("owner_email", record.OwnerEmail);
            json.WriteString("details", entry.Fields);
            json.WriteStartArray("change_summary");
            foreach (var field in record.ChangeSummary)
            {
                json.WriteStringValue(field);
            }

            json.WriteEndArray();
            json.WritePropertyName("object_changes");
            record.ObjectChanges.WriteTo(json);
            json.WriteString("request_ip", entry.Address);
            json.WriteString("request_url", entry.Path);
            json.WriteString("request_user_agent", entry.UserAgent);
            json.WriteEndObject();
        }

        return $"{Encoding.UTF8.GetString(buffer.ToArray())}\n";
    }

    private static string CsvLine(ActivityRecord record)
    {
        var entry = record.Entry;
        string[] cells =
        [
            Number(entry.Id),
            Time(entry),
            Cell(entry.ActorName),
            Number(entry.ActorId),
            Cell(entry.Event),
            Cell(entry.ItemType),
            Number(entry.ItemId),
            Number(entry.OwnerId),
            Cell(record.OwnerEmail),
            Cell(entry.Fields),
            Cell(entry.Changes),
            Cell(entry.Address),
            Cell(entry.Path),
            Cell(entry.UserAgent),
        ];
        return $"{string.Join(',', cells)}\r\n";
    }

    private static string Time(AuditEntry entry) => entry.At.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    // A text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it a text:
    // https://owasp.org/www-community/attacks/CSV_Injection
    private static string Cell(string text)
    {
        var safe = text.AsSpan().TrimStart() is [var first, ..] && Formulas.Contains(first, StringComparison.Ordinal) ? $"'{text}" : text;
        return $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
