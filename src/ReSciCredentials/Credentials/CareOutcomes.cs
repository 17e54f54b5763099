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
