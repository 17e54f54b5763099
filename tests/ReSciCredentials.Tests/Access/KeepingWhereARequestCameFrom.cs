using Microsoft.AspNetCore.Http;
using ReSciCredentials.Access;

namespace ReSciCredentials.Tests.Access;

public sealed class KeepingWhereARequestCameFrom
{
    [Theory]
    [InlineData("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.8078.73 Safari/537.36")]
    [InlineData("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1")]
    [InlineData("nexla-sdk/1.0.8")]
    [InlineData("python-requests/2.32.3")]
    [InlineData("curl/8.14.1")]
    public void Tells_browsers_and_programs_by_name(string userAgent) => Assert.Equal(userAgent, Kept(userAgent));

    [Theory]
    [InlineData("live-key-4f1c9a8b7d6e5f4a")]
    [InlineData("ApiKey live-key-4f1c9a8b7d6e5f4a")]
    [InlineData("loader/1.0 (live-key-4f1c9a8b7d6e5f4a)")]
    [InlineData("live-key-4f1c9a8b7d6e5f4a/1.0")]
    [InlineData("loader/live-key-4f1c9a8b7d6e5f4a")]
    [InlineData("loader/1live-key-4f1c9a8b7d6e5f4a")]
    public void Keeps_no_key_that_somebody_put_into_the_wrong_header(string userAgent) =>
        Assert.DoesNotContain("4f1c9a8b7d6e5f4a", Kept(userAgent), StringComparison.Ordinal);

    private static string Kept(string userAgent)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.UserAgent = userAgent;
        return Client.Of(context).UserAgent;
    }
}
