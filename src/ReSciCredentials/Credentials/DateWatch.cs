using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Announcements;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>Announces, once each, that the expiry or the review of a credential is near. A day that was moved is announced anew.</summary>
internal sealed partial class DateWatch(
    IDbContextFactory<StorageContext> contexts,
    Outbox outbox,
    ServerSeal seal,
    IOptions<AnnouncementsOptions> options,
    TimeProvider time,
    ILogger<DateWatch> logger) : BackgroundService
{
    private const int AtOnce = 100;

    private static readonly TimeSpan FirstLookAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(15);

    /// <summary>Announces what is near now.</summary>
    /// <returns>How many days were announced.</returns>
    public async Task<int> AnnounceNearAsync(CancellationToken cancellationToken) =>
        await AnnounceNearAsync(AnnouncementKind.ExpiresSoon, cancellationToken) + await AnnounceNearAsync(AnnouncementKind.ReviewDue, cancellationToken);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!outbox.IsOpen)
        {
            return;
        }

        using var timer = new PeriodicTimer(FirstLookAfter, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            timer.Period = Interval;
            try
            {
                if (seal.Reason is null)
                {
                    await AnnounceNearAsync(stoppingToken);
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogLookFailed(exception);
            }
        }
    }

    private async Task<int> AnnounceNearAsync(AnnouncementKind kind, CancellationToken cancellationToken)
    {
        var announced = 0;
        int round;
        do
        {
            round = await AnnounceSomeAsync(kind, cancellationToken);
            announced += round;
        }
        while (round == AtOnce);

        return announced;
    }

    private async Task<int> AnnounceSomeAsync(AnnouncementKind kind, CancellationToken cancellationToken)
    {
        var near = options.Value.NearUntil(time.GetUtcNow());
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var due = await
            (from credential in storage.Credentials
             let day = kind == AnnouncementKind.ExpiresSoon ? credential.ExpiresOn : credential.ReviewOn
             where day <= near && !storage.AnnouncedDays.Any(told => told.CredentialId == credential.Id && told.Kind == kind && told.Day == day)
             orderby credential.Id
             select new { credential.Id, credential.Name, OwnerName = credential.Owner!.Name, Day = day!.Value })
            .Take(AtOnce)
            .ToListAsync(cancellationToken);
        foreach (var credential in due)
        {
            if (await storage.AnnouncedDays.FindAsync([credential.Id, kind], cancellationToken) is { } earlier)
            {
                earlier.Day = credential.Day;
            }
            else
            {
                storage.AnnouncedDays.Add(new AnnouncedDay { CredentialId = credential.Id, Kind = kind, Day = credential.Day });
            }

            outbox.Add(storage, kind, credential.Id, credential.Name, credential.OwnerName, DetailOf(kind), credential.Day);
        }

        await storage.SaveChangesAsync(cancellationToken);
        return due.Count;
    }

    private static string DetailOf(AnnouncementKind kind) => kind is AnnouncementKind.ExpiresSoon
        ? "Get a new key from ReSci and replace it in time: sources and destinations that use the credential stop working when the key does."
        : "Look whether it is still needed and whether the right people use it, then set the next day.";

    [LoggerMessage(LogLevel.Error, "Looking for days that are near failed; it is tried again")]
    private partial void LogLookFailed(Exception exception);
}
