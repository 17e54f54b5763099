using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Access;

/// <summary>Servers at whose door the tests of this folder stand: the clock goes on only when a test turns it.</summary>
internal static class AccessServer
{
    public static Task<TestServer> StartAsync(params string[] settings) =>
        TestServer.StartAsync(time: new TurnedClock(), settings: settings);

    /// <summary>A server whose owner exists, and is signed in nowhere.</summary>
    public static Task<TestServer> StartOwnedAsync(params string[] settings) =>
        TestServer.StartWithOwnerAsync(time: new TurnedClock(), settings: settings);

    /// <summary>Issues a set-up link and returns its token.</summary>
    public static async Task<string> IssueTokenAsync(this TestServer server)
    {
        var link = await server.WithAsync<SetupLinks, string?>(links => links.IssueAsync(server.Address, TestContext.Current.CancellationToken));
        return link!.Split("#token=")[1];
    }
}
