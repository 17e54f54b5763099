using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>What a person typed into the overlay.</summary>
/// <param name="OperationId">The same for every attempt to save the same overlay: sent twice, it makes one credential.</param>
/// <param name="Unverified">Save without asking ReSci; the person saw why it could not tell.</param>
/// <param name="Same">Save although a credential with this name or key is there; the person was told.</param>
internal sealed record NewCredential(string? Name, string? Description, string? Key, Guid OperationId, bool Unverified, bool Same)
{
    /// <summary>In characters: a shorter key may be part of a word by chance.</summary>
    private const int TellingLength = 8;

    /// <summary>The optional days.</summary>
    public TypedDates Dates { get; init; } = new(null, null);

    /// <summary>Cleans the key and checks every field. The caller disposes the key.</summary>
    /// <param name="today">A day that is over cannot be chosen.</param>
    /// <param name="key">Null when the key is at fault.</param>
    /// <param name="dates">What was typed of days, as far as it is well.</param>
    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check(DateOnly today, out Secret? key, out CredentialDates dates)
    {
        var errors = Dates.Check(new CredentialDates(null, null), today, out dates);
        if (TextRules.CheckName(Name, Credential.NameLength) is { } name)
        {
            errors["name"] = name;
        }

        if (TextRules.CheckDescription(Description, Credential.DescriptionLength) is { } description)
        {
            errors["description"] = description;
        }

        key = PastedKey.Clean(Key, out var fault);
        if (PastedKey.Explain(fault) is { } message)
        {
            errors["key"] = message;
        }

        if (key is { Length: >= TellingLength })
        {
            // Pasted into the wrong field as well: it would be shown on every screen.
            foreach (var (field, text) in new[] { ("name", Name), ("description", Description) })
            {
                if (key.IsIn(text))
                {
                    errors[field] = $"The {field} contains the API key, and a {field} is shown to others. Remove it here.";
                }
            }
        }

        return errors;
    }

    // Somebody will print this one day.
    public override string ToString() => nameof(NewCredential);
}
