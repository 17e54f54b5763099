using Microsoft.Extensions.Options;

namespace ReSciCredentials.Credentials;

/// <summary>How credentials are looked after: the section <c>Credentials</c> of the configuration.</summary>
internal sealed class CredentialsOptions
{
    public const string Section = "Credentials";

    /// <summary>How long a key that was replaced stays, encrypted, for a roll back; 1 minute to 30 days. A person may have it wiped at once instead.</summary>
    public TimeSpan PreviousKeyKeptFor { get; set; } = TimeSpan.FromDays(1);
}

/// <summary>Names the setting to change.</summary>
internal sealed class CredentialsOptionsRules : IValidateOptions<CredentialsOptions>
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    public ValidateOptionsResult Validate(string? name, CredentialsOptions options) =>
        options.PreviousKeyKeptFor >= Shortest && options.PreviousKeyKeptFor <= Longest
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail(
                $"{CredentialsOptions.Section}:{nameof(options.PreviousKeyKeptFor)}: must be from {Shortest:c} to {Longest:c} (d.h:m:s).");
}
