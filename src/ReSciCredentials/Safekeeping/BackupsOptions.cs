using Microsoft.Extensions.Options;

namespace ReSciCredentials.Safekeeping;

/// <summary>Backups that the server makes by itself: the section <c>Backups</c> of the settings.</summary>
internal sealed class BackupsOptions
{
    public const string Section = "Backups";

    /// <summary>Whether the server makes any by itself. The command line and the owner can in either case.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Where they lie. Empty: <c>backups</c> beside the data directory. Better another disk, or a place that is copied to another machine.</summary>
    public string Directory { get; set; } = "";

    /// <summary>How often one is made; 10 minutes to 30 days.</summary>
    public TimeSpan Every { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How many of the newest stay; 1 to 1000. Older ones are removed after the next that succeeded.</summary>
    public int Kept { get; set; } = 30;
}

/// <summary>Lists all failures, each naming the setting to change.</summary>
internal sealed class BackupsOptionsRules : IValidateOptions<BackupsOptions>
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    public ValidateOptionsResult Validate(string? name, BackupsOptions options)
    {
        List<string> failures = [];
        if (options.Every < Shortest || options.Every > Longest)
        {
            failures.Add($"{BackupsOptions.Section}:{nameof(options.Every)}: must be from {Shortest:c} to {Longest:c} (d.h:m:s).");
        }

        if (options.Kept is < 1 or > 1000)
        {
            failures.Add($"{BackupsOptions.Section}:{nameof(options.Kept)}: must be from 1 to 1000.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
