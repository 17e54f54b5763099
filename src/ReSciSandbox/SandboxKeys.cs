namespace ReSciSandbox;

/// <summary>A sample key of the sandbox.</summary>
/// <param name="Prefix">How the key starts. Anything may follow, so that a test can mark a key and look for it later.</param>
/// <param name="Meaning">What the sandbox does with it, in words for people.</param>
public sealed record SandboxKey(string Prefix, string Meaning);

/// <summary>The sample keys. ReSci itself has nothing like them; any other key is unknown and answered 401.</summary>
public static class SandboxKeys
{
    public const string Accepted = "sandbox-accepted";
    public const string Refused = "sandbox-refused";
    public const string NotAllowed = "sandbox-not-allowed";
    public const string RateLimited = "sandbox-rate-limited";
    public const string Slow = "sandbox-slow";
    public const string Failing = "sandbox-failing";
    public const string Garbage = "sandbox-garbage";
    public const string Redirect = "sandbox-redirect";
    public const string Empty = "sandbox-empty";
    public const string Endless = "sandbox-endless";
    public const string Echo = "sandbox-echo";
    public const string Unavailable = "sandbox-unavailable";

    /// <summary>Those worth trying by hand.</summary>
    public static IReadOnlyList<SandboxKey> Shown { get; } =
    [
        new(Accepted, "is accepted"),
        new(Refused, "is refused (401)"),
        new(NotAllowed, "may not list import jobs (403)"),
        new(RateLimited, "has made too many calls (429, try again in 30 seconds)"),
        new(Slow, "gets its answer only after 30 seconds"),
        new(Failing, "meets an internal error (500)"),
        new(Garbage, "gets a web page in place of data"),
        new(Redirect, "is sent to another address (302)"),
    ];

    public static IReadOnlyList<SandboxKey> All { get; } =
    [
        .. Shown,
        new(Empty, "gets an empty answer (200)"),
        new(Endless, "gets JSON that never ends"),
        new(Echo, "gets an answer that repeats the key in many spellings"),
        new(Unavailable, "meets a service that is down for maintenance (503)"),
    ];

    /// <summary>The sample key that <paramref name="key"/> starts with, or null when the sandbox does not know it.</summary>
    public static SandboxKey? Find(string key) => All.FirstOrDefault(known => key.StartsWith(known.Prefix, StringComparison.Ordinal));
}
