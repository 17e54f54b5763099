using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>What a person filled in at the step Configure.</summary>
/// <param name="Endpoint">The name of an entry in ReSci's catalogue of endpoints.</param>
/// <param name="OperationId">The same for every attempt to save the same form: sent twice, it makes one.</param>
internal sealed record NewFlow(FlowKind Kind, string? Name, string? Description, string? Endpoint, int CredentialId, Guid OperationId)
{
    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check()
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        if (TextRules.CheckName(Name, Flow.NameLength) is { } name)
        {
            errors["name"] = name;
        }

        if (TextRules.CheckDescription(Description, Flow.DescriptionLength) is { } description)
        {
            errors["description"] = description;
        }

        if (Endpoint is null || ReSciEndpoints.Find(Endpoint) is not { } endpoint || endpoint.Kind != Kind)
        {
            errors["endpoint"] = "Choose an endpoint.";
        }

        return errors;
    }
}

/// <summary>What came of making or changing a source or destination.</summary>
internal abstract record FlowOutcome
{
    public sealed record Done(int Id) : FlowOutcome;

    /// <param name="Errors">What to do, by field: name, description, endpoint, credential.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : FlowOutcome;

    /// <summary>Somebody else changed it since the person looked; nothing was changed now.</summary>
    public sealed record ChangedMeanwhile : FlowOutcome;

    public sealed record NotFound : FlowOutcome;
}

/// <summary>What was done with a source or destination and with its access tokens.</summary>
/// <param name="Entries">The newest first.</param>
/// <param name="Tokens">The names of the tokens that the entries are about, by id.</param>
public sealed record FlowActivity(IReadOnlyList<AuditEntry> Entries, IReadOnlyDictionary<int, string> Tokens, bool HasMore)
{
    public static FlowActivity None { get; } = new([], new Dictionary<int, string>(), HasMore: false);
}

/// <summary>A source or destination as pages show it.</summary>
/// <param name="CredentialStatus">The last definite verdict about the credential's key.</param>
/// <param name="CredentialDoubtedAt">When ReSci refused the key once, and was not asked again yet.</param>
/// <param name="Revision">Sent back with a change, so that a change made meanwhile is noticed.</param>
public sealed record FlowView(
    int Id,
    FlowKind Kind,
    string Name,
    string? Description,
    string Endpoint,
    FlowStatus Status,
    int CredentialId,
    string CredentialName,
    VerifiedStatus CredentialStatus,
    DateTimeOffset? CredentialDoubtedAt,
    string OwnerName,
    DateTimeOffset CreatedAt,
    int Revision);
