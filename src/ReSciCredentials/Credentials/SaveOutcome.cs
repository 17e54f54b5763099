using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>What came of Save or Test in the overlay. None of them carries the key.</summary>
internal abstract record SaveOutcome
{
    /// <summary>The credential is stored, now or by an earlier attempt of the same operation.</summary>
    public sealed record Saved(int Id) : SaveOutcome;

    /// <summary>Test only: ReSci accepted the key; nothing was saved.</summary>
    public sealed record Accepted(Verdict Verdict) : SaveOutcome;

    /// <summary>ReSci refused the key; nothing was saved.</summary>
    public sealed record Refused(Verdict Verdict) : SaveOutcome;

    /// <summary>ReSci could not be asked; nothing was saved.</summary>
    public sealed record CannotTell(Verdict Verdict) : SaveOutcome;

    /// <summary>A credential with the same name or key is there; nothing was saved yet.</summary>
    public sealed record Same(string Text) : SaveOutcome;

    /// <param name="Errors">What to do, by field: name, description, key.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : SaveOutcome;
}

/// <summary>What saving a credential would meet. There is no place for a key in it.</summary>
/// <param name="Errors">What to do, by field. When there are any, nothing else is known.</param>
/// <param name="SavedAs">The credential that the same operation made before.</param>
/// <param name="Same">One like it that the person may see.</param>
internal sealed record SaveOutlook(
    IReadOnlyDictionary<string, string> Errors, string? Fingerprint = null, string? LastFour = null, int? SavedAs = null, SameCredential? Same = null);

/// <summary>A stored credential with the same name or key.</summary>
internal sealed record SameCredential(string Name, bool HasName, bool HasKey)
{
    /// <summary>As a sentence.</summary>
    public string Text => (HasName, HasKey) switch
    {
        (true, true) => $"You already have a credential “{Name}” with this same key.",
        (_, true) => $"This key is stored already, as “{Name}”.",
        _ => $"You already have a credential named “{Name}”, with another key.",
    };
}
