using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ReSciCredentials.Access;

/// <summary>Counts wrong tokens by where they come from, in memory and bounded.</summary>
internal sealed class WrongTokens(TimeProvider time)
{
    private const int MostAddresses = 10_000;

    private readonly ConcurrentDictionary<IPAddress, Sender> _senders = new();

    /// <summary>All those together that are too many to tell apart.</summary>
    private readonly Sender _others = new();

    private long _prunedAt;

    /// <summary>Whether a wrong token from there would still be looked at. Nobody is counted by asking.</summary>
    public bool MayTry(IPAddress? address, int perMinute)
    {
        var sender = address is not null && _senders.TryGetValue(NetworkOf(address), out var known) ? known
            : address is null || _senders.Count >= MostAddresses ? _others
            : null;
        return sender is null || sender.Tries.CanTake(perMinute, time.GetUtcNow().UtcTicks);
    }

    /// <summary>Counts a wrong token.</summary>
    /// <param name="wait">How long until the next one is looked at, when it was one too many.</param>
    public bool TryTake(IPAddress? address, int perMinute, out TimeSpan wait) =>
        SenderAt(address).Tries.TryTake(perMinute, time.GetUtcNow().UtcTicks, out wait);

    /// <summary>The one who sent a wrong token.</summary>
    public Sender SenderAt(IPAddress? address)
    {
        if (address is null)
        {
            return _others;
        }

        var network = NetworkOf(address);
        if (_senders.TryGetValue(network, out var known))
        {
            return known;
        }

        if (_senders.Count >= MostAddresses)
        {
            Prune();
        }

        return _senders.Count >= MostAddresses ? _others : _senders.GetOrAdd(network, _ => new Sender());
    }

    /// <summary>Once a second at most: it goes through all of them.</summary>
    private void Prune()
    {
        var now = time.GetUtcNow().UtcTicks;
        var before = Volatile.Read(ref _prunedAt);
        if (now - before < TimeSpan.TicksPerSecond || Interlocked.CompareExchange(ref _prunedAt, now, before) != before)
        {
            return;
        }

        foreach (var (network, sender) in _senders)
        {
            if (sender.Tries.IsIdle(now))
            {
                _senders.TryRemove(new(network, sender));
            }
        }
    }

    /// <summary>Of IPv6 the first half: whoever has one address there has all of them.</summary>
    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        if (address.AddressFamily is not AddressFamily.InterNetworkV6)
        {
            return address;
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }

    internal sealed class Sender
    {
        /// <summary>Fields, because they change in place.</summary>
        public RateLimit Tries;

        public RateLimit Alarms;
    }
}
