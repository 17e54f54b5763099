using Microsoft.AspNetCore.Identity;

namespace ReSciCredentials.Storage;

/// <summary>Somebody who can sign in. The e-mail address is the sign-in name; ids are integers because the REST API shows them.</summary>
internal sealed class Account : IdentityUser<int>
{
    /// <summary>What the person is called on screen, 1 to 100 characters.</summary>
    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}
