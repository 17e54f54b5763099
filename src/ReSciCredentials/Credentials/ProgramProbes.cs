using System.Collections.Concurrent;
using ReSciCredentials.Access;
using ReSciCredentials.Api;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Test calls that programs ask for. One at a time for each credential; and what came of those with <c>async=true</c>, which end within seconds like all others, is
/// remembered for a while, for a program that comes back with the id it was given.
/// </summary>
internal sealed class ProgramProbes(TimeProvider time)
{
    private const int MostRemembered = 1000;

    private static readonly TimeSpan RememberedFor = TimeSpan.FromMinutes(10);

    private readonly Turns<int> _turns = new();
    private readonly ConcurrentDictionary<(int Person, int Credential, string Request), (ProbeAnswer Answer, DateTimeOffset Until)> _finished = new();

    public Task<IDisposable> TakeTurnAsync(int credential, CancellationToken cancellationToken) => _turns.TakeAsync(credential, cancellationToken);

    /// <summary>Null when there is none, or none any more.</summary>
    public ProbeAnswer? Find(Person person, int credential, string request) =>
        _finished.TryGetValue((person.Id, credential, request), out var finished) && finished.Until > time.GetUtcNow() ? finished.Answer : null;

    public void Remember(Person person, int credential, string request, ProbeAnswer answer)
    {
        var now = time.GetUtcNow();
        foreach (var entry in _finished)
        {
            if (entry.Value.Until <= now || _finished.Count >= MostRemembered)
            {
                _finished.TryRemove(entry);
            }
        }

        _finished[(person.Id, credential, request)] = (answer, now + RememberedFor);
    }
}
