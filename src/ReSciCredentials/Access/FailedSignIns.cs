using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace ReSciCredentials.Access;

/// <summary>
/// Limits failed sign-ins by the address they come from: <see cref="LockOut"/> holds up who guesses at one account, this who tries one
/// password at many. Generous, since a whole office may share an address; who signs in rightly is not counted.
/// </summary>
internal sealed class FailedSignIns : IDisposable
{
    /// <summary>Failures of one address within <see cref="Window"/>.</summary>
    public const int Limit = 100;

    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetFixedWindowLimiter(
            NetworkOf(address), static _ => new FixedWindowRateLimiterOptions { PermitLimit = Limit, Window = Window }));

    /// <summary>How long the address has to wait; null when it may try.</summary>
    public TimeSpan? WaitOf(string address)
    {
        // Asking for none takes none.
        using var lease = _limiter.AttemptAcquire(address, permitCount: 0);
        return lease.IsAcquired ? null
            : lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) && wait > TimeSpan.Zero ? wait
            : Window;
    }

    public void Count(string address) => _limiter.AttemptAcquire(address).Dispose();

    public void Dispose() => _limiter.Dispose();

    /// <summary>Whoever has one IPv6 address has all of its /64 network.</summary>
    private static string NetworkOf(string address) =>
        IPAddress.TryParse(address, out var parsed) && parsed is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false }
            ? Convert.ToHexString(parsed.GetAddressBytes().AsSpan(0, 8))
            : address;
}
