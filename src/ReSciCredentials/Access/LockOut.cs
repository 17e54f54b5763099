using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// After five failures an account takes no password for five minutes. A try is counted before the password is looked at, so that
/// parallel guesses are not worth more than those in a row. Names without an account are counted too, in memory: the answer must not tell.
/// </summary>
internal sealed class LockOut(TimeProvider time)
{
    public const int Tries = 5;

    /// <summary>More than can be hashed within <see cref="Duration"/>: a living count cannot be pushed out by a flood of others.</summary>
    private const int StrangersLength = 20_000;

    public static readonly TimeSpan Duration = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<string, Count> _strangers = new(StringComparer.Ordinal);

    /// <summary>Counts a try; false when the account is locked.</summary>
    /// <param name="account">Null for a name without an account.</param>
    /// <param name="normalizedEmail">The name whatever its spelling.</param>
    public async Task<bool> TakeTryAsync(StorageContext storage, int? account, string normalizedEmail, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (account is null)
        {
            return TakeStrangersTry(normalizedEmail, now);
        }

        DateTimeOffset? until = now + Duration;
        return await storage.Users
            .Where(a => a.Id == account && (a.LockoutEnd == null || a.LockoutEnd <= now))
            .ExecuteUpdateAsync(
                a => a
                    .SetProperty(x => x.AccessFailedCount, x => x.LockoutEnd == null ? x.AccessFailedCount + 1 : 1)
                    .SetProperty(x => x.LockoutEnd, x => x.LockoutEnd == null && x.AccessFailedCount + 1 >= Tries ? until : null),
                cancellationToken) == 1;
    }

    /// <summary>Forgets the tries of an account, after a right password or a reset.</summary>
    public static Task ClearAsync(StorageContext storage, int account, CancellationToken cancellationToken) =>
        storage.Users.Where(a => a.Id == account)
            .ExecuteUpdateAsync(
                a => a.SetProperty(x => x.AccessFailedCount, 0).SetProperty(x => x.LockoutEnd, (DateTimeOffset?)null),
                cancellationToken);

    private bool TakeStrangersTry(string name, DateTimeOffset now)
    {
        if (_strangers.Count >= StrangersLength)
        {
            foreach (var (other, count) in _strangers)
            {
                if (count.Since + Duration <= now)
                {
                    _strangers.TryRemove(new(other, count));
                }
            }
        }

        if (_strangers.Count >= StrangersLength && !_strangers.ContainsKey(name))
        {
            return true;
        }

        var taken = false;
        _strangers.AddOrUpdate(
            name,
            _ => Take(new Count(1, null, now)),
            (_, count) => count.LockedUntil switch
            {
                { } until when until > now => Refuse(count),
                { } => Take(new Count(1, null, now)),
                null => Take(new Count(count.Failures + 1, count.Failures + 1 >= Tries ? now + Duration : null, now)),
            });
        return taken;

        Count Take(Count next)
        {
            taken = true;
            return next;
        }

        Count Refuse(Count same)
        {
            taken = false;
            return same;
        }
    }

    private sealed record Count(int Failures, DateTimeOffset? LockedUntil, DateTimeOffset Since);
}
