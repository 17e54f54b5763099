namespace ReSciCredentials.Api;

/// <summary>One at a time for each key: of two calls that would do the same, the second sees what the first did.</summary>
internal sealed class Turns<TKey>
    where TKey : notnull
{
    private readonly Dictionary<TKey, Turn> _turns = [];

    /// <summary>Waits until nobody else has the turn; dispose to pass it on.</summary>
    public async Task<IDisposable> TakeAsync(TKey key, CancellationToken cancellationToken)
    {
        Turn? turn;
        lock (_turns)
        {
            if (!_turns.TryGetValue(key, out turn))
            {
                _turns.Add(key, turn = new Turn(this, key));
            }

            turn.Wanted++;
        }

        try
        {
            await turn.Free.WaitAsync(cancellationToken);
            return turn;
        }
        catch
        {
            turn.Leave();
            throw;
        }
    }

    private sealed class Turn(Turns<TKey> turns, TKey key) : IDisposable
    {
        public SemaphoreSlim Free { get; } = new(1, 1);

        /// <summary>How many have it or wait for it.</summary>
        public int Wanted { get; set; }

        public void Leave()
        {
            lock (turns._turns)
            {
                if (--Wanted == 0)
                {
                    turns._turns.Remove(key);
                }
            }
        }

        public void Dispose()
        {
            Free.Release();
            Leave();
        }
    }
}
