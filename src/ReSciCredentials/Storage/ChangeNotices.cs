using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Storage;

/// <summary>A row was added, changed or removed, and the change is committed.</summary>
/// <param name="Kind">The entity's type, e.g. <c>typeof(Credential)</c>.</param>
/// <param name="Audience">The accounts that see the row, or saw it until now.</param>
internal sealed record ChangeNotice(Type Kind, int Id, IReadOnlySet<int> Audience);

/// <summary>
/// Announces changes of rows that people see after their commit, so that what flows up the layers needs no reference up:
/// a tile appears on other screens, a token dies.
/// </summary>
internal sealed partial class ChangeNotices(ILogger<ChangeNotices> logger)
{
    private readonly Lock _lock = new();
    private Action<ChangeNotice>[] _listeners = [];

    /// <summary>Calls <paramref name="listener"/> after every commit, on the committing thread: it must return at once. Dispose to stop.</summary>
    public IDisposable Subscribe(Action<ChangeNotice> listener)
    {
        lock (_lock)
        {
            _listeners = [.. _listeners, listener];
        }

        return new Subscription(this, listener);
    }

    internal void Publish(ChangeNotice notice)
    {
        foreach (var listener in _listeners)
        {
            try
            {
                listener(notice);
            }
            catch (Exception exception)
            {
                // The change is committed: a listener's trouble must not reach whoever made it.
                LogListenerFailed(exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "A listener to changes failed")]
    private partial void LogListenerFailed(Exception exception);

    private sealed class Subscription(ChangeNotices notices, Action<ChangeNotice> listener) : IDisposable
    {
        public void Dispose()
        {
            lock (notices._lock)
            {
                notices._listeners = [.. notices._listeners.Where(other => other != listener)];
            }
        }
    }

    /// <summary>Collects changes as they are saved and publishes them at the commit.</summary>
    internal sealed class Interceptor(ChangeNotices notices) : SaveChangesInterceptor, IDbTransactionInterceptor
    {
        private readonly System.Runtime.CompilerServices.ConditionalWeakTable<DbContext, List<Func<ChangeNotice>>> _pending = [];

        public override InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result)
        {
            Collect(eventData.Context);
            return result;
        }

        public override ValueTask<InterceptionResult<int>> SavingChangesAsync(
            DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
        {
            Collect(eventData.Context);
            return ValueTask.FromResult(result);
        }

        public override void SaveChangesFailed(DbContextErrorEventData eventData) => Forget(eventData.Context);

        public override Task SaveChangesFailedAsync(DbContextErrorEventData eventData, CancellationToken cancellationToken = default)
        {
            Forget(eventData.Context);
            return Task.CompletedTask;
        }

        public void TransactionCommitted(DbTransaction transaction, TransactionEndEventData eventData) => PublishFor(eventData.Context);

        public Task TransactionCommittedAsync(
            DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            PublishFor(eventData.Context);
            return Task.CompletedTask;
        }

        public void TransactionRolledBack(DbTransaction transaction, TransactionEndEventData eventData) => Forget(eventData.Context);

        public Task TransactionRolledBackAsync(
            DbTransaction transaction, TransactionEndEventData eventData, CancellationToken cancellationToken = default)
        {
            Forget(eventData.Context);
            return Task.CompletedTask;
        }

        private void Collect(DbContext? context)
        {
            if (context is null)
            {
                return;
            }

            foreach (var entry in context.ChangeTracker.Entries())
            {
                if (context is StorageContext storage
                    && entry.State is EntityState.Added or EntityState.Modified or EntityState.Deleted
                    && NoticeOf(storage, entry) is { } notice)
                {
                    _pending.GetOrCreateValue(context).Add(notice);
                }
            }
        }

        /// <summary>Who sees the row is asked before the save; the id of a new row is known after it only.</summary>
        private static Func<ChangeNotice>? NoticeOf(StorageContext storage, EntityEntry entry)
        {
            HashSet<int> audience;
            switch (entry.Entity)
            {
                case Credential credential:
                    audience = entry.State is EntityState.Added ? [] : storage.AudienceOf([credential.Id], []);
                    audience.Add(credential.OwnerId);
                    return () => new ChangeNotice(typeof(Credential), credential.Id, audience);
                case Flow flow:
                    // Those who see the credential too: it says how many use it. After a change, the one before as well.
                    int[] credentials = [.. new[] { flow.CredentialId, (int?)entry.Property(nameof(Flow.CredentialId)).OriginalValue }.OfType<int>()];
                    audience = storage.AudienceOf(credentials, entry.State is EntityState.Added ? [] : [flow.Id]);
                    audience.Add(flow.OwnerId);
                    return () => new ChangeNotice(typeof(Flow), flow.Id, audience);
                case AccessToken token:
                    audience = storage.AudienceOf([], [token.FlowId]);
                    return () => new ChangeNotice(typeof(AccessToken), token.Id, audience);
                case Accessor { CredentialId: { } shared } accessor:
                    audience = storage.AudienceOf([shared], []);
                    audience.Add(accessor.AccountId);
                    return () => new ChangeNotice(typeof(Credential), shared, audience);
                case Accessor { FlowId: { } shared } accessor:
                    audience = storage.AudienceOf([], [shared]);
                    audience.Add(accessor.AccountId);
                    return () => new ChangeNotice(typeof(Flow), shared, audience);
                case IOwned row:
                    return () => new ChangeNotice(row.GetType(), row.Id, new HashSet<int> { row.OwnerId });
                default:
                    return null;
            }
        }

        private void PublishFor(DbContext? context)
        {
            if (context is not null && _pending.TryGetValue(context, out var changes))
            {
                _pending.Remove(context);
                foreach (var change in changes)
                {
                    notices.Publish(change());
                }
            }
        }

        private void Forget(DbContext? context)
        {
            if (context is not null)
            {
                _pending.Remove(context);
            }
        }
    }
}
