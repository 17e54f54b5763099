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
    public static string ToNoun(this FlowKind kind) => kind switch
    {
        FlowKind.Source => "source",
        FlowKind.Destination => "destination",
    };

    /// <summary>Where the page of a source or destination lies.</summary>
    public static string ToPath(this CredentialUse use) =>
        string.Create(CultureInfo.InvariantCulture, $"/{use.Kind.ToNoun()}s/{use.Id}");

    /// <summary>A length of time in whole units, for the middle of a sentence: <c>24 hours</c>.</summary>
    public static string InWords(this TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => Count(time.TotalDays, "day"),
        { TotalHours: >= 2 } => Count(time.TotalHours, "hour"),
        _ => Count(time.TotalMinutes, "minute"),
    };

    private static string Count(double number, string unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{Math.Round(number)} {unit}{(Math.Round(number) == 1 ? "" : "s")}");
}
