using System.Globalization;

namespace ReSciCredentials.Credentials;

/// <summary>The days that a team sets for a credential. ReSci tells none.</summary>
/// <param name="ExpiresOn">The last day on which the key is good.</param>
/// <param name="ReviewOn">The day by which somebody should look whether the credential is still needed.</param>
public sealed record CredentialDates(DateOnly? ExpiresOn, DateOnly? ReviewOn)
{
    /// <summary>The names of the days that are other ones here, for the audit log.</summary>
    public IEnumerable<string> NamesOfDifferences(CredentialDates other) =>
    [
        .. ExpiresOn != other.ExpiresOn ? ["expires_on"] : Array.Empty<string>(),
        .. ReviewOn != other.ReviewOn ? ["review_on"] : Array.Empty<string>(),
    ];
}

/// <summary>Days as an input of type date gives them: <c>2026-12-31</c>, or empty.</summary>
public sealed record TypedDates(string? ExpiresOn, string? ReviewOn)
{
    /// <summary>The name of the field, in forms and in messages.</summary>
    public const string ExpiresOnField = "expiresOn";

    /// <inheritdoc cref="ExpiresOnField"/>
    public const string ReviewOnField = "reviewOn";

    private const string Format = "yyyy-MM-dd";

    /// <summary>Checks both days.</summary>
    /// <param name="stored">What is there already may stay though its day is over.</param>
    /// <param name="dates">What was typed; null where it is at fault.</param>
    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check(CredentialDates stored, DateOnly today, out CredentialDates dates)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        dates = new CredentialDates(
            Read(ExpiresOnField, ExpiresOn, stored.ExpiresOn),
            Read(ReviewOnField, ReviewOn, stored.ReviewOn));
        return errors;

        DateOnly? Read(string field, string? typed, DateOnly? before)
        {
            if (string.IsNullOrWhiteSpace(typed))
            {
                return null;
            }

            if (!DateOnly.TryParseExact(typed.Trim(), Format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            {
                errors[field] = "Enter a whole day, such as 2026-12-31, or leave it empty.";
                return null;
            }

            // Somewhere it is still yesterday.
            if (day != before && day < today.AddDays(-1))
            {
                errors[field] = "That day is over. Choose a later one, or leave it empty.";
                return null;
            }

            return day;
        }
    }

    /// <summary>A day as an input of type date takes it.</summary>
    public static string? Write(DateOnly? day) => day?.ToString(Format, CultureInfo.InvariantCulture);
}

/// <summary>What came of changing the days of a credential.</summary>
internal abstract record DatesOutcome
{
    /// <summary>They are stored, or were so already.</summary>
    public sealed record Saved(CredentialDates Dates) : DatesOutcome;

    /// <summary>Somebody else set others in the meantime; nothing was changed.</summary>
    public sealed record Conflict(CredentialDates Stored) : DatesOutcome;

    /// <param name="Errors">What to do, by field.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : DatesOutcome;

    /// <summary>The person's role does not allow it. Nothing was changed.</summary>
    public sealed record Forbidden : DatesOutcome;

    /// <summary>There is no such credential that the person may see.</summary>
    public sealed record NotFound : DatesOutcome;
}
