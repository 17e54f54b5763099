using Microsoft.Extensions.Options;

namespace ReSciCredentials.ReSci;

/// <summary>Where ReSci is and how it is asked: the section <c>ReSci</c> of the configuration.</summary>
internal sealed class ReSciOptions
{
    public const string Section = "ReSci";

    /// <summary>Where the API's paths begin. https on one of <see cref="AllowedHosts"/>.</summary>
    public string BaseAddress { get; set; } = "https://data.retentionscience.com/";

    /// <summary>The only hosts a key is ever sent to. Null is ReSci's own: the binder would add to a default, not replace it.</summary>
    public string[]? AllowedHosts { get; set; }

    /// <summary>What is read, relative to <see cref="BaseAddress"/>, to test a key.</summary>
    public string ProbePath { get; set; } = "v3/import_jobs";

    /// <summary>Allows http to 127.0.0.1, localhost and [::1], for tests and sandboxes.</summary>
    public bool AllowInsecureLoopback { get; set; }

    /// <summary>How long a test may take from the first byte sent to the last byte read; 1 to 30 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Runs a stand-in for ReSci inside the process.</summary>
    public bool Sandbox { get; set; }

    public IReadOnlyList<string> EffectiveHosts => AllowedHosts is { Length: > 0 } hosts ? hosts : ["data.retentionscience.com"];

    /// <summary><see cref="BaseAddress"/> with the slash at its end that relative paths need. Only for validated options.</summary>
    public Uri BaseUri => new(BaseAddress.EndsWith('/') ? BaseAddress : BaseAddress + "/");
}

/// <summary>
/// Stops the start when a key could be sent to a place it must not go. Lists all failures, each naming the setting to change.
/// </summary>
internal sealed class ReSciOptionsRules : IValidateOptions<ReSciOptions>
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromSeconds(30);

    public ValidateOptionsResult Validate(string? name, ReSciOptions options)
    {
        List<string> failures =
        [
            .. options.EffectiveHosts.Where(IsNoHostName).Select(host =>
                $"{Key(nameof(options.AllowedHosts))}: '{host}' is not a host name. Give names only, such as data.retentionscience.com."),
        ];
        if (FaultOfBaseAddress(options) is { } addressFault)
        {
            failures.Add($"{Key(nameof(options.BaseAddress))}: {addressFault}");
        }

        if (!IsPlainRelativePath(options.ProbePath))
        {
            failures.Add($"{Key(nameof(options.ProbePath))}: must be a plain path relative to the base address, such as v3/import_jobs.");
        }

        if (options.Timeout < ShortestTimeout || options.Timeout > LongestTimeout)
        {
            failures.Add($"{Key(nameof(options.Timeout))}: must be from {ShortestTimeout:c} to {LongestTimeout:c} (h:m:s).");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static string Key(string setting) => $"{ReSciOptions.Section}:{setting}";

    private static bool IsNoHostName(string host) => Uri.CheckHostName(host) is UriHostNameType.Unknown or UriHostNameType.Basic;

    private static string? FaultOfBaseAddress(ReSciOptions options)
    {
        // The value is not repeated: somebody may have put a user name and password into it.
        if (!Uri.TryCreate(options.BaseAddress, UriKind.Absolute, out var address)
            || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
        {
            return "must be an https address, such as https://data.retentionscience.com/.";
        }

        if (address.UserInfo.Length > 0 || address.Query.Length > 0 || address.Fragment.Length > 0 || options.BaseAddress.Contains('\\'))
        {
            return "must have no user name, query, fragment or backslash.";
        }

        if (address.Scheme == Uri.UriSchemeHttp)
        {
            if (address.Host is not ("127.0.0.1" or "localhost" or "[::1]"))
            {
                return "must be https. Only 127.0.0.1, localhost and [::1] may be reached by http.";
            }

            return options.AllowInsecureLoopback
                ? null
                : $"must be https. For a stand-in on this machine set {Key(nameof(options.AllowInsecureLoopback))} to true.";
        }

        return options.EffectiveHosts.Contains(address.Host.Trim('[', ']'), StringComparer.OrdinalIgnoreCase)
            ? null
            : $"its host is not one of {Key(nameof(options.AllowedHosts))} ({string.Join(", ", options.EffectiveHosts)}).";
    }

    /// <summary>
    /// Letters, digits, <c>_</c>, <c>-</c> and dots in segments parted by single slashes: nothing that a URL could read otherwise.
    /// </summary>
    private static bool IsPlainRelativePath(string path) =>
        path.Split('/').All(segment =>
            segment.Length > 0
            && segment is not ("." or "..")
            && segment.All(character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-' or '.'));
}
