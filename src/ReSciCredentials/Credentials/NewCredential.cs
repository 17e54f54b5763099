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

    /// <summary>Save it also when ReSci could not be asked. A program reads why in the answer; there is nobody to ask.</summary>
    public bool EvenIfUnclear { get; init; }

    /// <summary>As <see cref="Credential.Type"/>.</summary>
    public string Type { get; init; } = Credential.UsualType;

    /// <summary>As they were sent; kept as <see cref="TagRules"/> has them.</summary>
    public IReadOnlyCollection<string?> Tags { get; init; } = [];

    /// <summary>As <see cref="Credential.CopiedFromId"/>.</summary>
    public int? CopiedFromId { get; init; }

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

        if (TagRules.Check(Tags) is { } tags)
        {
            errors["tags"] = tags;
        }

        key = PastedKey.Clean(Key, out var fault);
        if (PastedKey.Explain(fault) is { } message)
        {
            errors["key"] = message;
        }

        if (key is not null)
        {
            NoteKeyIn(errors, key, ("name", Name), ("description", Description), ("tags", TagRules.TextOf(Tags)));
        }

        return errors;
    }

    /// <summary>Finds the key in texts that are shown: pasted into the wrong field as well, it would be on every screen.</summary>
    internal static void NoteKeyIn(IDictionary<string, string> errors, Secret key, params ReadOnlySpan<(string Field, string? Text)> texts)
    {
        if (key.Length < TellingLength)
        {
            return;
        }

        foreach (var (field, text) in texts)
        {
            if (key.IsIn(text))
            {
                errors[field] = field is "tags"
                    ? "A tag contains the API key, and tags are shown to others. Remove it here."
                    : $"The {field} contains the API key, and a {field} is shown to others. Remove it here.";
            }
        }
    }

    // Somebody will print this one day.
    public override string ToString() => nameof(NewCredential);
}
