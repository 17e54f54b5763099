using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>Credentials as programs get them.</summary>
internal sealed class CredentialAnswers(CredentialVault vault, IOptions<ReSciOptions> resci)
{
    // What ReSci's generic form would say of it, for programs that look: nothing of it is secret.
    private readonly IReadOnlyDictionary<string, string> _nonSecure = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["auth.type"] = "API_KEY",
        ["api.key.include.mode"] = "HEADER",
        ["api.key.auth.key"] = "Authorization",
        ["test.url"] = new Uri(resci.Value.BaseUri, resci.Value.ProbePath).AbsoluteUri,
        ["test.method"] = "GET",
        ["test.content.type"] = ApiAnswer.MediaType,
    };

    /// <summary>Null when there is none that the person may see.</summary>
    /// <param name="expand">With the sources and destinations that use it.</param>
    public async Task<CredentialAnswer?> FindAsync(Person person, int id, bool expand, CancellationToken cancellationToken)
    {
        if (await vault.FindAsync(person, id, cancellationToken) is not { } view)
        {
            return null;
        }

        var references = await vault.ListReferencesAsync(person, [id], cancellationToken);
        var answer = CredentialAnswer.Of(view, references[id], _nonSecure);
        return expand
            ? answer with { DataSources = UseAnswer.Of(references[id], FlowKind.Source), DataSinks = UseAnswer.Of(references[id], FlowKind.Destination) }
            : answer;
    }

    /// <summary>The answer of a route that made, changed or shows one.</summary>
    public async Task<Results<ApiAnswer<CredentialAnswer>, ApiError>> ShowAsync(
        Person person, int id, HttpResponse response, CancellationToken cancellationToken, bool expand = false)
    {
        if (await FindAsync(person, id, expand, cancellationToken) is not { } answer)
        {
            return ApiError.NotFound(CredentialVault.ItemType, id);
        }

        response.Headers.ETag = $"\"{answer.Revision}\"";
        return ApiAnswer.Of(answer, CredentialJson.Default.CredentialAnswer);
    }

    public async Task<CredentialAnswer[]> OfAsync(Person person, IReadOnlyList<CredentialTileView> views, CancellationToken cancellationToken)
    {
        var references = await vault.ListReferencesAsync(person, [.. views.Select(view => view.Id)], cancellationToken);
        return [.. views.Select(view => CredentialAnswer.Of(view, references[view.Id], nonSecure: null))];
    }
}

/// <summary>A credential as Nexla's SDK expects it, and what we know besides. There is no place for a key in it.</summary>
internal sealed record CredentialAnswer
{
    public required int Id { get; init; }

    public required string Name { get; init; }

    public required string CredentialsType { get; init; }

    public required string? Description { get; init; }

    public required ApiOwner Owner { get; init; }

    public Organization Org { get; } = Organization.Own;

    public required string[] AccessRoles { get; init; }

    public bool Managed { get; }

