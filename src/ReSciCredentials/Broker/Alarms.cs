using System.Threading.Channels;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>
/// What somebody should hear of: a token in use that is revoked, expired, not ours or from a wrong place; a key that ReSci refused. Written to the log and the
/// audit log beside the call, and not more often than somebody could read it.
/// </summary>
internal sealed partial class Alarms(IDbContextFactory<StorageContext> contexts, AuditLog audit, TimeProvider time, ILogger<Alarms> logger)
    : BackgroundService
{
    /// <summary>The id of what is no token of ours, in the audit log.</summary>
    public const int NoToken = 0;

    private const int PerMinute = 1;
    private const int PerMinuteInAll = 30;

    private readonly Channel<Alarm> _alarms = Channel.CreateBounded<Alarm>(new BoundedChannelOptions(PerMinuteInAll) { FullMode = BoundedChannelFullMode.DropWrite });
    private RateLimit _all;

    /// <summary>A token that is known was refused.</summary>
    public void TokenRefused(TokenEntry token, TokenFault fault, Client client) =>
        Raise(ref token.State.Alarms, new Alarm(AuditEvents.TokenRefused, AccessTokens.ItemType, token.TokenId, WordOf(fault), client, fault));

    /// <summary>A token that is written as ours are, and is not.</summary>
    public void ForeignToken(ref RateLimit ofAddress, Client client) =>
        Raise(ref ofAddress, new Alarm(AuditEvents.TokenRefused, AccessTokens.ItemType, NoToken, "unknown", client));

    /// <summary>ReSci refused the real key: the credential is checked as soon as may be.</summary>
    public void KeyRefused(TokenEntry token, Client client) =>
        Raise(ref token.State.Alarms, new Alarm(AuditEvents.KeyRefused, AuditItems.Credential, token.CredentialId!.Value, "key", client));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var alarm in _alarms.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await KeepAsync(alarm, stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                LogNotKept(exception);
            }
        }
    }

    private static string WordOf(TokenFault fault) => fault switch
    {
        TokenFault.Revoked => "revoked",
        TokenFault.Expired => "expired",
        TokenFault.Address => "address",
    };

    private void Raise(ref RateLimit limit, Alarm alarm)
    {
        var now = time.GetUtcNow().UtcTicks;
        if (limit.TryTake(PerMinute, now, out _) && _all.TryTake(PerMinuteInAll, now, out _))
        {
            LogAlarm(alarm.Event, alarm.ItemType, alarm.ItemId, alarm.Why, alarm.Client.Address);
            _alarms.Writer.TryWrite(alarm);
        }
    }

    private async Task KeepAsync(Alarm alarm, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (alarm.Event == AuditEvents.KeyRefused
            && await storage.Credentials.SingleOrDefaultAsync(row => row.Id == alarm.ItemId && row.NextCheckAt > now, cancellationToken) is { } credential)
        {
            credential.NextCheckAt = now;
        }

        if (alarm.Fault is not null && await storage.AccessTokens.SingleOrDefaultAsync(row => row.Id == alarm.ItemId, cancellationToken) is { } token)
        {
            (token.RefusedAt, token.RefusedFor, token.RefusedFrom) = (now, alarm.Fault, alarm.Client.Address);
        }

        audit.Add(storage, alarm.Client.Broker(), alarm.Event, alarm.ItemType, alarm.ItemId, alarm.Why);
        try
        {
            await storage.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            // Somebody changed the credential or the token in the same moment; the next refusal tries again.
        }
    }

    [LoggerMessage(LogLevel.Warning, "Broker alarm {Event}: {ItemType} {ItemId} ({Why}), from {Address}")]
    private partial void LogAlarm(string @event, string itemType, int itemId, string why, string address);

    [LoggerMessage(LogLevel.Error, "An alarm could not be written to the audit log")]
    private partial void LogNotKept(Exception exception);

    /// <param name="Why">One word for the audit log.</param>
    /// <param name="Fault">Of a token of ours; null for anything else.</param>
    private sealed record Alarm(string Event, string ItemType, int ItemId, string Why, Client Client, TokenFault? Fault = null);
}
