using System.Text.Json;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Activity;

/// <summary>An audit entry as it leaves the server, in files and in the REST API. There is no place for a key in it.</summary>
/// <param name="OwnerEmail">Of the owner of the thing; empty when there is none any more.</param>
internal sealed record ActivityRecord(AuditEntry Entry, string OwnerEmail)
{
    /// <summary>The fields that changed, each with what was there before and after; an empty object when no value is told.</summary>
    public JsonElement ObjectChanges { get; } = Parse(Entry.Changes);

    /// <summary>The names of the fields that changed.</summary>
    public IEnumerable<string> ChangeSummary => ObjectChanges.EnumerateObject().Select(change => change.Name);

    // Who edited the database may have written anything; what cannot be read is told by audit verify.
    private static JsonElement Parse(string changes)
    {
        if (changes.Length > 0)
        {
            try
            {
                using var document = JsonDocument.Parse(changes);
                if (document.RootElement.ValueKind is JsonValueKind.Object)
                {
                    return document.RootElement.Clone();
                }
            }
            catch (JsonException)
            {
            }
        }

        using var none = JsonDocument.Parse("{}");
        return none.RootElement.Clone();
    }
}
