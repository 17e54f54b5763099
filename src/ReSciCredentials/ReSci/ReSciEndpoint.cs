using ReSciCredentials.Storage;

namespace ReSciCredentials.ReSci;

/// <summary>A call of ReSci that a source or a destination uses.</summary>
/// <param name="Name">How it is stored and named in the API, e.g. <c>list_import_jobs</c>. Never changes.</param>
/// <param name="Title">What people call it.</param>
/// <param name="Path">Relative to ReSci's base address.</param>
public sealed record ReSciEndpoint(string Name, string Title, string Description, FlowKind Kind, string Method, string Path);

/// <summary>The catalogue of endpoints. One more is one more entry.</summary>
public static class ReSciEndpoints
{
    public static IReadOnlyList<ReSciEndpoint> All { get; } =
    [
        new(
            "list_import_jobs",
            "List Import Jobs",
            "Reads the import jobs of your ReSci site, the newest first, ten at a time.",
            FlowKind.Source,
            "GET",
            "v3/import_jobs"),
        new(
            "create_import_job",
            "Create Import Job",
            "Sends users, orders, items or categories to your ReSci site as files, in one import job.",
            FlowKind.Destination,
            "POST",
            "v3/import_jobs"),
    ];

    public static IReadOnlyList<ReSciEndpoint> For(FlowKind kind) => [.. All.Where(endpoint => endpoint.Kind == kind)];

    public static ReSciEndpoint? Find(string name) => All.FirstOrDefault(endpoint => endpoint.Name == name);
}
