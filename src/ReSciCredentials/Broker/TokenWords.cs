using System.Globalization;
using ReSciCredentials.Components.Shared;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>What access tokens and their calls are called on the screen.</summary>
internal static class TokenWords
{
    /// <summary>Of a long list the first few say what it is about.</summary>
    private const int Named = 3;

    private const double Thousand = 1000;

    private static readonly string[] Units = ["bytes", "KB", "MB", "GB", "TB"];

    /// <summary>Whether it works now, its source or destination considered.</summary>
    public static BadgeStatus ToBadge(this AccessTokenView token, bool paused) => token.State switch
    {
        AccessTokenState.Active => paused ? BadgeStatus.Paused : BadgeStatus.Active,
        AccessTokenState.Expired => BadgeStatus.Expired,
        AccessTokenState.Revoked => BadgeStatus.Revoked,
    };

    /// <summary>What it is limited to, in a few words each; nothing when it may do all that its source or destination does.</summary>
    public static IEnumerable<string> Limits(this AccessTokenView token)
    {
        if (Listed(token.ImportTypes) is { } types)
        {
            yield return $"only import type {types}";
        }

        if (Listed(token.Streams) is { } streams)
        {
            yield return $"only stream {streams}";
        }

        if (Listed(token.Addresses) is { } addresses)
        {
            yield return $"only from {addresses}";
        }

        if (token.RequestsPerMinute is { } rate)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"at most {rate:N0} {(rate == 1 ? "call" : "calls")} a minute");
        }

        if (token.NoWelcomeMails)
        {
            yield return "no welcome mails";
        }
    }

    /// <summary>A number of bytes to two or three digits, e.g. <c>1.2 MB</c>.</summary>
    public static string Size(long bytes)
    {
        var unit = 0;
        double size = bytes;
        while (size >= Thousand && unit < Units.Length - 1)
        {
            size /= Thousand;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{size.ToString(size >= 10 || unit == 0 ? "0" : "0.#", CultureInfo.InvariantCulture)} {Units[unit]}");
    }

    /// <summary>What the call was to do.</summary>
    public static string What(this UsageCall call) => call switch
    {
        { Endpoint: { } name } => ReSciEndpoints.Find(name)?.Title ?? name.Replace('_', ' '),
        { Code: "no_such_endpoint" or "method_not_allowed" or "bad_path" } => $"{call.Method} of something that is not passed on",
        // Refused before anybody looked at what it was.
        _ => call.Method,
    };

    /// <summary>What came of the call.</summary>
    public static string Outcome(this UsageCall call) => call.Status switch
    {
        BrokerCall.UnderWay => "under way",
        BrokerCall.ClientLeft => "the client left",
        var status => string.Create(CultureInfo.InvariantCulture, $"{status}{(call.Code is { } code ? $" {code}" : "")}"),
    };

    private static string? Listed(string? lines)
    {
        var entries = (lines ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return entries.Length switch
        {
            0 => null,
            <= Named => string.Join(" or ", entries),
            var count => $"{string.Join(", ", entries.Take(Named))} or {count - Named} more",
        };
    }
}
