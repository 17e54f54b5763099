using ReSciCredentials.Components.Shared;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>The addresses and words of sources and destinations, which share their pages.</summary>
internal static class FlowPaths
{
    public static FlowKind KindOf(string path) =>
        path.StartsWith("/destinations", StringComparison.OrdinalIgnoreCase) ? FlowKind.Destination : FlowKind.Source;

    public static string Select(FlowKind kind) => $"/{Segment(kind)}/new";

    public static string Authenticate(FlowKind kind, int? credential = null) =>
        $"/{Segment(kind)}/new/{Connector.ReSci.Name}/authenticate{(credential is { } id ? $"?credential={id}" : "")}";

    public static string Configure(FlowKind kind) => $"/{Segment(kind)}/new/{Connector.ReSci.Name}/configure";

    public static string Configure(FlowKind kind, int credential, Guid draft) => $"{Configure(kind)}?credential={credential}&draft={draft}";

    public static string Page(FlowKind kind, int id) => $"/{Segment(kind)}/{id}";

    /// <summary>Its page, where its first credential is chosen.</summary>
    public static string ChooseCredential(FlowKind kind, int id) => $"{Page(kind, id)}#choose-credential";

    /// <summary><c>source</c> or <c>destination</c>, for the middle of a sentence.</summary>
    public static string Noun(FlowKind kind) => kind switch
    {
        FlowKind.Source => "source",
        FlowKind.Destination => "destination",
    };

    public static IconName Icon(FlowKind kind) => kind switch
    {
        FlowKind.Source => IconName.Source,
        FlowKind.Destination => IconName.Destination,
    };

    /// <summary>The three steps of making one, as far as they can be gone back to.</summary>
    public static IReadOnlyList<StepperStep> Steps(FlowKind kind, int? credential = null) =>
    [
        new("Select", Select(kind)),
        new("Authenticate", Authenticate(kind, credential)),
        new("Configure", null),
    ];

    private static string Segment(FlowKind kind) => $"{Noun(kind)}s";
}
