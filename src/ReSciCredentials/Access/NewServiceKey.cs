using System.Globalization;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>What a person filled in to make a service key. The texts are as typed.</summary>
/// <param name="ExpiresOn">The last day on which it works, by UTC, as <c>2027-01-31</c>; empty: until it is revoked.</param>
/// <param name="Scope">The name of a <see cref="ServiceKeyScope"/>.</param>
/// <param name="OperationId">The same for every attempt to save the same form: sent twice, it makes one.</param>
internal sealed record NewServiceKey(string? Name, string? ExpiresOn, string? Scope, Guid OperationId)
{
    /// <summary>When it ends; null for never. Only after <see cref="Check"/> found nothing, as for <see cref="ScopeOrNull"/>.</summary>
    public DateTimeOffset? ExpiresAt =>
        DateOnly.TryParseExact(ExpiresOn?.Trim(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day < DateOnly.MaxValue
            ? new DateTimeOffset(day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero)
            : null;

    public ServiceKeyScope? ScopeOrNull => Scope?.Trim().ToUpperInvariant() switch
    {
        "READ" => ServiceKeyScope.Read,
        "WRITE" => ServiceKeyScope.Write,
        "ADMIN" => ServiceKeyScope.Admin,
        _ => null,
    };

    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check(DateTimeOffset now)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        Note("name", TextRules.CheckName(Name, ServiceKey.NameLength));
        Note("expires", string.IsNullOrWhiteSpace(ExpiresOn) || ExpiresAt > now ? null : "Choose a day from today on, such as 2027-01-31, or none.");
        Note("scope", ScopeOrNull is not null ? null : "Choose read, write or admin.");
        return errors;

        void Note(string field, string? fault)
        {
            if (fault is not null)
            {
                errors[field] = fault;
            }
        }
    }
}

/// <summary>What came of making, rotating or revoking a service key.</summary>
internal abstract record ServiceKeyOutcome
{
    /// <summary>The one time that the key itself is there.</summary>
    public sealed record Made(int Id, string Name, string Key) : ServiceKeyOutcome
    {
        // Somebody will print this one day.
        public override string ToString() => nameof(Made);
    }

    /// <summary>An earlier attempt of the same operation made it; it cannot be shown again.</summary>
    public sealed record MadeBefore(int Id, string Name) : ServiceKeyOutcome;

    public sealed record Revoked : ServiceKeyOutcome;

    /// <param name="Errors">What to do, by field: name, expires, scope, or empty for the whole.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : ServiceKeyOutcome;

    public sealed record NotFound : ServiceKeyOutcome;
}

/// <summary>Whether a service key works, and if not, why.</summary>
public enum ServiceKeyState
{
    Active,
    Expired,
    Revoked,
}

/// <summary>A service key as pages show it. The key itself is nowhere.</summary>
/// <param name="Beginning">How the key begins.</param>
/// <param name="ReplacedById">The key that took its place.</param>
public sealed record ServiceKeyView(
    int Id,
    string Name,
    ServiceKeyScope Scope,
    string Beginning,
    ServiceKeyState State,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt,
    int? ReplacedById);
