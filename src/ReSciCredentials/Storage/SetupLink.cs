namespace ReSciCredentials.Storage;

/// <summary>The one-time token with which the first account is claimed. There is at most one row.</summary>
internal sealed class SetupLink
{
    /// <summary>The only id a row may have, so that two links can never be valid at once.</summary>
    public const int OnlyId = 1;

    public int Id { get; init; } = OnlyId;

    /// <summary>SHA-256 of the token; the token itself is only on the console and in a file of mode 0600.</summary>
    public required byte[] TokenHash { get; set; }

    public DateTimeOffset ExpiresAt { get; set; }

    public int WrongTries { get; set; }
}
