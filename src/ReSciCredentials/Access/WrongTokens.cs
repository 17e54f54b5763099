using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace ReSciCredentials.Access;

/// <summary>Counts wrong tokens by where they come from, in memory and bounded.</summary>
internal sealed class WrongTokens(TimeProvider time)
{
    private const int MostAddresses = 10_000;

    private readonly ConcurrentDictionary<IPAddress, Sender> _senders = new();

    /// <summary>The one who sent a wrong token; null when there are too many of them to tell apart.</summary>
    public Sender? SenderAt(IPAddress? address)
    {
        if (address is null)
        {
            return null;
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

        return _senders.Count >= MostAddresses ? null : _senders.GetOrAdd(network, _ => new Sender());
    }

    private void Prune()
    {
        var now = time.GetUtcNow().UtcTicks;
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
