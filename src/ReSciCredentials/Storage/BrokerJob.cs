namespace ReSciCredentials.Storage;

/// <summary>An import job that was made with an access token, which may ask for its state. Only the newest of each token are kept.</summary>
internal sealed class BrokerJob
{
    /// <summary>In the order in which they were made.</summary>
    public long Id { get; init; }

    public int TokenId { get; init; }

    /// <summary>ReSci's id of it.</summary>
    public required string JobId { get; init; }

    public DateTimeOffset At { get; init; }
}
