using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ReSciCredentials.Api;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Access;

/// <summary>What an operation made before.</summary>
/// <param name="IsGone">It was deleted or revoked since.</param>
internal sealed record MadeBefore(Guid Operation, int Id, DateTimeOffset At, bool IsGone);

/// <summary>
/// Nexla's SDK sends a create again by itself when no answer came in ten seconds, and so does every careful program. The same call of the same program within
/// <see cref="Window"/> is therefore one operation, whose id is kept with what it made: in the same row, so that no crash can part them. Within the process the same
/// calls wait for each other. An <c>Idempotency-Key</c> names the operation without a limit of time.
/// </summary>
internal sealed class Repeats(ServerSeal seal, TimeProvider time)
{
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(2);

    private const int LongestName = 255;

    private readonly Turns<Guid> _turns = new();

    /// <summary>Waits until no other call like this one is under way.</summary>
    /// <param name="body">As received. Only a keyed hash of it is kept.</param>
    public async Task<RepeatTurn> BeginAsync(Person person, HttpRequest request, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var name = request.Headers[ApiParameter.IdempotencyKey].ToString();
        if (name.Length > LongestName || name.Any(character => character is < ' ' or > '~'))
        {
            return new RepeatTurn(null, [], null, default, ApiError.Invalid(ApiParameter.IdempotencyKey, $"Send up to {LongestName} visible ASCII characters."));
        }

        var digest = DigestOf(person, request, name, body.Span);
        var now = time.GetUtcNow();
        var turn = await _turns.TakeAsync(new Guid(digest.AsSpan(0, 16)), cancellationToken);
        return name.Length > 0 ? new RepeatTurn(turn, digest, null, default, null) : new RepeatTurn(turn, digest, now.UtcTicks / Window.Ticks, now - Window, null);
    }

    private byte[] DigestOf(Person person, HttpRequest request, string name, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, seal.FingerprintKey);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"repeat\n{person.Id}\n{person.ServiceKey}\n{request.Method} {request.Path}{request.QueryString}\n{(name.Length > 0 ? "named" : "body")}\n")));
        hash.AppendData(name.Length > 0 ? Encoding.UTF8.GetBytes(name) : body);
        return hash.GetHashAndReset();
    }
}

/// <summary>The turn of one call among those that are the same.</summary>
/// <param name="window">The number of the present window of time; null for a named operation, which has none.</param>
/// <param name="since">What was made before counts no more.</param>
internal sealed class RepeatTurn(IDisposable? turn, byte[] digest, long? window, DateTimeOffset since, ApiError? fault) : IDisposable
{
    /// <summary>How many operations of a window are looked up at once. More than one there are only where what was made was deleted again.</summary>
    private const int Ahead = 4;

    public ApiError? Fault => fault;

    /// <summary>The operation under which this call makes something, or under which a call like it did; known once <see cref="FindAsync"/> has looked.</summary>
    public Guid Operation { get; private set; }

    /// <summary>The id of what a call like this one made before, or null.</summary>
    /// <param name="find">What the caller's operations of these ids made; also what is gone since, as far as it is still known.</param>
    public async Task<int?> FindAsync(Func<IReadOnlyCollection<Guid>, Task<IReadOnlyList<MadeBefore>>> find)
    {
        long[] windows = window is { } present ? [present - 1, present] : [0];
        for (var first = 0; ; first += Ahead)
        {
            var operations = windows.SelectMany(number => Enumerable.Range(first, Ahead).Select(ordinal => OperationOf(number, ordinal))).ToArray();
            var made = await find(operations);
            if (made.FirstOrDefault(row => !row.IsGone && (window is null || row.At > since)) is { } before)
            {
                Operation = before.Operation;
                return before.Id;
            }

            // Of the present window, which comes last.
            if (operations.TakeLast(Ahead).Cast<Guid?>().FirstOrDefault(operation => !made.Any(row => row.Operation == operation)) is { } free)
            {
                Operation = free;
                return null;
            }
        }
    }

    public void Dispose() => turn?.Dispose();

    private Guid OperationOf(long number, int ordinal)
    {
        Span<byte> name = stackalloc byte[digest.Length + sizeof(long) + sizeof(int)];
        digest.CopyTo(name);
        BinaryPrimitives.WriteInt64LittleEndian(name[digest.Length..], number);
        BinaryPrimitives.WriteInt32LittleEndian(name[(digest.Length + sizeof(long))..], ordinal);
        return new Guid(SHA256.HashData(name).AsSpan(0, 16));
    }
}
