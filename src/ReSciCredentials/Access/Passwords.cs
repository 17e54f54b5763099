using System.Text;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

internal enum PasswordVerdict
{
    Right,

    /// <summary>Right, but hashed with fewer iterations than today's.</summary>
    RightButWeaklyHashed,
    Wrong,
}

/// <summary>Hashes passwords, few at a time: each costs a tenth of a second of a whole core, which strangers could ask for.</summary>
internal sealed class Passwords : IDisposable
{
    /// <summary>OWASP's figure for PBKDF2 with SHA-512. Identity's own default is 100,000.</summary>
    public const int Iterations = 210_000;

    /// <summary>Those that wait, about two seconds' worth on a small machine.</summary>
    private const int QueueLength = 20;

    private readonly PasswordHasher<Account> _hasher;
    private readonly Lazy<string> _nobodysHash;

    // One core stays free for everybody who is already in.
    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = Math.Clamp(Environment.ProcessorCount - 1, 1, 4),
        QueueLimit = QueueLength,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    public Passwords(IOptions<PasswordHasherOptions> options)
    {
        _hasher = new PasswordHasher<Account>(options);
        _nobodysHash = new Lazy<string>(() => Hash(Guid.NewGuid().ToString()));
    }

    /// <summary>Waits for a turn to hash; null when too many wait already. The caller disposes it as soon as it has hashed.</summary>
    public async Task<Turn?> TryTakeTurnAsync(CancellationToken cancellationToken)
    {
        var lease = await _limiter.AcquireAsync(1, cancellationToken);
        if (lease.IsAcquired)
        {
            return new Turn(this, lease);
        }

        lease.Dispose();
        return null;
    }

    public void Dispose() => _limiter.Dispose();

    // The hasher does not look at the account.
    private string Hash(string password) => _hasher.HashPassword(null!, Normal(password));

    private PasswordVerdict Verify(string? hash, string password)
    {
        // No stored password is longer; an endless one must not cost more.
        var bounded = password.Length > 2 * PasswordRules.MaximumLength ? "" : password;
        var result = _hasher.VerifyHashedPassword(null!, hash ?? _nobodysHash.Value, Normal(bounded));
        return (hash, result) switch
        {
            (null, _) or (_, PasswordVerificationResult.Failed) => PasswordVerdict.Wrong,
            (_, PasswordVerificationResult.SuccessRehashNeeded) => PasswordVerdict.RightButWeaklyHashed,
            _ => PasswordVerdict.Right,
        };
    }

    /// <summary>Keyboards differ in how they compose a letter; the same password is the same on all of them.</summary>
    private static string Normal(string password) => password.Normalize(NormalizationForm.FormKC);

    /// <summary>Leave to hash. Ends when disposed.</summary>
    internal sealed class Turn(Passwords passwords, RateLimitLease lease) : IDisposable
    {
        public string Hash(string password) => passwords.Hash(password);

        /// <summary>Compares. Without a hash (no such account, no password set) it takes as long and is wrong.</summary>
        public PasswordVerdict Verify(string? hash, string password) => passwords.Verify(hash, password);

        public void Dispose() => lease.Dispose();
    }
}
