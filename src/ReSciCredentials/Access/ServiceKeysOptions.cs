using Microsoft.Extensions.Options;

namespace ReSciCredentials.Access;

/// <summary>The section <c>ServiceKeys</c>: how much the programs may ask of the REST API, each service key for itself.</summary>
internal sealed class ServiceKeysOptions
{
    public const string Section = "ServiceKeys";

    /// <summary>Calls a minute, all at once if need be; 12 to 1,000,000. With fewer a refused program would have to wait longer than its own time-out.</summary>
    public int RequestsPerMinute { get; set; } = 6000;

    /// <summary>Calls under way at the same time; 1 to 10,000.</summary>
    public int RequestsAtOnce { get; set; } = 100;

    /// <summary>Wrong service keys a minute from one address before it is told to wait; 12 to 10,000.</summary>
    public int WrongKeysPerMinute { get; set; } = 30;

    /// <summary>The longest body of a request, in bytes; 4,096 to 100,000,000.</summary>
    public int LongestBody { get; set; } = 1024 * 1024;

    /// <summary>Names every setting that is wrong by its key.</summary>
    internal sealed class Validation : IValidateOptions<ServiceKeysOptions>
    {
        public ValidateOptionsResult Validate(string? name, ServiceKeysOptions options)
        {
            List<string> failures = [];
            Check(nameof(RequestsPerMinute), options.RequestsPerMinute, 12, 1_000_000);
            Check(nameof(RequestsAtOnce), options.RequestsAtOnce, 1, 10_000);
            Check(nameof(WrongKeysPerMinute), options.WrongKeysPerMinute, 12, 10_000);
            Check(nameof(LongestBody), options.LongestBody, 4096, 100_000_000);
            return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

            void Check(string setting, int value, int least, int most)
            {
                if (value < least || value > most)
                {
                    failures.Add($"{Section}:{setting} must be from {least} to {most}: {value}.");
                }
            }
        }
    }
}
