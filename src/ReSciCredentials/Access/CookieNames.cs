namespace ReSciCredentials.Access;

/// <summary>
/// Over https our cookies have the prefix with which browsers bind them to this host and to TLS.
/// On http loopback they have neither the prefix nor Secure: browsers would refuse them there.
/// </summary>
internal static class CookieNames
{
    public static string For(bool https, string name) => https ? "__Host-" + name : name;
}
