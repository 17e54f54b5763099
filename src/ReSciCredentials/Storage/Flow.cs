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

    /// <summary>It has no credential yet: a program may make one so. With its first credential it becomes <see cref="Active"/>, and there is no way back.</summary>
    Init,
}

/// <summary>A data source or a data destination: an endpoint of ReSci with the credential that opens it.</summary>
internal sealed class Flow : IShared, IRevised
{
    public const int NameLength = 255;
    public const int DescriptionLength = 2000;

    /// <summary>The longest <see cref="Config"/>, in characters.</summary>
    public const int ConfigLength = 65_536;

    /// <summary>The longest <see cref="IngestMethod"/>, in characters.</summary>
    public const int IngestMethodLength = 100;

    public const string UsualType = "rest";

    public int Id { get; init; }

    public FlowKind Kind { get; init; }

    public int OwnerId { get; init; }

    public Account? Owner { get; init; }

    public required string Name { get; set; }

    public string? Description { get; set; }

    /// <summary>The name of an entry in ReSci's catalogue of endpoints, e.g. <c>list_import_jobs</c>.</summary>
    public required string Endpoint { get; set; }

    /// <summary>Null exactly when <see cref="Status"/> is <see cref="FlowStatus.Init"/>.</summary>
    public int? CredentialId { get; set; }

    public Credential? Credential { get; set; }

    public FlowStatus Status { get; set; }

    public ICollection<Accessor> Accessors { get; init; } = [];

    /// <summary>What the program that made it calls its type, to be given back to it; it says nothing else.</summary>
    public string Type { get; init; } = UsualType;

    /// <summary>A JSON object that a program keeps with it, as in Nexla's <c>source_config</c>. Never run.</summary>
    public string? Config { get; set; }

    /// <summary>How a program says that it reads, as in Nexla's <c>ingest_method</c>; it says nothing else.</summary>
    public string? IngestMethod { get; init; }

    /// <summary>As <see cref="TagRules"/> has them.</summary>
    public string[] Tags { get; set; } = [];

    /// <summary>The number of a program's data set, as in Nexla's <c>data_set_id</c>. There are none here.</summary>
    public int? DataSetId { get; set; }

    /// <summary>The source or destination it is a copy of, which may be gone.</summary>
    public int? CopiedFromId { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Sent with the form that made the row: a form sent twice makes one.</summary>
    public Guid OperationId { get; init; }

    public int Revision { get; set; }
}
