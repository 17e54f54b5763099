namespace ReSciCredentials.Storage;

/// <summary>One call that came to the broker with a token of ours. Only the newest are kept; what they add up to is in <see cref="BrokerHour"/>.</summary>
internal sealed class BrokerCall
{
    /// <summary>The status of a call that is under way, or whose end a crash has hidden.</summary>
    public const int UnderWay = 0;

    /// <summary>The status when the client left before it had its answer.</summary>
    public const int ClientLeft = 499;

    /// <summary>In the order in which they were recorded; zero before that.</summary>
    public long Id { get; set; }

    public int TokenId { get; init; }

    public int FlowId { get; init; }

    public int CredentialId { get; init; }

    /// <summary>The key that went out with it; null when none did.</summary>
    public Guid? KeyUid { get; set; }

    public DateTimeOffset At { get; init; }

    public required string Method { get; init; }

    /// <summary>The name of an entry in ReSci's table of calls; null when none matched.</summary>
    public string? Endpoint { get; set; }

    /// <summary>What the client was answered.</summary>
    public int Status { get; set; }

    /// <summary>The <c>X-Broker-Error</c> of an answer of our own.</summary>
    public string? Code { get; set; }

    /// <summary>Bytes of the request's body.</summary>
    public long BytesIn { get; set; }

    /// <summary>Bytes of the answer's body.</summary>
    public long BytesOut { get; set; }

    /// <summary>From the arrival to the last byte of the answer, in milliseconds.</summary>
    public int Duration { get; set; }
}

/// <summary>What one token did with one key in one hour.</summary>
internal sealed class BrokerHour
{
    public int TokenId { get; init; }

    /// <summary>Empty for calls that no key went out with.</summary>
    public Guid KeyUid { get; init; }

    /// <summary>Its beginning.</summary>
    public DateTimeOffset Hour { get; init; }

    public int FlowId { get; init; }

    public int CredentialId { get; init; }

    public long Calls { get; init; }

    /// <summary>Those that were answered with a status of 400 or more, or whose answer broke off.</summary>
    public long Errors { get; init; }

    public long BytesIn { get; init; }

    public long BytesOut { get; init; }

    public DateTimeOffset LastAt { get; init; }
}
