using System.Globalization;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>What the calls of programs in one hour added up to.</summary>
public sealed record UsageHour(DateTimeOffset Hour, long Calls, long Errors, long BytesIn, long BytesOut);

/// <summary>Reads what programs did, hour by hour, with a credential, a source or destination, or a token.</summary>
internal static class UsageHours
{
    public const int Shown = 24;

    /// <summary>The last 24, the oldest first; those without calls too.</summary>
    /// <param name="hours">Those of the credential, source, destination or token in question.</param>
    public static async Task<IReadOnlyList<UsageHour>> ReadAsync(IQueryable<BrokerHour> hours, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var first = BeginningOf(now).AddHours(1 - Shown);
        var sums = await hours
            .Where(hour => hour.Hour >= first)
            .GroupBy(hour => hour.Hour)
            .Select(hour => new UsageHour(hour.Key, hour.Sum(h => h.Calls), hour.Sum(h => h.Errors), hour.Sum(h => h.BytesIn), hour.Sum(h => h.BytesOut)))
            .ToDictionaryAsync(hour => hour.Hour, cancellationToken);
        return
        [
            .. Enumerable.Range(0, Shown).Select(hour => first.AddHours(hour)).Select(hour => sums.GetValueOrDefault(hour) ?? new UsageHour(hour, 0, 0, 0, 0)),
        ];
    }

    /// <summary>The hour that a time is in.</summary>
    public static DateTimeOffset BeginningOf(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);

    /// <summary>How a number of calls is told.</summary>
    public static string Calls(long count) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {(count == 1 ? "call" : "calls")}");
}
