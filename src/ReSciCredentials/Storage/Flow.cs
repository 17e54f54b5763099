namespace ReSciCredentials.Storage;

/// <summary>Which way data goes.</summary>
public enum FlowKind
{
    /// <summary>Data is read from ReSci.</summary>
    Source,

    /// <summary>Data is written to ReSci. The REST API calls it a data sink.</summary>
    Destination,
}

public enum FlowStatus
{
    Active,
    Paused,
}

/// <summary>A data source or a data destination: an endpoint of ReSci with the credential that opens it.</summary>
internal sealed class Flow : IShared, IRevised
{
    public const int NameLength = 255;
    public const int DescriptionLength = 2000;

    public int Id { get; init; }

    public FlowKind Kind { get; init; }

    public int OwnerId { get; init; }

    public Account? Owner { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>The name of an entry in ReSci's catalogue of endpoints, e.g. <c>list_import_jobs</c>.</summary>
    public required string Endpoint { get; set; }

    public int CredentialId { get; set; }

    public Credential? Credential { get; set; }

    public FlowStatus Status { get; set; }

    public ICollection<Accessor> Accessors { get; init; } = [];

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Sent with the form that made the row: a form sent twice makes one.</summary>
    public Guid OperationId { get; init; }

    public int Revision { get; set; }
}
