using System.Globalization;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Announcements;

/// <summary>How announcements are named and worded outside.</summary>
internal static class AnnouncementWords
{
    /// <summary>The name of the event in a webhook. Never changes.</summary>
    public static string EventOf(AnnouncementKind kind) => kind switch
    {
        AnnouncementKind.Failed => "credential.failed",
        AnnouncementKind.ExpiresSoon => "credential.expires_soon",
        AnnouncementKind.ReviewDue => "credential.review_due",
    };

    /// <summary>One line that says what it is about.</summary>
    public static string TitleOf(Announcement announcement) => announcement.Kind switch
    {
        AnnouncementKind.Failed => $"ReSci refuses the key of “{announcement.CredentialName}”",
        AnnouncementKind.ExpiresSoon => $"The key of “{announcement.CredentialName}” expires on {InWords(announcement.Day)}",
        AnnouncementKind.ReviewDue => $"“{announcement.CredentialName}” is to be reviewed by {InWords(announcement.Day)}",
    };

    /// <summary>Where the credential is looked at.</summary>
    /// <param name="origin">Where people reach this server.</param>
    public static Uri AddressOf(Announcement announcement, Uri origin) =>
        new(origin, string.Create(CultureInfo.InvariantCulture, $"/credentials/{announcement.CredentialId}"));

    public static string InWords(DateOnly? day) => day?.ToString("d MMM yyyy", CultureInfo.InvariantCulture) ?? "";
}
