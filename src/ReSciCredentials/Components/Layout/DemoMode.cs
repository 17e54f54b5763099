namespace ReSciCredentials.Components.Layout;

/// <summary>A key that the sandbox knows, and what the sandbox answers to it.</summary>
public sealed record SampleKey(string Key, string Meaning);

/// <summary>Cascaded to the layout while the server runs against the sandbox; without it no banner is shown.</summary>
public sealed record DemoMode(IReadOnlyList<SampleKey> Keys);
