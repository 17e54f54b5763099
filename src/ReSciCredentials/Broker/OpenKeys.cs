using System.Collections.Concurrent;
using System.Text;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Broker;

/// <summary>A key that calls are using: opened once, wiped when the last of them is over and no other has come for a while.</summary>
internal sealed class OpenKey
{
    private const int Wiped = int.MinValue;

    private readonly Secret _secret;
    private int _users = 1;

    /// <summary>Takes the secret over, and has its first user.</summary>
    public OpenKey(Secret secret)
    {
        _secret = secret;
        Spellings = new KeySpellings(secret.Reveal());
        // HttpClient wants text, which cannot be wiped: so there is one for all calls, not one a call.
        Authorization = "ApiKey " + Encoding.ASCII.GetString(secret.Reveal());
    }

    public string Authorization { get; }

    public KeySpellings Spellings { get; }

    /// <summary>When the last user left; a timestamp of the TimeProvider.</summary>
    public long IdleSince { get; private set; }

    /// <summary>False when it was wiped in this very moment.</summary>
    public bool TryEnter()
    {
        while (true)
        {
            var users = Volatile.Read(ref _users);
            if (users == Wiped)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
            {
                return true;
            }
        }
    }

    public void Leave(long now)
    {
        IdleSince = now;
        Interlocked.Decrement(ref _users);
    }

    /// <summary>Wipes it if nobody uses it.</summary>
    public bool TryWipe()
    {
        if (Interlocked.CompareExchange(ref _users, Wiped, 0) != 0)
        {
            return false;
        }

        Spellings.Wipe();
        _secret.Dispose();
        return true;
    }
}

/// <summary>The keys in use. Opening one takes long enough to be worth doing once for many calls; none stays longer than it is of use.</summary>
internal sealed class OpenKeys : BackgroundService
{
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(10);

    private const int Most = 1000;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly SecretProtector _protector;
    private readonly ServerSeal _seal;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<Guid, OpenKey> _keys = new();

    public OpenKeys(SecretProtector protector, ServerSeal seal, TimeProvider time)
    {
        (_protector, _seal, _time) = (protector, seal, time);
        // Calls under way keep theirs until they are over.
        seal.Sealed += () => WipeIdle(TimeSpan.Zero);
    }

    /// <summary>How many keys are held in plain text now.</summary>
    public int Count => _keys.Count;

    /// <summary>Opens the key, or takes the one that is open. Whoever has it gives it back by <see cref="Leave"/>.</summary>
    /// <exception cref="UnreadableSecretException"/>
    /// <exception cref="ServerSealedException"/>
    public OpenKey Enter(Guid credential, Guid keyRow, byte[] ciphertext)
    {
        if (_keys.TryGetValue(keyRow, out var open) && open.TryEnter())
        {
            return open;
        }

        var mine = new OpenKey(_protector.Unprotect(ciphertext, credential, keyRow));
        if (_keys.Count < Most)
        {
            var kept = _keys.GetOrAdd(keyRow, mine);
            if (kept != mine && kept.TryEnter())
            {
                mine.Leave(_time.GetTimestamp());
                mine.TryWipe();
                return kept;
            }
        }

        return mine;
    }

    public void Leave(Guid keyRow, OpenKey key)
    {
        key.Leave(_time.GetTimestamp());
        if (!_keys.TryGetValue(keyRow, out var kept) || kept != key || _seal.Reason is not null)
        {
            if (key.TryWipe())
            {
                _keys.TryRemove(new(keyRow, key));
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                WipeIdle(Kept);
            }
        }
        finally
        {
            WipeIdle(TimeSpan.Zero);
        }
    }

    private void WipeIdle(TimeSpan after)
    {
        foreach (var (keyRow, key) in _keys)
        {
            if (_time.GetElapsedTime(key.IdleSince) >= after && key.TryWipe())
            {
                _keys.TryRemove(new(keyRow, key));
            }
        }
    }
}