    /// <summary>Counts key changes, from 1. A text: the SDK refuses a number.</summary>
    public required string CredentialsVersion { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? CredentialsNonSecureData { get; init; }

    /// <summary>VERIFIED, UNVERIFIED or FAILED.</summary>
    public required string VerifiedStatus { get; init; }

    public required DateTimeOffset? VerifiedAt { get; init; }

    public ApiConnector Connector { get; } = ApiConnector.ReSci;

    public ApiVendor Vendor { get; } = ApiVendor.ReSci;

    public TemplateAnswer AuthTemplate { get; } = TemplateAnswer.ApiKey;

    public string? TemplateConfig { get; }

    public string[] ApiKeys { get; } = [];

    public required int? CopiedFromId { get; init; }

    public required IReadOnlyDictionary<string, int[]> ReferencedResourceIds { get; init; }

    public required IReadOnlyList<string> Tags { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; init; }

    public required string? KeyFingerprint { get; init; }

    /// <summary>The last four characters, only of keys of at least 20.</summary>
    public required string? KeyHint { get; init; }

    public required DateTimeOffset? KeySetAt { get; init; }

    /// <summary>The last day on which the key is good.</summary>
    public required DateOnly? KeyExpiresAt { get; init; }

    public required DateTimeOffset? LastUsedAt { get; init; }

    public required DateTimeOffset? LastCheckedAt { get; init; }

    /// <summary>What the last check found and what to do about it, in sentences.</summary>
    public required string? CheckResult { get; init; }

    /// <summary>A key that is to replace the present one waits for a decision.</summary>
    public required bool PendingKey { get; init; }

    public required bool Undecryptable { get; init; }

    /// <summary>Sent back as <c>If-Match</c>, a change made meanwhile is noticed.</summary>
    public required int Revision { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UseAnswer[]? DataSources { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public UseAnswer[]? DataSinks { get; init; }

    public static CredentialAnswer Of(
        CredentialTileView view, IEnumerable<UseReference> references, IReadOnlyDictionary<string, string>? nonSecure) => new()
        {
            Id = view.Id,
            Name = view.Name,
            CredentialsType = view.Type,
            Description = view.Description,
            Owner = new ApiOwner(view.OwnerId, view.OwnerName, view.OwnerEmail),
            AccessRoles = [view.Role.ToName()],
            CredentialsVersion = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{view.Version}"),
            CredentialsNonSecureData = nonSecure,
            VerifiedStatus = view.VerifiedStatus.ToString().ToUpperInvariant(),
            VerifiedAt = view.VerifiedAt,
            CopiedFromId = view.CopiedFromId,
            ReferencedResourceIds = UseAnswer.IdsOf(references),
            Tags = view.Tags,
            CreatedAt = view.CreatedAt,
            UpdatedAt = view.UpdatedAt,
            KeyFingerprint = view.Fingerprint,
            KeyHint = view.LastFour,
            KeySetAt = view.KeySetAt,
            KeyExpiresAt = view.ExpiresOn,
            LastUsedAt = view.LastUsedAt,
            LastCheckedAt = view.CheckedAt,
            CheckResult = view.LastCheck,
            PendingKey = view.HasPendingKey,
            Undecryptable = view.CannotBeDecrypted,
            Revision = view.Revision,
        };
}

internal sealed record TemplateAnswer(int Id, string Name)
{
    public static TemplateAnswer ApiKey { get; } = new(1, "resci.api_key");
}

/// <summary>A source or destination that uses a credential.</summary>
internal sealed record UseAnswer(int Id, string Name, string Status)
{
    public static UseAnswer[] Of(IEnumerable<UseReference> references, FlowKind kind) =>
        [.. references.Where(use => use.Kind == kind).Select(use => new UseAnswer(use.Id, use.Name, use.Status.ToString().ToUpperInvariant()))];

    /// <summary>The ids by collection; of what the person may not see there is none.</summary>
    public static IReadOnlyDictionary<string, int[]> IdsOf(IEnumerable<UseReference> references)
    {
        var byKind = references.ToLookup(use => use.Kind, use => use.Id);
        return new Dictionary<string, int[]>(StringComparer.Ordinal)
        {
            ["data_sources"] = [.. byKind[FlowKind.Source]],
            ["data_sinks"] = [.. byKind[FlowKind.Destination]],
        };
    }
}

/// <summary>What came of a test call.</summary>
internal sealed record ProbeAnswer
{
    /// <summary><c>success</c>; <c>completed</c> when it was asked for with <c>async=true</c>.</summary>
    public required string Status { get; init; }

    public required string Message { get; init; }

    public string ConnectionType { get; } = ApiConnector.Rest;

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? VerifiedStatus { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProbeOutput? Output { get; init; }

    /// <summary>ReSci was asked a moment ago and not again.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Cached { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? RequestId { get; init; }

    /// <summary>In per cent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Progress { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProbeResult? Result { get; init; }

    /// <summary>Of a key that ReSci accepted.</summary>
    public static ProbeAnswer Accepted(RecentVerdict recent) => new()
    {
        Status = "success",
        Message = "ReSci accepted the key",
        VerifiedStatus = Storage.VerifiedStatus.Verified.ToString().ToUpperInvariant(),
        Output = ProbeOutput.Of(recent),
        Cached = recent.IsCached,
    };

    /// <summary>Of any verdict, asked for with <c>async=true</c>.</summary>
    public static ProbeAnswer Finished(RecentVerdict recent, string request) => new()
    {
        Status = "completed",
        Message = recent.Verdict.Title,
        Output = ProbeOutput.Of(recent),
        Cached = recent.IsCached,
        RequestId = request,
        Progress = 100,
        Result = new ProbeResult(
            recent.Verdict.Outcome switch
            {
                VerdictOutcome.Accepted => "success",
                VerdictOutcome.Refused => "failed",
                VerdictOutcome.CannotTell => "unknown",
            },
            recent.Verdict.Title,
            ProbeErrors.CodeOf(recent.Verdict)),
    };
}

/// <param name="StatusCode">Of ReSci's answer; null when none came.</param>
/// <param name="LatencyMs">In milliseconds.</param>
internal sealed record ProbeOutput([property: JsonPropertyName("statusCode")] int? StatusCode, long LatencyMs, DateTimeOffset CheckedAt)
{
    public static ProbeOutput Of(RecentVerdict recent) => new(recent.Verdict.HttpStatus, (long)recent.Verdict.Latency.TotalMilliseconds, recent.At);
}

/// <param name="Status"><c>success</c>, <c>failed</c> or <c>unknown</c>.</param>
/// <param name="Error">As in an error's body; null on success.</param>
internal sealed record ProbeResult(string Status, string Message, string? Error);

/// <summary>A verdict as an error.</summary>
internal static class ProbeErrors
{
    private const int UsualRetry = 30;

    /// <summary>Null for an accepted key.</summary>
    public static string? CodeOf(Verdict verdict) => verdict.Outcome switch
    {
        VerdictOutcome.Accepted => null,
        VerdictOutcome.Refused => "key_rejected",
        VerdictOutcome.CannotTell => verdict.Step is VerdictStep.RateLimited ? "resci_rate_limited" : "resci_unreachable",
    };

    /// <summary>403 for a refused key, 424 when nothing was learnt: neither is repeated by a program by itself. Null for an accepted key.</summary>
    /// <param name="id">Null for a key that is not stored.</param>
    public static ApiError? Of(Verdict verdict, int? id)
    {
        var error = verdict.Outcome switch
        {
            VerdictOutcome.Accepted => null,
            VerdictOutcome.Refused => new ApiError(StatusCodes.Status403Forbidden, CodeOf(verdict)!, $"{verdict.Title} {verdict.Advice}"),
            VerdictOutcome.CannotTell => new ApiError(StatusCodes.Status424FailedDependency, CodeOf(verdict)!, $"{verdict.Title} {verdict.Advice}")
            {
                RetryAfter = verdict.RetryAfter is { } wait ? (int)Math.Ceiling(wait.TotalSeconds) : UsualRetry,
            },
        };
        return id is null || error is null
            ? error
            : error with { ResourceType = CredentialVault.ItemType, ResourceId = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{id}") };
    }

    /// <summary>The stored key does not open.</summary>
    public static ApiError Undecryptable(int id) => new(
        StatusCodes.Status409Conflict, "undecryptable", "The stored key cannot be opened. Replace it, or put the database back as it was.")
    {
        ResourceType = CredentialVault.ItemType,
        ResourceId = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{id}"),
    };
}

/// <summary>What can be sampled with a credential, as the SDK expects it.</summary>
internal sealed record TreeAnswer(string Status, string Message, string ConnectionType, IReadOnlyDictionary<string, TreeNode> Object)
{
    public static TreeAnswer ReSci { get; } = new(
        "ok",
        "Ok",
        ApiConnector.Rest,
        new Dictionary<string, TreeNode>(StringComparer.Ordinal) { ["import_jobs"] = new("collection", new Dictionary<string, string>()) });
}

internal sealed record TreeNode(string Type, IReadOnlyDictionary<string, string> Value);

/// <summary>A few records, as the SDK expects them.</summary>
internal sealed record SampleAnswer(string Status, string Message, string ConnectionType, SampleOutput Output);

/// <param name="Response">JSON, as text.</param>
internal sealed record SampleOutput(
    [property: JsonPropertyName("contentType")] string ContentType,
    [property: JsonPropertyName("statusCode")] int StatusCode,
    string Response);

/// <summary>The keys of a credential as programs get them. There is no place for a key in it.</summary>
/// <param name="CredentialsVersion">Counts key changes, from 1.</param>
internal sealed record KeysAnswer(int CredentialId, string CredentialsVersion, KeyAnswer Current, PendingKeyAnswer? Pending, PreviousKeyAnswer? Previous)
{
    public static KeysAnswer Of(int id, CredentialKeys keys) => new(
        id,
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{keys.Version}"),
        KeyAnswer.Of(keys.Current),
        keys.Pending is { } pending
            ? new PendingKeyAnswer(
                KeyAnswer.Of(pending.Key), pending.EnteredBy, pending.Verdict.Status.ToString().ToUpperInvariant(), pending.Verdict.CheckedAt, pending.Verdict.Text)
            : null,
        keys.Previous is { } previous ? new PreviousKeyAnswer(KeyAnswer.Of(previous.Key), previous.WipedAt) : null);
}

/// <param name="Uid">Names the key in a decision about it.</param>
internal sealed record KeyAnswer(Guid Uid, string? Fingerprint, string? Hint, DateTimeOffset? SetAt, bool Undecryptable)
{
    public static KeyAnswer Of(StoredKey key) => new(key.Uid, key.Fingerprint, key.LastFour, key.SetAt, !key.Opens);
}

internal sealed record PendingKeyAnswer(KeyAnswer Key, string? EnteredBy, string VerifiedStatus, DateTimeOffset? LastCheckedAt, string? CheckResult);

/// <param name="WipedAt">Until when one can roll back to it.</param>
internal sealed record PreviousKeyAnswer(KeyAnswer Key, DateTimeOffset WipedAt);

/// <summary>What ReSci said of the waiting key and of the current one in the same moment.</summary>
/// <param name="Current">Null when the current key does not open.</param>
internal sealed record SideBySideAnswer(ProbeResult Pending, ProbeResult? Current)
{
    public static SideBySideAnswer Of(SideBySide tested) => new(Of(tested.Pending), tested.Current is { } current ? Of(current) : null);

    private static ProbeResult Of(Verdict verdict) => ProbeAnswer.Finished(new RecentVerdict(verdict, default, false), "").Result!;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowReadingFromString,
    Converters = [typeof(ApiTime)])]
[JsonSerializable(typeof(CredentialRequest))]
[JsonSerializable(typeof(CopyRequest))]
[JsonSerializable(typeof(SampleRequest))]
[JsonSerializable(typeof(TreeRequest))]
[JsonSerializable(typeof(PendingKeyRequest))]
[JsonSerializable(typeof(KeyDecisionRequest))]
[JsonSerializable(typeof(CredentialAnswer[]))]
[JsonSerializable(typeof(ProbeAnswer))]
[JsonSerializable(typeof(TreeAnswer))]
[JsonSerializable(typeof(SampleAnswer))]
[JsonSerializable(typeof(KeysAnswer))]
[JsonSerializable(typeof(SideBySideAnswer))]
[JsonSerializable(typeof(ApiDone))]
[JsonSerializable(typeof(int))]
internal sealed partial class CredentialJson : JsonSerializerContext;
