namespace ReSciCredentials.Flows;

/// <summary>A system that data is exchanged with. A second one is a second entry here, a folder like <c>ReSci/</c>, and a column that says which one a credential is for.</summary>
/// <param name="Name">As in addresses.</param>
internal sealed record Connector(string Name, string Title, string Description)
{
    public static Connector ReSci { get; } = new(
        "resci",
        "ReSci",
        "Retention Science: customer data, import jobs and retention marketing. Opened by an API key.");

    public static IReadOnlyList<Connector> All { get; } = [ReSci];
}
