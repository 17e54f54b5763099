using ReSciCredentials.Api;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>A field of a credential that is edited in place.</summary>
internal enum CredentialField
{
    Name,
    Description,
}

/// <summary>What came of an edit in place.</summary>
public abstract record EditOutcome
{
    /// <summary>It is saved, or was so already.</summary>
    /// <param name="Text">As it is kept: trimmed.</param>
    public sealed record Done(string? Text) : EditOutcome;

    /// <summary>Nothing was changed.</summary>
    /// <param name="Fault">What to do about it.</param>
    public sealed record Invalid(string Fault) : EditOutcome;

    /// <summary>Somebody else changed this field since the person began. Nothing was changed.</summary>
    /// <param name="Present">What it says now.</param>
    public sealed record ChangedMeanwhile(string? Present) : EditOutcome;

    /// <summary>The person's role does not allow it. Nothing was changed.</summary>
    public sealed record Forbidden : EditOutcome;

    /// <summary>There is none that the person may see.</summary>
    public sealed record NotFound : EditOutcome;
}

/// <summary>What a program sent to change: each field of its own.</summary>
/// <param name="Name">Null leaves it as it is.</param>
/// <param name="Description">Clears it when null was sent.</param>
/// <param name="Tags">Replaces all that there are; null leaves them.</param>
internal sealed record CredentialChange(string? Name, SentText Description, IReadOnlyCollection<string?>? Tags = null)
{
    /// <summary>To be looked through for a key.</summary>
    public string? TagsText => TagRules.TextOf(Tags);

    public static CredentialChange None { get; } = new(null, default);

    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check()
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Name is not null && TextRules.CheckName(Name, Credential.NameLength) is { } name)
        {
            errors["name"] = name;
        }

        if (TextRules.CheckDescription(Description.Text, Credential.DescriptionLength) is { } description)
        {
            errors["description"] = description;
        }

        if (TagRules.Check(Tags) is { } tags)
        {
            errors["tags"] = tags;
        }

        return errors;
    }

    /// <summary>Only after <see cref="Check"/> found nothing.</summary>
    /// <returns>The fields that are other ones now.</returns>
    public IReadOnlyCollection<AuditChange> ApplyTo(Credential credential)
    {
        var changed = new List<AuditChange>();
        if (TextRules.OrNull(Name) is { } name && name != credential.Name)
        {
            changed.Add(AuditChange.Of(AuditField.Name, credential.Name, name));
            credential.Name = name;
        }

        if (Description.IsSent && TextRules.OrNull(Description.Text) is var description && description != credential.Description)
        {
            changed.Add(AuditChange.Of(AuditField.Description, credential.Description, description));
            credential.Description = description;
        }

        if (Tags is not null && TagRules.Clean(Tags) is var tags && !tags.SequenceEqual(credential.Tags))
        {
            changed.Add(AuditChange.Of(AuditField.Tags, credential.Tags, tags));
            credential.Tags = tags;
        }

        return changed;
    }
}

/// <summary>What came of a program's change.</summary>
internal abstract record ChangeOutcome
{
    /// <summary>It is so now, or was so already.</summary>
    public sealed record Done : ChangeOutcome;

    /// <param name="Errors">What to do, by field: name, description, tags. Nothing was changed.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : ChangeOutcome;

    /// <summary>Somebody else changed it since the program looked. Nothing was changed now.</summary>
    public sealed record ChangedMeanwhile : ChangeOutcome;

    /// <summary>The person's role does not allow it. Nothing was changed.</summary>
    public sealed record Forbidden : ChangeOutcome;

    /// <summary>There is none that the person may see.</summary>
    public sealed record NotFound : ChangeOutcome;
}

/// <summary>What came of a deletion.</summary>
internal abstract record DeleteOutcome
{
    public sealed record Done : DeleteOutcome;

    /// <summary>Sources or destinations use it. Nothing was changed.</summary>
    public sealed record InUse : DeleteOutcome;

    /// <summary>The person's role does not allow it. Nothing was changed.</summary>
    public sealed record Forbidden : DeleteOutcome;

    /// <summary>There is none that the person may see.</summary>
    public sealed record NotFound : DeleteOutcome;
}

/// <summary>A credential that is deleted, but not wiped yet.</summary>
internal sealed record DeletedCredential(int Id, string Name, DateTimeOffset At);
