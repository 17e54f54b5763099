namespace ReSciCredentials.Audit;

/// <summary>Who acts, and from where.</summary>
/// <param name="AccountId">Null for the server itself and its command line.</param>
/// <param name="Who">What the actor is called in the audit log.</param>
/// <param name="Address">The network address the request came from; empty when there was none.</param>
/// <param name="UserAgent">The User-Agent header of the request; empty when there was none.</param>
internal record Actor(int? AccountId, string Who, string Address, string UserAgent)
{
    /// <summary>The path of the page or of the request, without its query; empty when there was none.</summary>
    public string Path { get; init; } = "";

    public static Actor CommandLine { get; } = new(null, "command line", "", "");

    public static Actor Server { get; } = new(null, "server", "", "");
}
