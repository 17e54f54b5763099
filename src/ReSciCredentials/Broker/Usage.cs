using System.Collections.Concurrent;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>
/// Records every call. Calls wait in memory for their group, at most <see cref="Interval"/>; refusals do not wait. In strict mode a call is recorded
/// before it goes out, together with all others that want the same at that moment, and once more when it is over.
/// </summary>
internal sealed partial class Usage(
    IDbContextFactory<StorageContext> contexts,
    ChangeNotices notices,
    ServerSeal seal,
    IOptions<BrokerOptions> options,
    BrokerMetrics metrics,
    TimeProvider time,
    ILogger<Usage> logger) : BackgroundService
{
    /// <summary>What a crash may lose is half of the second that is promised.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    /// <summary>Refusals do not wait, but a flood of them is written in groups: else one program's faults would cost a commit each, and everybody else the time.</summary>
    private static readonly TimeSpan Spacing = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(1);

    /// <summary>As much as waits while the database cannot be written; more is lost, and counted.</summary>
    private const int MostWaiting = 50_000;

    private const int GroupLength = 2000;

    private static readonly string[] Parameters =
        ["$id", "$token", "$flow", "$credential", "$key", "$at", "$method", "$endpoint", "$status", "$code", "$in", "$out", "$duration"];

    private readonly ConcurrentQueue<Waiting> _queue = new();
    private readonly List<Waiting> _group = [];
    private readonly SemaphoreSlim _atOnce = new(0);
    private int _waiting;
    private int _refusals;
    private volatile bool _isSpaced;
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

        Add(new Waiting(call, null));
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

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var prunedAt = time.GetTimestamp();
        var wait = Interval;
        while (!stoppingToken.IsCancellationRequested)
        {
            await ((Task)_atOnce.WaitAsync(wait, stoppingToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Before the queue is read: who still sees the flag of last time is in the queue already.
            _isSpaced = Interlocked.Exchange(ref _refusals, 0) > 0;
            wait = _isSpaced ? Spacing : Interval;
            await WriteAllAsync();
            if (time.GetElapsedTime(prunedAt) >= PruneInterval)
            {
                prunedAt = time.GetTimestamp();
                await TryPruneAsync(stoppingToken);
            }
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Calls may end until the very last moment.
        await WriteAllAsync();
    }

    private void Add(Waiting waiting)
    {
        Interlocked.Increment(ref _waiting);
        _queue.Enqueue(waiting);
    }

    private void Hurry()
    {
        if (_atOnce.CurrentCount == 0)
        {
            _atOnce.Release();
        }
    }

    private async Task WriteAllAsync()
    {
        do
        {
            while (_group.Count < GroupLength && _queue.TryDequeue(out var waiting))
            {
                Interlocked.Decrement(ref _waiting);
                _group.Add(waiting);
            }

            if (_group.Count == 0 || !await TryWriteAsync(_group))
            {
                return;
            }

            _group.Clear();
        }
        while (!_queue.IsEmpty);
    }

    /// <summary>False when it must be tried again; nobody waits for what is left in the group then.</summary>
    private async Task<bool> TryWriteAsync(List<Waiting> group)
    {
        IReadOnlyList<ChangeNotice> changes = [];
        try
        {
            if (group.Exists(waiting => waiting.Call is not null))
            {
                changes = await WriteAsync(group);
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

    private async Task<IReadOnlyList<ChangeNotice>> WriteAsync(List<Waiting> group)
    {
        await using var storage = await contexts.CreateDbContextAsync();
        await using var transaction = await storage.Database.BeginTransactionAsync();
        if (seal.Reason is not null)
        {
            // What goes past EF goes past the guard that refuses it.
            throw new ServerSealedException();
        }

        // A call that began and ended in the same group is there twice, as one object.
        await PutAsync(storage, transaction.GetDbTransaction(), group.Select(waiting => waiting.Call).OfType<BrokerCall>().Distinct());
        var ended = group.Where(waiting => waiting.Committed is null).Select(waiting => waiting.Call).OfType<BrokerCall>().ToArray();
        await AddToHoursAsync(storage, ended);
        foreach (var used in ended.Where(call => call.Status != StatusCodes.Status401Unauthorized).GroupBy(call => call.TokenId))
        {
            DateTimeOffset? last = used.Max(call => call.At);
            await storage.AccessTokens
                .Where(token => token.Id == used.Key && (token.LastUsedAt == null || token.LastUsedAt < last))
                .ExecuteUpdateAsync(token => token.SetProperty(row => row.LastUsedAt, last));
        }

        var audiences = storage.AudiencesOf([.. group.Select(waiting => waiting.Call).OfType<BrokerCall>().Select(call => call.FlowId).Distinct()]);
        await transaction.CommitAsync();
        return [.. audiences.Select(audience => new ChangeNotice(typeof(BrokerCall), audience.Key, audience.ToHashSet()))];
    }

    /// <summary>
    /// Adds the calls, or changes those that were there at their beginning. By one prepared statement: EF would take more time for a row than the broker takes for
    /// the call. The ids are given here, so that a group that could not be written is simply written again.
    /// </summary>
    private async Task PutAsync(StorageContext storage, DbTransaction transaction, IEnumerable<BrokerCall> calls)
    {
        _lastId ??= await storage.BrokerCalls.MaxAsync(call => (long?)call.Id) ?? 0;
        await using var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """
            INSERT INTO broker_calls (Id, TokenId, FlowId, CredentialId, KeyUid, At, Method, Endpoint, Status, Code, BytesIn, BytesOut, Duration)
            VALUES ($id, $token, $flow, $credential, $key, $at, $method, $endpoint, $status, $code, $in, $out, $duration)
            ON CONFLICT (Id) DO UPDATE SET
                KeyUid = excluded.KeyUid, Endpoint = excluded.Endpoint, Status = excluded.Status, Code = excluded.Code,
                BytesIn = excluded.BytesIn, BytesOut = excluded.BytesOut, Duration = excluded.Duration
            """;
        var parameters = Array.ConvertAll(Parameters, name =>
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
            return parameter;
        });
        foreach (var call in calls)
        {
            call.Id = call.Id == 0 ? (++_lastId).Value : call.Id;
            // In the order of the names. Times are ticks, as EF writes them.
            object?[] values =
            [
                call.Id, call.TokenId, call.FlowId, call.CredentialId, call.KeyUid, call.At.UtcTicks, call.Method, call.Endpoint, call.Status, call.Code,
                call.BytesIn, call.BytesOut, call.Duration,
            ];
            for (var index = 0; index < values.Length; index++)
            {
                parameters[index].Value = values[index] ?? DBNull.Value;
            }

            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task AddToHoursAsync(StorageContext storage, IEnumerable<BrokerCall> calls)
    {
        foreach (var sum in calls.GroupBy(call => (call.TokenId, call.FlowId, call.CredentialId, Key: call.KeyUid ?? Guid.Empty, Hour: HourOf(call.At))))
        {
            var (token, flow, credential, key, hour) = sum.Key;
            // EF knows no upsert.
            await storage.Database.ExecuteSqlAsync(
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

    private async Task TryPruneAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (seal.Reason is not null)
            {
                return;
            }

            var oldestHour = time.GetUtcNow().AddDays(-options.Value.KeptDays);
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            var oldest = await storage.BrokerCalls.MaxAsync(call => (long?)call.Id, cancellationToken) - options.Value.KeptCalls;
            await storage.BrokerCalls.Where(call => call.Id <= oldest).ExecuteDeleteAsync(cancellationToken);
            await storage.BrokerHours.Where(hour => hour.Hour < oldestHour).ExecuteDeleteAsync(cancellationToken);
            await storage.BrokerJobs.Where(job => job.At < oldestHour).ExecuteDeleteAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
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
