using System.Collections.Concurrent;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Access;

/// <summary>
/// From a token's hash to what it opens, in memory. What this process commits is known with the next call, when whoever hears of it calls
/// <see cref="Forget"/>; what changes the database in another way, within a second.
/// </summary>
/// <param name="read">Looks in the database; null when there is no such token.</param>
internal sealed class TokenCache<TEntry>(Func<TokenHash, CancellationToken, Task<TEntry?>> read, TimeProvider time)
    where TEntry : class
{
    /// <summary>More tokens than are in use at one time anywhere; beyond it the table begins anew.</summary>
    private const int MostEntries = 10_000;

    private static readonly TimeSpan Believed = TimeSpan.FromSeconds(1);

    /// <summary>From then on it is read anew, while calls still believe what is known: none of them waits.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<TokenHash, Kept> _entries = new();
    private readonly Dictionary<TokenHash, Task<TEntry?>> _loading = [];
    private readonly Lock _lock = new();
    private long _changes;

    /// <summary>Whether there is such a token, as far as is known without asking the database.</summary>
    public bool Knows(TokenHash hash) => _entries.ContainsKey(hash);

    /// <summary>Null when there is no such token.</summary>
    public ValueTask<TEntry?> FindAsync(TokenHash hash, CancellationToken cancellationToken)
    {
        if (_entries.TryGetValue(hash, out var kept) && time.GetElapsedTime(kept.LoadedAt) is var age && age < Believed)
        {
            if (age >= Fresh)
            {
                _ = LoadAsync(hash);
            }

            return ValueTask.FromResult<TEntry?>(kept.Entry);
        }

        return new ValueTask<TEntry?>(LoadAsync(hash).WaitAsync(cancellationToken));
    }

    /// <summary>Something was committed that concerns these.</summary>
    public void Forget(Func<TEntry, bool> concerns)
    {
        lock (_lock)
        {
            _changes++;
            _loading.Clear();
            foreach (var (hash, kept) in _entries)
            {
                if (concerns(kept.Entry))
                {
                    _entries.TryRemove(hash, out _);
                }
            }
        }
    }

    /// <summary>One look into the database for all calls that want the same at that moment.</summary>
    private Task<TEntry?> LoadAsync(TokenHash hash)
    {
        lock (_lock)
        {
            if (!_loading.TryGetValue(hash, out var loading))
            {
                var seen = _changes;
                // Not on the call's own time, and not cancelled when its client leaves.
                loading = Task.Run(() => LoadAsync(hash, seen));
                _loading.Add(hash, loading);
            }

            return loading;
        }
    }

    private async Task<TEntry?> LoadAsync(TokenHash hash, long seen)
    {
        TEntry? entry = null;
        var isRead = false;
        var loadedAt = time.GetTimestamp();
        try
        {
            entry = await read(hash, CancellationToken.None);
            isRead = true;
            return entry;
        }
        finally
        {
            lock (_lock)
            {
                // Else it was read before a change that was committed meanwhile: good for the calls that wait for it, which were under way too,
                // and for no other.
                if (seen == _changes)
                {
                    _loading.Remove(hash);
                    if (entry is not null)
                    {
                        Keep(hash, new Kept(entry, loadedAt));
                    }
                    else if (isRead)
                    {
                        _entries.TryRemove(hash, out _);
                    }
                }
            }
        }
    }

    private void Keep(TokenHash hash, Kept kept)
    {
        if (_entries.Count >= MostEntries)
        {
            _entries.Clear();
        }

        _entries[hash] = kept;
    }

    private readonly record struct Kept(TEntry Entry, long LoadedAt);
}
