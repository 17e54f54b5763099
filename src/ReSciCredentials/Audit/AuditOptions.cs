using Microsoft.Extensions.Options;

namespace ReSciCredentials.Audit;

/// <summary>The section <c>Audit</c> of the settings.</summary>
internal sealed class AuditOptions
{
    public const string Section = "Audit";

    private const int MostDays = 36_500;

    /// <summary>For how many days entries are kept, from 1 to 36,500; 0 for ever.</summary>
    public int KeptDays { get; set; } = 400;

    internal sealed class Validation : IValidateOptions<AuditOptions>
    {
        public ValidateOptionsResult Validate(string? name, AuditOptions options) =>
            options.KeptDays is >= 0 and <= MostDays
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail($"{Section}:{nameof(KeptDays)} must be from 0 (for ever) to {MostDays}: {options.KeptDays}.");
    }
}
