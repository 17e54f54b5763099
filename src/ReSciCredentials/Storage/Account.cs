using Microsoft.AspNetCore.Identity;

namespace ReSciCredentials.Storage;

/// <summary>Somebody who can sign in. The e-mail address is the sign-in name; ids are integers because the REST API shows them.</summary>
internal sealed class Account : IdentityUser<int>
{
    /// <summary>What the person is called on screen, 1 to 100 characters.</summary>
    public required string Name { get; set; }

    public AccountRole Role { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}

/// <summary>What somebody may do with the server itself. What a person may do with a credential does not follow from it.</summary>
public enum AccountRole
{
    /// <summary>Runs the server: its settings, its people, everybody's audit entries. There is one.</summary>
    Owner,

    /// <summary>Has what they made and what is shared with them.</summary>
    Member,
}
