using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Announcements;

/// <summary>What came of one attempt to deliver.</summary>
internal enum DeliveryOutcome
{
    Delivered,

    /// <summary>Not now: it is tried again.</summary>
    Failed,

    /// <summary>Never: the receiver says that it is gone.</summary>
    Unwanted,
}

/// <param name="Found">What the receiver answered, for the log; nothing secret.</param>
internal sealed record DeliveryResult(DeliveryOutcome Outcome, string Found);

/// <summary>Delivers by one channel.</summary>
internal interface IAnnouncementSender
{
    AnnouncementChannel Channel { get; }

    /// <summary>Tries once. What can go wrong with a receiver comes back as a result.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    Task<DeliveryResult> SendAsync(Announcement announcement, CancellationToken cancellationToken);
}

/// <summary>
/// Delivers what lies in the outbox, the oldest first, each channel by itself: a receiver that is down holds up nobody else. What fails is tried
/// again with growing pauses and in the end given up. Delivered at least once: after a crash amid an attempt it goes out again under the same id.
/// </summary>
internal sealed partial class Delivery(
    IDbContextFactory<StorageContext> contexts,
    IEnumerable<IAnnouncementSender> senders,
    IOptions<AnnouncementsOptions> options,
    ServerSeal seal,
    TimeProvider time,
    ILogger<Delivery> logger) : BackgroundService
{
    private const int AtOnce = 20;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>The pauses after each failure; when they are used up, two and a half days on, the announcement is given up.</summary>
    private static readonly TimeSpan[] Pauses =
    [
        TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(30), TimeSpan.FromHours(2),
        TimeSpan.FromHours(5), TimeSpan.FromHours(10), TimeSpan.FromHours(20), TimeSpan.FromHours(24),
    ];

    /// <summary>Tries everything that is due on one channel now.</summary>
    public async Task DeliverDueAsync(IAnnouncementSender sender, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var due = await storage.Announcements
            .Where(row => row.Channel == sender.Channel && row.NextAttemptAt <= now)
            .OrderBy(row => row.NextAttemptAt)
            .Take(AtOnce)
            .ToListAsync(cancellationToken);
        foreach (var announcement in due)
        {
            var result = await sender.SendAsync(announcement, cancellationToken);
            Settle(storage, announcement, result);
            // After each: a crash repeats one delivery at most.
            await storage.SaveChangesAsync(cancellationToken);
        }
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var channels = options.Value.Channels.ToArray();
        return Task.WhenAll(senders.Where(sender => channels.Contains(sender.Channel)).Select(sender => RunAsync(sender, stoppingToken)));
    }

    private async Task RunAsync(IAnnouncementSender sender, CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (seal.Reason is null)
                {
                    await DeliverDueAsync(sender, stoppingToken);
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogRoundFailed(exception, sender.Channel);
            }
        }
    }

    private void Settle(StorageContext storage, Announcement announcement, DeliveryResult result)
    {
        switch (result.Outcome)
        {
            case DeliveryOutcome.Delivered:
                storage.Announcements.Remove(announcement);
                LogDelivered(announcement.Kind, announcement.CredentialId, announcement.Channel);
                break;
            case DeliveryOutcome.Failed when announcement.Attempts < Pauses.Length:
                announcement.NextAttemptAt = time.GetUtcNow() + Pauses[announcement.Attempts];
                announcement.Attempts++;
                LogFailed(announcement.Kind, announcement.CredentialId, announcement.Channel, result.Found, announcement.NextAttemptAt);
                break;
            case DeliveryOutcome.Failed:
            case DeliveryOutcome.Unwanted:
                storage.Announcements.Remove(announcement);
                LogGivenUp(announcement.Kind, announcement.CredentialId, announcement.Channel, result.Found);
                break;
        }
    }

    [LoggerMessage(LogLevel.Information, "Announced {Kind} of credential {Credential} by {Channel}")]
    private partial void LogDelivered(AnnouncementKind kind, int credential, AnnouncementChannel channel);

    [LoggerMessage(LogLevel.Warning, "Announcing {Kind} of credential {Credential} by {Channel} failed ({Found}); it is tried again at {NextAttempt:u}")]
    private partial void LogFailed(AnnouncementKind kind, int credential, AnnouncementChannel channel, string found, DateTimeOffset nextAttempt);

    [LoggerMessage(LogLevel.Error, "Announcing {Kind} of credential {Credential} by {Channel} failed ({Found}) and was given up")]
    private partial void LogGivenUp(AnnouncementKind kind, int credential, AnnouncementChannel channel, string found);

    [LoggerMessage(LogLevel.Error, "Looking for announcements to deliver by {Channel} failed; it is tried again")]
    private partial void LogRoundFailed(Exception exception, AnnouncementChannel channel);
}
