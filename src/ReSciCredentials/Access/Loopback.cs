namespace ReSciCredentials.Access;

/// <summary>The names by which only this machine itself can be meant.</summary>
internal static class Loopback
{
    private static readonly string[] Names = ["localhost", "127.0.0.1", "[::1]"];

    public static bool IsName(string host) => Names.Contains(host, StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Whether a password may be sent with this request: over TLS, or over plain http that never leaves the machine.
    /// </summary>
    public static bool MayCarryPasswords(HttpRequest request) => request.IsHttps || IsName(request.Host.Host);
}
