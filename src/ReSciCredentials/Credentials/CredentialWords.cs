using System.Globalization;
using ReSciCredentials.Components.Shared;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

internal static class CredentialWords
{
    public static BadgeStatus ToBadge(this VerifiedStatus status) => status switch
    {
        VerifiedStatus.Verified => BadgeStatus.Verified,
        VerifiedStatus.Failed => BadgeStatus.Failed,
        VerifiedStatus.Unverified => BadgeStatus.Unverified,
    };

    /// <summary><c>source</c> or <c>destination</c>, as in the audit log and in the middle of a sentence.</summary>
    public static BadgeStatus ToBadge(this FlowStatus status) => status switch
    {
        FlowStatus.Active => BadgeStatus.Active,
        FlowStatus.Paused => BadgeStatus.Paused,
        FlowStatus.Init => BadgeStatus.Init,
    };

    public static string ToNoun(this FlowKind kind) => kind switch
    {
        FlowKind.Source => "source",
        FlowKind.Destination => "destination",
    };

    /// <summary>A length of time in whole units, for the middle of a sentence: <c>24 hours</c>.</summary>
    public static string InWords(this TimeSpan time) => time switch
    {
        { TotalDays: >= 2 and var days } => Count((int)Math.Round(days), "day"),
        { TotalHours: >= 2 and var hours } => Count((int)Math.Round(hours), "hour"),
        { TotalMinutes: var minutes } => Count((int)Math.Round(minutes), "minute"),
    };

    /// <summary>How many sources and destinations use it, as a sentence.</summary>
    public static string ToUses(this CredentialTileView credential) => (credential.UsedBySources, credential.UsedByDestinations) switch
    {
        (0, 0) => "Not used yet",
        (var sources, 0) => $"Used by {Count(sources, "source")}",
        (0, var destinations) => $"Used by {Count(destinations, "destination")}",
        var (sources, destinations) => $"Used by {Count(sources, "source")} and {Count(destinations, "destination")}",
    };

    /// <summary>How many access tokens work with it, e.g. <c>2 access tokens</c>.</summary>
    public static string ToTokens(this CredentialUse use) => use.Tokens == 0 ? "no access token" : Count(use.Tokens, "access token");

    /// <summary>A day without a time, the same for everybody.</summary>
    public static string ToWords(this DateOnly day) => day.ToString("d MMM yyyy", CultureInfo.InvariantCulture);

    /// <summary>Why somebody should look at a credential, a sentence or two each.</summary>
    /// <param name="nearUntil">The last day that is near.</param>
    public static IEnumerable<string> ReasonsForAttention(this CredentialTileView credential, DateOnly nearUntil)
    {
        if (credential.VerifiedStatus is not VerifiedStatus.Verified)
        {
            yield return credential.LastCheck ?? "ReSci was not asked about this key yet.";
        }
        else if (credential.DoubtedAt is not null)
        {
            yield return "ReSci refused this key once. It was good before, so it is asked again before that counts; test it to know at once.";
        }

        if (credential.ExpiresOn is { } expires && expires <= nearUntil)
        {
            yield return $"The key expires on {expires.ToWords()}. Get a new one from ReSci in time.";
        }

        if (credential.ReviewOn is { } review && review <= nearUntil)
        {
            yield return $"To be reviewed by {review.ToWords()}: is it still needed?";
        }
    }

    internal static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";
}
