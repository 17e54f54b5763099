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

    /// <summary>The person's role does not allow it; nothing was changed.</summary>
    public sealed record Forbidden : FlowOutcome;

    /// <summary>There is none that the person may see.</summary>
    public sealed record NotFound : FlowOutcome;
}

/// <summary>A source or destination as pages show it.</summary>
public sealed record FlowView
{
    public required int Id { get; init; }

    public required FlowKind Kind { get; init; }

    public required string Name { get; init; }

    public required string? Description { get; init; }

    public required string Endpoint { get; init; }

    public required FlowStatus Status { get; init; }

    /// <summary>Null when the credential is not shared with the person who looks, as the two that follow.</summary>
    public required int? CredentialId { get; init; }

    public required string? CredentialName { get; init; }

    /// <summary>The last definite verdict about the credential's key.</summary>
    public required VerifiedStatus? CredentialStatus { get; init; }

    /// <summary>False when the credential is no longer shared with the owner: then it stands still.</summary>
    public required bool OwnerMayUseCredential { get; init; }

    public required string OwnerName { get; init; }

    /// <summary>What the person who looks may do with it.</summary>
    public required AccessRole Role { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Sent back with a change, so that a change made meanwhile is noticed.</summary>
    public required int Revision { get; init; }
}
