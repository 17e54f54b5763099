using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>A credential, a source or a destination, as something that can be shared.</summary>
public sealed record SharedItem
{
    private SharedItem(FlowKind? flow, int id) => (Flow, Id) = (flow, id);

    public int Id { get; }

    /// <summary>Null for a credential.</summary>
    public FlowKind? Flow { get; }

    /// <summary>The item type of the audit log; also a noun for the middle of a sentence.</summary>
    public string Noun => Flow is { } kind
        ? kind switch
        {
            FlowKind.Source => "source",
            FlowKind.Destination => "destination",
        }
        : "credential";

    public static SharedItem Credential(int id) => new(null, id);

    public static SharedItem Of(FlowKind kind, int id) => new(kind, id);
}
