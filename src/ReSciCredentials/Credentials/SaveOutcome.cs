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
