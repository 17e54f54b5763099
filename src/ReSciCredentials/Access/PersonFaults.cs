using System.ComponentModel.DataAnnotations;

namespace ReSciCredentials.Access;

/// <summary>What is wrong with the details of a new account, a sentence each; null where nothing is.</summary>
internal sealed record PersonFaults(string? Name, string? Email, string? Password)
{
    private const int NameLength = 100;
    private const int EmailLength = 254;

    public bool Any => (Name ?? Email ?? Password) is not null;

    /// <summary>A line for each.</summary>
    public string ToText() => string.Join(Environment.NewLine, new[] { Name, Email, Password }.OfType<string>());

    public static PersonFaults Of(string name, string email, string password) => new(
        name.Trim() is { Length: > 0 and <= NameLength } and var kept && !kept.Any(char.IsControl)
            ? null
            : $"Enter a name of 1 to {NameLength} characters.",
        email.Trim() is { Length: <= EmailLength } and var address
            && new EmailAddressAttribute().IsValid(address)
            && !address.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
            ? null
            : "Enter an e-mail address such as name@example.com.",
        PasswordRules.FaultOf(password, email, name));
}
