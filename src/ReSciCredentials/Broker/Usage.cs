using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using SQLitePCL;

namespace ReSciCredentials.Broker;

/// <summary>
/// Records every call. Calls wait in memory for their group, at most <see cref="Interval"/>; refusals do not wait. In strict mode a call is recorded
/// before it goes out, together with all others that want the same at that moment, and once more when it is over.
/// </summary>
/// <remarks>
/// SQLite's calls are not asynchronous. The groups are written on a thread of their own: on one of the pool's, of which a small machine has one or two,
/// the calls under way would wait for as long as a large group takes.
/// </remarks>
internal sealed partial class Usage(
    IDbContextFactory<StorageContext> contexts,
    ChangeNotices notices,
    ServerSeal seal,
    IOptions<BrokerOptions> options,
    BrokerMetrics metrics,
    TimeProvider time,
    ILogger<Usage> logger) : IHostedService
{
    /// <summary>What a crash may lose is half of the second that is promised.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Refusals do not wait, but a flood of them is written in groups: else one program's faults would cost a commit each, and everybody else the time.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(1);

    /// <summary>As much as waits while the database cannot be written; more is lost, and counted.</summary>
    private const int MostWaiting = 50_000;

    private const int GroupLength = 1000;

    private const string PutSql = """
        INSERT INTO broker_calls (Id, TokenId, FlowId, CredentialId, KeyUid, At, Method, Endpoint, Status, Code, BytesIn, BytesOut, Duration)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (Id) DO UPDATE SET
            KeyUid = excluded.KeyUid, Endpoint = excluded.Endpoint, Status = excluded.Status, Code = excluded.Code,
            BytesIn = excluded.BytesIn, BytesOut = excluded.BytesOut, Duration = excluded.Duration
        """;

    private readonly ConcurrentQueue<Waiting> _queue = new();
    private readonly List<Waiting> _group = [];
    private readonly object _signal = new();
    private Task _writing = Task.CompletedTask;
    private bool _isHurried;
    private int _waiting;
    private int _refusals;
    private volatile bool _isSpaced;
    private volatile bool _isStopping;
    private long? _lastId;

    /// <summary>In strict mode: recorded before it goes out.</summary>
    /// <exception cref="UsageUnavailableException">It could not be recorded and must not be made.</exception>
    public Task BeginAsync(BrokerCall call)
    {
        if (!options.Value.IsStrict)
        {
            return Task.CompletedTask;
        }

        var committed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Add(new Waiting(call, committed));
        Hurry();
        return committed.Task;
    }

    /// <summary>The call is over.</summary>
    public void End(BrokerCall call)
    {
        if (Volatile.Read(ref _waiting) >= MostWaiting)
        {
            metrics.LostRecord();
            return;
        }

        // A group that is full does not wait for others: written all at once, they would take a small machine from the calls under way for too long.
        if (Add(new Waiting(call, null)) == GroupLength)
        {
            Hurry();
        }

        if (call.Code is not null)
        {
            Volatile.Write(ref _refusals, 1);
            if (!_isSpaced)
            {
                Hurry();
            }
        }
    }

    /// <summary>Writes what waits. Normally it goes by itself.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var written = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Add(new Waiting(null, written));
        Hurry();
        await written.Task.WaitAsync(cancellationToken);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _writing = Task.Factory.StartNew(Write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        Hurry();
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Write()
    {
        var prunedAt = time.GetTimestamp();
        var wait = Interval;
        while (!_isStopping)
        {
            WaitFor(wait);
            // Before the queue is read: who still sees the flag of last time is in the queue already.
            _isSpaced = Interlocked.Exchange(ref _refusals, 0) > 0;
            wait = _isSpaced ? Spacing : Interval;
            WriteAll();
            if (time.GetElapsedTime(prunedAt) >= PruneInterval)
            {
                prunedAt = time.GetTimestamp();
                TryPrune();
            }
        }

        // Calls may end until the very last moment.
        WriteAll();
    }

    /// <returns>How many wait with it.</returns>
    private int Add(Waiting waiting)
    {
        var count = Interlocked.Increment(ref _waiting);
        _queue.Enqueue(waiting);
        return count;
    }

    private void Hurry()
    {
        lock (_signal)
        {
            _isHurried = true;
            Monitor.Pulse(_signal);
        }
    }

    private void WaitFor(TimeSpan wait)
    {
        lock (_signal)
        {
            if (!_isHurried)
            {
                Monitor.Wait(_signal, wait);
            }

            _isHurried = false;
        }
    }

    private void WriteAll()
    {
        do
        {
            while (_group.Count < GroupLength && _queue.TryDequeue(out var waiting))
            {
                Interlocked.Decrement(ref _waiting);
                _group.Add(waiting);
            }

            if (_group.Count == 0 || !TryWrite(_group))
            {
                return;
            }

            _group.Clear();
        }
        while (!_queue.IsEmpty);
    }

    /// <summary>False when it must be tried again; nobody waits for what is left in the group then.</summary>
    private bool TryWrite(List<Waiting> group)
    {
        IReadOnlyList<ChangeNotice> changes = [];
        try
        {
            if (group.Exists(waiting => waiting.Call is not null))
            {
                changes = Write(group);
            }
        }
        catch (Exception exception)
        {
            if (seal.Reason is null)
            {
                LogWriteFailed(exception, group.Count);
            }

            foreach (var waiting in group)
            {
                waiting.Committed?.TrySetException(new UsageUnavailableException());
            }

            group.RemoveAll(waiting => waiting.Committed is not null);
            return false;
        }

        foreach (var waiting in group)
        {
            waiting.Committed?.TrySetResult();
        }

        foreach (var change in changes)
        {
            notices.Publish(change);
        }

        return true;
    }

    private ChangeNotice[] Write(List<Waiting> group)
    {
        using var storage = contexts.CreateDbContext();
        using var transaction = storage.Database.BeginTransaction();
        if (seal.Reason is not null)
        {
            // What goes past EF goes past the guard that refuses it.
            throw new ServerSealedException();
        }

        // A call that began and ended in the same group is there twice, as one object.
        Put(storage, group.Select(waiting => waiting.Call).OfType<BrokerCall>().Distinct());
        var ended = group.Where(waiting => waiting.Committed is null).Select(waiting => waiting.Call).OfType<BrokerCall>().ToArray();
        AddToHours(storage, ended);
        foreach (var used in ended.Where(call => call.Status != StatusCodes.Status401Unauthorized).GroupBy(call => call.TokenId))
        {
            DateTimeOffset? last = used.Max(call => call.At);
            storage.AccessTokens
                .Where(token => token.Id == used.Key && (token.LastUsedAt == null || token.LastUsedAt < last))
                .ExecuteUpdate(token => token.SetProperty(row => row.LastUsedAt, last));
        }

        var audiences = storage.AudiencesOf([.. group.Select(waiting => waiting.Call).OfType<BrokerCall>().Select(call => call.FlowId).Distinct()]);
        transaction.Commit();
        return [.. audiences.Select(audience => new ChangeNotice(typeof(BrokerCall), audience.Key, audience.ToHashSet()))];
    }

    /// <summary>
    /// Adds the calls, or changes those that were there at their beginning. By SQLite's own calls: EF would take more time for a row than the broker takes for
    /// the call, and ADO.NET a good part of it. The ids are given here, so that a group that could not be written is simply written again.
    /// </summary>
    private void Put(StorageContext storage, IEnumerable<BrokerCall> calls)
    {
        _lastId ??= storage.BrokerCalls.Max(call => (long?)call.Id) ?? 0;
        var database = ((SqliteConnection)storage.Database.GetDbConnection()).Handle!;
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(database, PutSql, out var statement), database);
        using (statement)
        {
            foreach (var call in calls)
            {
                call.Id = call.Id == 0 ? (++_lastId).Value : call.Id;
                Bind(statement, call);
                SqliteException.ThrowExceptionForRC(raw.sqlite3_step(statement), database);
                raw.sqlite3_reset(statement);
            }
        }
    }

    /// <summary>In the order of <see cref="PutSql"/>. Times are ticks and ids capital letters, as EF writes them.</summary>
    private static void Bind(sqlite3_stmt statement, BrokerCall call)
    {
        raw.sqlite3_bind_int64(statement, 1, call.Id);
        raw.sqlite3_bind_int(statement, 2, call.TokenId);
        raw.sqlite3_bind_int(statement, 3, call.FlowId);
        raw.sqlite3_bind_int(statement, 4, call.CredentialId);
        BindText(5, call.KeyUid is { } key ? key.ToString().ToUpperInvariant() : null);
        raw.sqlite3_bind_int64(statement, 6, call.At.UtcTicks);
        BindText(7, call.Method);
        BindText(8, call.Endpoint);
        raw.sqlite3_bind_int(statement, 9, call.Status);
        BindText(10, call.Code);
        raw.sqlite3_bind_int64(statement, 11, call.BytesIn);
        raw.sqlite3_bind_int64(statement, 12, call.BytesOut);
        raw.sqlite3_bind_int(statement, 13, call.Duration);

        void BindText(int place, string? text)
        {
            if (text is null)
            {
                raw.sqlite3_bind_null(statement, place);
            }
            else
            {
                raw.sqlite3_bind_text(statement, place, text);
            }
        }
    }

    private static void AddToHours(StorageContext storage, IEnumerable<BrokerCall> calls)
    {
        foreach (var sum in calls.GroupBy(call => (call.TokenId, call.FlowId, call.CredentialId, Key: call.KeyUid ?? Guid.Empty, Hour: HourOf(call.At))))
        {
            var (token, flow, credential, key, hour) = sum.Key;
            // EF knows no upsert.
            storage.Database.ExecuteSql(
                $"""
                INSERT INTO broker_hours (TokenId, Hour, KeyUid, FlowId, CredentialId, Calls, Errors, BytesIn, BytesOut, LastAt)
                VALUES ({token}, {hour.UtcTicks}, {key}, {flow}, {credential}, {sum.LongCount()}, {sum.LongCount(call => call.Status >= 400 || call.Code is not null)},
                    {sum.Sum(call => call.BytesIn)}, {sum.Sum(call => call.BytesOut)}, {sum.Max(call => call.At).UtcTicks})
                ON CONFLICT (TokenId, Hour, KeyUid) DO UPDATE SET
                    Calls = Calls + excluded.Calls, Errors = Errors + excluded.Errors,
                    BytesIn = BytesIn + excluded.BytesIn, BytesOut = BytesOut + excluded.BytesOut, LastAt = max(LastAt, excluded.LastAt)
                """);
        }
    }

    private static DateTimeOffset HourOf(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);

    private void TryPrune()
    {
        try
        {
            if (seal.Reason is not null)
            {
                return;
            }

            var oldestHour = time.GetUtcNow().AddDays(-options.Value.KeptDays);
            using var storage = contexts.CreateDbContext();
            var oldest = storage.BrokerCalls.Max(call => (long?)call.Id) - options.Value.KeptCalls;
            // In pieces, so that nobody who wants to write waits for all of it.
            while (storage.BrokerCalls.Where(call => call.Id <= oldest).OrderBy(call => call.Id).Take(GroupLength).ExecuteDelete() == GroupLength)
            {
            }

            storage.BrokerHours.Where(hour => hour.Hour < oldestHour).ExecuteDelete();
            storage.BrokerJobs.Where(job => job.At < oldestHour).ExecuteDelete();
        }
        catch (Exception exception)
        {
            LogPruneFailed(exception);
        }
    }

    [LoggerMessage(LogLevel.Error, "{Count} records of brokered calls could not be written; what can wait is tried again")]
    private partial void LogWriteFailed(Exception exception, int count);

    [LoggerMessage(LogLevel.Error, "Old records of brokered calls could not be removed; it is tried again")]
    private partial void LogPruneFailed(Exception exception);

    /// <param name="Committed">For a call that begins: told when the record is safe. Null for one that is over.</param>
    private sealed record Waiting(BrokerCall? Call, TaskCompletionSource? Committed);
}

/// <summary>A call could not be recorded.</summary>
public sealed class UsageUnavailableException() : Exception("The call could not be recorded.");
