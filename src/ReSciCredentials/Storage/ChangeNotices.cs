using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Storage;

/// <summary>A row was added, changed or removed, and the change is committed.</summary>
/// <param name="Kind">The entity's type, e.g. <c>typeof(Credential)</c>.</param>
internal sealed record ChangeNotice(Type Kind, int Id, int OwnerId);

/// <summary>
/// Announces changes of <see cref="IOwned"/> rows after their commit, so that what flows up the layers needs no reference up:
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

            foreach (var entry in context.ChangeTracker.Entries<IOwned>())
            {
                if (entry.State is EntityState.Added or EntityState.Modified or EntityState.Deleted)
                {
                    // The id of a new row is known after the save only.
                    var row = entry.Entity;
                    _pending.GetOrCreateValue(context).Add(() => new ChangeNotice(row.GetType(), row.Id, row.OwnerId));
                }
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
