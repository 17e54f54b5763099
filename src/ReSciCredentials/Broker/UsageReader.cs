using System.Runtime.CompilerServices;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>One recorded call, as pages and exports show it.</summary>
/// <param name="Token">The token's name.</param>
/// <param name="Status">0 while it is under way.</param>
/// <param name="Code">The <c>X-Broker-Error</c> of an answer of our own.</param>
/// <param name="Duration">In milliseconds.</param>
public sealed record UsageCall(
    long Id,
    DateTimeOffset At,
    int TokenId,
    string Token,
    string Method,
    string? Endpoint,
    int Status,
    string? Code,
    long BytesIn,
    long BytesOut,
    int Duration);

/// <summary>The use of a source or destination, or of one of its tokens.</summary>
/// <param name="Hours">The last 24, the oldest first; those without calls too.</param>
/// <param name="Calls">The newest first.</param>
public sealed record UsageView(IReadOnlyList<UsageHour> Hours, IReadOnlyList<UsageCall> Calls, DateTimeOffset? LastUsedAt);

/// <summary>Reads what <see cref="Usage"/> recorded, for those who may see the source or destination.</summary>
internal sealed class UsageReader(IDbContextFactory<StorageContext> contexts, TimeProvider time)
{
    private const int CallsShown = 20;
    private const int PageLength = 1000;

    /// <summary>Null when there is no such source or destination that the person may see.</summary>
    /// <param name="token">One of its tokens; null for all.</param>
    public async Task<UsageView?> ReadAsync(Person person, int flow, int? token, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        if (!await storage.Flows.VisibleTo(person).AnyAsync(row => row.Id == flow, cancellationToken))
        {
            return null;
        }

        var hours = storage.BrokerHours.AsNoTracking().Where(hour => hour.FlowId == flow && (token == null || hour.TokenId == token));
        var lastUsed = await hours.MaxAsync(hour => (DateTimeOffset?)hour.LastAt, cancellationToken);
        var calls = await Calls(storage, flow, token, before: long.MaxValue).Take(CallsShown).ToListAsync(cancellationToken);
        return new UsageView(await UsageHours.ReadAsync(hours, time.GetUtcNow(), cancellationToken), calls, lastUsed);
    }

    /// <summary>Every call that is kept, the newest first, page by page. Nothing when the person may not see the source or destination.</summary>
    /// <param name="token">One of its tokens; null for all.</param>
    public async IAsyncEnumerable<UsageCall> ExportAsync(Person person, int flow, int? token, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var before = long.MaxValue;
        while (true)
        {
            // A context a page: whoever reads slowly holds no connection.
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            if (!await storage.Flows.VisibleTo(person).AnyAsync(row => row.Id == flow, cancellationToken))
            {
                yield break;
            }

            var page = await Calls(storage, flow, token, before).Take(PageLength).ToListAsync(cancellationToken);
            foreach (var call in page)
            {
                yield return call;
            }

            if (page.Count < PageLength)
            {
                yield break;
            }

            before = page[^1].Id;
        }
    }

    private static IQueryable<UsageCall> Calls(StorageContext storage, int flow, int? token, long before) =>
        from call in storage.BrokerCalls.AsNoTracking()
        where call.FlowId == flow && call.Id < before && (token == null || call.TokenId == token)
        orderby call.Id descending
        select new UsageCall(
            call.Id,
            call.At,
            call.TokenId,
            storage.AccessTokens.Where(row => row.Id == call.TokenId).Select(row => row.Name).FirstOrDefault() ?? "",
            call.Method,
            call.Endpoint,
            call.Status,
            call.Code,
            call.BytesIn,
            call.BytesOut,
            call.Duration);
}
