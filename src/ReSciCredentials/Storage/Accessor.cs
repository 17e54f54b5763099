namespace ReSciCredentials.Storage;

/// <summary>What somebody may do with a credential, a source or a destination. Each may all that those before it may; none reads a key.</summary>
public enum AccessRole
{
    /// <summary>Sees it, and uses it in sources and destinations of their own; changes nothing.</summary>
    Collaborator = 1,

    /// <summary>Also tests, activates and pauses it.</summary>
    Operator = 2,

    /// <summary>Also changes, copies, deletes and shares it, and sees what was done with it.</summary>
    Admin = 3,

    /// <summary>Made it. There is one, who cannot be removed and of whom no row is kept here.</summary>
    Owner = 4,
}

/// <summary>Somebody with whom a credential, or a source or destination, is shared. Goes with either.</summary>
internal sealed class Accessor
{
    public int Id { get; init; }

    /// <summary>What is shared: exactly one of this and <see cref="FlowId"/> is set.</summary>
    public int? CredentialId { get; init; }

    public Credential? Credential { get; init; }

    public int? FlowId { get; init; }

    public Flow? Flow { get; init; }

    public int AccountId { get; init; }

    public Account? Account { get; init; }

    /// <summary>Never <see cref="AccessRole.Owner"/>.</summary>
    public AccessRole Role { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }
}
