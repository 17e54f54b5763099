using Microsoft.Extensions.Options;

namespace ReSciCredentials.Credentials;

/// <summary>How the server asks ReSci about stored keys by itself: the section <c>Checks</c> of the configuration.</summary>
internal sealed class ChecksOptions
{
    public const string Section = "Checks";

    /// <summary>Whether it asks at all. A person can test a key in either case.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>How often each credential is checked; 1 hour to 30 days. Spread by a tenth either way.</summary>
    public TimeSpan Every { get; set; } = TimeSpan.FromDays(1);

    /// <summary>The most calls to ReSci a minute, and the most by imports; 1 to 600. With 60 a day is enough for 86,400 credentials.</summary>
    public int PerMinute { get; set; } = 60;

    /// <summary>The most calls to ReSci at the same time; 1 to 16.</summary>
    public int AtOnce { get; set; } = 4;

    /// <summary>How long after a refusal a key that was good is asked about once more before it is FAILED; 5 minutes to 6 hours.</summary>
    public TimeSpan SecondLookAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How many checks of each credential are kept to look at; 10 to 1000.</summary>
    public int History { get; set; } = 100;
}

/// <summary>Lists all failures, each naming the setting to change.</summary>
internal sealed class ChecksOptionsRules : IValidateOptions<ChecksOptions>
{
    public ValidateOptionsResult Validate(string? name, ChecksOptions options)
    {
        List<string> failures = [];
        Range(nameof(options.Every), options.Every, TimeSpan.FromHours(1), TimeSpan.FromDays(30));
        Range(nameof(options.PerMinute), options.PerMinute, 1, 600);
        Range(nameof(options.AtOnce), options.AtOnce, 1, 16);
        Range(nameof(options.SecondLookAfter), options.SecondLookAfter, CheckRules.LeastApart, TimeSpan.FromHours(6));
        Range(nameof(options.History), options.History, 10, 1000);
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Range<T>(string setting, T value, T least, T most)
            where T : IComparable<T>
        {
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            {
                failures.Add($"{ChecksOptions.Section}:{setting}: must be from {least} to {most}.");
            }
        }
    }
}
