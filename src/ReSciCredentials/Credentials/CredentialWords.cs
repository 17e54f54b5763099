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

    /// <summary>How many sources and destinations use it, as a sentence.</summary>
    public static string ToUses(this CredentialTileView credential) => (credential.UsedBySources, credential.UsedByDestinations) switch
    {
        (0, 0) => "Not used yet",
        (var sources, 0) => $"Used by {Count(sources, "source")}",
        (0, var destinations) => $"Used by {Count(destinations, "destination")}",
        var (sources, destinations) => $"Used by {Count(sources, "source")} and {Count(destinations, "destination")}",
    };

    /// <summary>A day without a time, the same for everybody.</summary>
    public static string ToWords(this DateOnly day) => day.ToString("d MMM yyyy", CultureInfo.InvariantCulture);

    private static string Count(int number, string noun) => number == 1 ? $"1 {noun}" : $"{number} {noun}s";
}
