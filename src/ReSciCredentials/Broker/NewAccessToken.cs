using System.Globalization;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>What a person filled in to make an access token. The texts are as typed; empty means no limit.</summary>
/// <param name="ExpiresOn">The last day on which it works, by UTC, as <c>2027-01-31</c>.</param>
/// <param name="NoWelcomeMails">It writes no user that ReSci could send a welcome mail to.</param>
/// <param name="OperationId">The same for every attempt to save the same form: sent twice, it makes one.</param>
internal sealed record NewAccessToken(
    FlowKind Kind,
    int FlowId,
    string? Name,
    string? ExpiresOn,
    string? ImportTypes,
    string? Streams,
    string? Addresses,
    string? RequestsPerMinute,
    Guid OperationId,
    bool NoWelcomeMails = false)
{
    private const int MostRequests = 1_000_000;

    /// <summary>When it ends; null for never. Only after <see cref="Check"/> found nothing.</summary>
    public DateTimeOffset? ExpiresAt => DayOf(ExpiresOn) is { } day ? new DateTimeOffset(day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero) : null;

    /// <summary>As for <see cref="ExpiresAt"/>.</summary>
    public int? Rate => string.IsNullOrWhiteSpace(RequestsPerMinute) ? null : RateOf(RequestsPerMinute);

    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check(DateTimeOffset now)
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        Note("name", TextRules.CheckName(Name, AccessToken.NameLength));
        Note("expires", string.IsNullOrWhiteSpace(ExpiresOn) || ExpiresAt > now ? null : "Choose a day from today on, or none.");
        Note("addresses", TokenLimits.CheckAddresses(Addresses));
        Note("rate", string.IsNullOrWhiteSpace(RequestsPerMinute) || Rate is not null ? null : $"Enter a number from 1 to {MostRequests}, or nothing.");
        if (Kind is FlowKind.Destination)
        {
            Note("importTypes", TokenLimits.CheckNames(ImportTypes, "import type"));
            Note("streams", TokenLimits.CheckNames(Streams, "stream"));
        }
        else if (NoWelcomeMails)
        {
            errors["noWelcomeMails"] = "Welcome mails follow what is written; a source only reads.";
        }
        else if (TokenLimits.Clean(ImportTypes) is not null || TokenLimits.Clean(Streams) is not null)
        {
            errors["importTypes"] = "Import types and streams limit what is written; a source only reads.";
        }

        return errors;

        void Note(string field, string? fault)
        {
            if (fault is not null)
            {
                errors[field] = fault;
            }
        }
    }

    private static DateOnly? DayOf(string? text) =>
        DateOnly.TryParseExact(text?.Trim(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day < DateOnly.MaxValue ? day : null;

    private static int? RateOf(string text) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var rate) && rate is > 0 and <= MostRequests ? rate : null;
}

/// <summary>What came of making, rotating or revoking an access token.</summary>
internal abstract record TokenOutcome
{
    /// <summary>The one time that the token itself is there.</summary>
    public sealed record Made(int Id, FlowKind Kind, string Name, string Token) : TokenOutcome
    {
        // Somebody will print this one day.
        public override string ToString() => nameof(Made);
    }

    /// <summary>An earlier attempt of the same operation made it; it cannot be shown again.</summary>
    public sealed record MadeBefore(int Id, string Name) : TokenOutcome;

    public sealed record Revoked : TokenOutcome;

    /// <param name="Errors">What to do, by field: name, expires, importTypes, streams, addresses, rate, noWelcomeMails, or empty for the whole.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : TokenOutcome;

    /// <summary>The person's role with the source or destination does not allow it; nothing was changed.</summary>
    public sealed record Forbidden : TokenOutcome;

    /// <summary>There is none that the person may see.</summary>
    public sealed record NotFound : TokenOutcome;
}

/// <summary>Whether a token works, and if not, why.</summary>
public enum AccessTokenState
{
    Active,
    Expired,
    Revoked,
}

/// <summary>An access token as pages show it. The token itself is nowhere.</summary>
/// <param name="Beginning">How the token begins.</param>
/// <param name="ReplacedById">The token that took its place.</param>
/// <param name="CallsToday">Those of the last 24 hours.</param>
/// <param name="Refusal">The last time that it was refused for what it is; null when it never was.</param>
public sealed record AccessTokenView(
    int Id,
    string Name,
    string Beginning,
    AccessTokenState State,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt,
    int? ReplacedById,
    string? ImportTypes,
    string? Streams,
    string? Addresses,
    int? RequestsPerMinute,
    long CallsToday,
    TokenRefusal? Refusal = null,
    bool NoWelcomeMails = false);

/// <summary>A token was used that should not be in use.</summary>
/// <param name="From">The network address that the call came from.</param>
public sealed record TokenRefusal(DateTimeOffset At, TokenFault Fault, string From)
{
    /// <summary>After this time without another one it is history, and no alarm any more.</summary>
    public static readonly TimeSpan Alarming = TimeSpan.FromDays(1);

    public bool IsAlarming(DateTimeOffset now) => At >= now - Alarming;

    /// <summary>The beginning of a sentence that ends with when and from where.</summary>
    public string Words => Fault switch
    {
        TokenFault.Revoked => "Something still uses it although it is revoked; it was last refused",
        TokenFault.Expired => "Something still uses it although it has expired; it was last refused",
        TokenFault.Address => "Somebody used it from an address that is not allowed; it was last refused",
    };
}

/// <summary>A token that was refused lately, with where it belongs.</summary>
public sealed record RefusedToken(int Id, string Name, string Beginning, FlowKind Kind, int FlowId, string FlowName, TokenRefusal Refusal);

/// <summary>Somebody came with a token that is written as ours are, and is not.</summary>
/// <param name="From">The network address that the call came from.</param>
public sealed record ForeignToken(DateTimeOffset At, string From);
