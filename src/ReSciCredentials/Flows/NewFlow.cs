using ReSciCredentials.Api;
using ReSciCredentials.Audit;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>What a person filled in at the step Configure, or a program sent.</summary>
/// <param name="Endpoint">The name of an entry in ReSci's catalogue of endpoints.</param>
/// <param name="CredentialId">Null for one that gets its credential later, or with <see cref="Credential"/>.</param>
/// <param name="OperationId">The same for every attempt to save the same form: sent twice, it makes one.</param>
internal sealed record NewFlow(FlowKind Kind, string? Name, string? Description, string? Endpoint, int? CredentialId, Guid OperationId)
{
    /// <summary>A credential to be made with it, in one step, in place of one that is there.</summary>
    public NewCredential? Credential { get; init; }

    /// <summary>As <see cref="Flow.Type"/>.</summary>
    public string Type { get; init; } = Flow.UsualType;

    /// <summary>As <see cref="Flow.Config"/>.</summary>
    public string? Config { get; init; }

    /// <summary>As <see cref="Flow.DataSetId"/>.</summary>
    public int? DataSetId { get; init; }

    /// <summary>As <see cref="Flow.IngestMethod"/>.</summary>
    public string? IngestMethod { get; init; }

    /// <summary>As they were sent; kept as <see cref="TagRules"/> has them.</summary>
    public IReadOnlyCollection<string?> Tags { get; init; } = [];

    /// <summary>The texts that are shown, by field: no key belongs there.</summary>
    public (string Field, string? Text)[] Texts =>
        [("name", Name), ("description", Description), ("config", Config), ("tags", TagRules.TextOf(Tags)), ("ingest_method", IngestMethod)];

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

        if (FlowChange.CheckConfig(Config) is { } config)
        {
            errors["config"] = config;
        }

        if (TagRules.Check(Tags) is { } tags)
        {
            errors["tags"] = tags;
        }

        if (IngestMethod is { Length: > Flow.IngestMethodLength } || IngestMethod?.Any(char.IsControl) is true)
        {
            errors["ingest_method"] = $"Send one word, such as POLL, of at most {Flow.IngestMethodLength} characters.";
        }

        return errors;
    }
}

/// <summary>What a program sent to change: each field of its own.</summary>
internal sealed record FlowChange
{
    /// <summary>Null leaves it as it is, as for those that follow.</summary>
    public string? Name { get; init; }

    /// <summary>Clears it when null was sent.</summary>
    public SentText Description { get; init; }

    /// <summary>Replaces the whole object.</summary>
    public string? Config { get; init; }

    public int? DataSetId { get; init; }

    /// <summary>Replace all that there are.</summary>
    public IReadOnlyCollection<string?>? Tags { get; init; }

    /// <summary>Another credential, which both the person and the owner may use. What had none yet is active with it.</summary>
    public int? CredentialId { get; init; }

    /// <summary>
    /// The texts that will be shown, by field: no key belongs there. With another credential those that stay are looked at too, because its key may stand in them.
    /// </summary>
    public (string Field, string? Text)[] TextsOf(FlowView present)
    {
        var stays = CredentialId is null ? null : present;
        return
        [
            ("name", Name ?? stays?.Name),
            ("description", Description.IsSent ? Description.Text : stays?.Description),
            ("config", Config ?? stays?.Config),
            ("tags", TagRules.TextOf(Tags ?? stays?.Tags)),
            ("ingest_method", stays?.IngestMethod),
        ];
    }

