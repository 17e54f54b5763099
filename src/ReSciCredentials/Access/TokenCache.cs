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

    private readonly ConcurrentDictionary<TokenHash, Kept> _entries = new();
    private readonly Lock _lock = new();
    private long _changes;

    /// <summary>Null when there is no such token.</summary>
    public ValueTask<TEntry?> FindAsync(TokenHash hash, CancellationToken cancellationToken) =>
        _entries.TryGetValue(hash, out var kept) && time.GetElapsedTime(kept.LoadedAt) < Believed
            ? ValueTask.FromResult<TEntry?>(kept.Entry)
            : LoadAsync(hash, cancellationToken);

    /// <summary>Something was committed that concerns these.</summary>
    public void Forget(Func<TEntry, bool> concerns)
    {
        lock (_lock)
        {
            _changes++;
            foreach (var (hash, kept) in _entries)
            {
                if (concerns(kept.Entry))
                {
                    _entries.TryRemove(hash, out _);
                }
            }
        }
    }

    private async ValueTask<TEntry?> LoadAsync(TokenHash hash, CancellationToken cancellationToken)
    {
        var seen = Volatile.Read(ref _changes);
        var loadedAt = time.GetTimestamp();
        var entry = await read(hash, cancellationToken);
        lock (_lock)
        {
            if (entry is null)
            {
                _entries.TryRemove(hash, out _);
            }
            // Read before a change that was committed meanwhile: good for this call, which was under way too, and for no other.
            else if (seen == _changes)
            {
                if (_entries.Count >= MostEntries)
                {
                    _entries.Clear();
                }

                _entries[hash] = new Kept(entry, loadedAt);
            }
        }

        return entry;
    }

    private readonly record struct Kept(TEntry Entry, long LoadedAt);
}
