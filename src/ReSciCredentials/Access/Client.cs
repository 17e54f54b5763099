using System.Text.RegularExpressions;
using ReSciCredentials.Audit;

namespace ReSciCredentials.Access;

/// <summary>Where a request comes from, as it is kept with sessions and in the audit log.</summary>
/// <param name="UserAgent">Without what is too long for a word and is no product with its version: a key pasted into the wrong header must not be kept in it.</param>
internal sealed partial record Client(string Address, string UserAgent)
{
    private const int UserAgentLength = 256;

    public static Client Of(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        var userAgent = context.Request.Headers.UserAgent.ToString();
        return new Client(
            (address is { IsIPv4MappedToIPv6: true } ? address.MapToIPv4() : address)?.ToString() ?? "",
            TooLong().Replace(userAgent.Length > UserAgentLength ? userAgent[..UserAgentLength] : userAgent, "…"))
        {
            Path = context.Request.Path.Value ?? "",
        };
    }

    /// <summary>What was asked for, without its query; empty when that is not known.</summary>
    public string Path { get; init; } = "";

    /// <summary>Somebody who has not proved to be anybody.</summary>
    public Actor Stranger() => new(null, "not signed in", Address, UserAgent) { Path = Path };

    /// <summary>A program that came with a token. What it asked for is with the calls, not here: it is not ours to choose, and may hold anything.</summary>
    public Actor Broker() => new(null, "broker", Address, UserAgent);

    public Actor As(int accountId, string email) => new(accountId, email, Address, UserAgent) { Path = Path };

    /// <summary>16 letters or more without a space that are not written as <c>AppleWebKit/537.36</c>; digits are for the version.</summary>
    [GeneratedRegex(@"(?<![^\s();,])(?![A-Za-z._-]{1,40}/[0-9][0-9.]{0,20}(?![^\s();,]))[^\s();,]{16,}")]
    private static partial Regex TooLong();
}