    /// <returns>Messages by field; empty when all is well.</returns>
    public Dictionary<string, string> Check()
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Name is not null && TextRules.CheckName(Name, Flow.NameLength) is { } name)
        {
            errors["name"] = name;
        }

        if (TextRules.CheckDescription(Description.Text, Flow.DescriptionLength) is { } description)
        {
            errors["description"] = description;
        }

        if (CheckConfig(Config) is { } config)
        {
            errors["config"] = config;
        }

        if (TagRules.Check(Tags) is { } tags)
        {
            errors["tags"] = tags;
        }

        return errors;
    }

    /// <summary>Only after <see cref="Check"/> found nothing.</summary>
    /// <returns>The fields that are other ones now.</returns>
    public IReadOnlyCollection<AuditChange> ApplyTo(Flow flow)
    {
        var changed = new List<AuditChange>();
        if (TextRules.OrNull(Name) is { } name && name != flow.Name)
        {
            changed.Add(AuditChange.Of(AuditField.Name, flow.Name, name));
            flow.Name = name;
        }

        if (Description.IsSent && TextRules.OrNull(Description.Text) is var description && description != flow.Description)
        {
            changed.Add(AuditChange.Of(AuditField.Description, flow.Description, description));
            flow.Description = description;
        }

        if (Config is not null && Config != flow.Config)
        {
            // It may be long, and says nothing to this server: that it changed is told, not how.
            changed.Add(AuditChange.Of(AuditField.Config, (string?)null, null));
            flow.Config = Config;
        }

        if (DataSetId is not null && DataSetId != flow.DataSetId)
        {
            changed.Add(AuditChange.Of(AuditField.DataSetId, flow.DataSetId, DataSetId));
            flow.DataSetId = DataSetId;
        }

        if (Tags is not null && TagRules.Clean(Tags) is var tags && !tags.SequenceEqual(flow.Tags))
        {
            changed.Add(AuditChange.Of(AuditField.Tags, flow.Tags, tags));
            flow.Tags = tags;
        }

        if (CredentialId is { } credential && credential != flow.CredentialId)
        {
            changed.Add(AuditChange.Of(AuditField.Credential, flow.CredentialId, credential));
            flow.CredentialId = credential;
        }

        if (flow is { Status: FlowStatus.Init, CredentialId: not null })
        {
            changed.Add(AuditChange.Of(AuditField.Status, FlowService.Spell(flow.Status), FlowService.Spell(FlowStatus.Active)));
            flow.Status = FlowStatus.Active;
        }

        return changed;
    }

    /// <summary>What to do about an object that is to be kept, or null when it is fine.</summary>
    public static string? CheckConfig(string? config) =>
        config is { Length: > Flow.ConfigLength } ? $"This is longer than {Flow.ConfigLength} characters of JSON." : null;
}

/// <summary>What came of making or changing a source or destination.</summary>
internal abstract record FlowOutcome
{
    public sealed record Done(int Id) : FlowOutcome;

    /// <summary>The credential that was to be made with it was not; nothing was.</summary>
    public sealed record CredentialRefused(SaveOutcome Outcome) : FlowOutcome;

    /// <summary>The key of the credential that was to be copied with it does not open; nothing was made.</summary>
    public sealed record Undecryptable(int CredentialId) : FlowOutcome;

    /// <summary>The person's role with the credential that was to be copied with it does not allow that; nothing was made.</summary>
    public sealed record CredentialForbidden(int CredentialId) : FlowOutcome;

    /// <param name="Errors">What to do, by field: name, description, endpoint, credential, config, tags, ingest_method.</param>
    public sealed record Invalid(IReadOnlyDictionary<string, string> Errors) : FlowOutcome;

    /// <summary>Somebody else changed it since the person looked; nothing was changed now.</summary>
    public sealed record ChangedMeanwhile : FlowOutcome;

    /// <summary>The person's role does not allow it; nothing was changed.</summary>
    public sealed record Forbidden : FlowOutcome;

    /// <summary>There is none that the person may see.</summary>
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
public sealed record FlowView
{
    public required int Id { get; init; }

    public required FlowKind Kind { get; init; }

    public required string Name { get; init; }

    public required string? Description { get; init; }

    public required string Endpoint { get; init; }

    public required FlowStatus Status { get; init; }

    /// <summary>
    /// Null when the credential is not shared with the person who looks, as the three that follow; or when there is none yet, which <see cref="Status"/> tells.
    /// </summary>
    public required int? CredentialId { get; init; }

    public required string? CredentialName { get; init; }

    /// <summary>The last definite verdict about the credential's key.</summary>
    public required VerifiedStatus? CredentialStatus { get; init; }

    /// <summary>When ReSci refused the key once, and was not asked again yet.</summary>
    public required DateTimeOffset? CredentialDoubtedAt { get; init; }

    /// <summary>False when the credential is no longer shared with the owner, or there is none yet: then it stands still.</summary>
    public required bool OwnerMayUseCredential { get; init; }

    /// <summary>What the program that made it calls its type.</summary>
    public required string Type { get; init; }

    /// <summary>The JSON object that a program keeps with it.</summary>
    public required string? Config { get; init; }

    public required int? DataSetId { get; init; }

    /// <summary>How a program says that it reads.</summary>
    public required string? IngestMethod { get; init; }

    /// <summary>What programs look for it by.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    public required int? CopiedFromId { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    public required int OwnerId { get; init; }

    public required string OwnerEmail { get; init; }

    public required string OwnerName { get; init; }

    /// <summary>What the person who looks may do with it.</summary>
    public required AccessRole Role { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Sent back with a change, so that a change made meanwhile is noticed.</summary>
    public required int Revision { get; init; }
}
