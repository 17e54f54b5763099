using Microsoft.Extensions.Options;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Announcements;

/// <summary>Puts announcements on their way, as part of the change they tell of: when the change is not made, nothing is told.</summary>
internal sealed class Outbox(IOptions<AnnouncementsOptions> options, TimeProvider time)
{
    /// <summary>Whether there is anybody to tell.</summary>
    public bool IsOpen => options.Value.Channels.Any();

    /// <summary>Adds one announcement for each channel that is set up; the caller saves them together with the change.</summary>
    /// <param name="detail">What happened, in a sentence or two; never a value.</param>
    /// <param name="day">The day that is near, when it is about one.</param>
    public void Add(
        StorageContext storage, AnnouncementKind kind, int credentialId, string credentialName, string ownerName, string detail, DateOnly? day = null)
    {
        var now = time.GetUtcNow();
        storage.Announcements.AddRange(options.Value.Channels.Select(channel => new Announcement
        {
            Uid = Guid.NewGuid(),
            Channel = channel,
            Kind = kind,
            CredentialId = credentialId,
            CredentialName = credentialName,
            OwnerName = ownerName,
            Detail = detail,
            Day = day,
            At = now,
            NextAttemptAt = now,
        }));
    }
}
