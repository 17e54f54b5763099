namespace ReSciCredentials.Storage;

/// <summary>One sign-in of one browser. A cookie is worth nothing once its session has ended.</summary>
internal sealed class SignInSession
{
    public Guid Id { get; init; }

    public int AccountId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When the session was last used; written at most once a minute.</summary>
    public DateTimeOffset SeenAt { get; set; }

    public DateTimeOffset? EndedAt { get; set; }

    public required string Address { get; init; }

    public required string UserAgent { get; init; }
}
