using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.ReSci;

namespace ReSciCredentials.Credentials;

/// <summary>What a program sends to make, change or try a credential. A change is partial; only <see cref="Credentials"/> is replaced whole.</summary>
internal sealed record CredentialRequest : IApiRequest<CredentialRequest>
{
    public static JsonTypeInfo<CredentialRequest> Json => CredentialJson.Default.CredentialRequest;

    public static ApiExample[] NewOnes { get; } =
    [
        new("ReSci’s own short form", """{ "name": "Production", "credentials_type": "resci", "description": "Customer data", "tags": ["nightly"], "credentials": { "api_key": "YOUR_RESCI_API_KEY" } }"""),
        new("Nexla’s generic form of a REST connection", """
            {
              "name": "Production",
              "credentials_type": "rest",
              "credentials": {
                "auth.type": "API_KEY",
                "api.key.include.mode": "HEADER",
                "api.key.auth.key": "Authorization",
                "api.key.auth.value": "ApiKey YOUR_RESCI_API_KEY",
                "test.method": "GET",
                "test.content.type": "application/json"
              }
            }
            """),
        new("A template’s form", """{ "name": "Production", "credentials_type": "rest", "auth_template_id": 1, "vendor_id": 1, "template_config": { "api_key": "YOUR_RESCI_API_KEY" } }"""),
    ];

    public static ApiExample[] Changes { get; } =
    [
        new("Another name; the key stays", """{ "name": "Production, EU" }"""),
        new("Another key; the old one is kept for a while", """{ "credentials": { "api_key": "YOUR_RESCI_API_KEY" } }"""),
        new("No description", """{ "description": null }"""),
        new("Other tags, in the place of all that there are", """{ "tags": ["nightly", "warehouse"] }"""),
    ];

    public string? Name { get; init; }

    public string? CredentialsType { get; init; }

    /// <summary>A null that is sent clears it.</summary>
    public SentText Description { get; init; }

    /// <summary>The key, in ReSci's own short form or the generic one of a REST connection.</summary>
    public KeyForm? Credentials { get; init; }

    /// <summary>The key, in the form of a template.</summary>
    public KeyForm? TemplateConfig { get; init; }

    /// <summary>The id of the template's form. There is one template, whatever number a program has for it; so also for the vendor's.</summary>
    public int? AuthTemplateId { get; init; }

    /// <inheritdoc cref="AuthTemplateId"/>
    public int? VendorId { get; init; }

    /// <summary>In a change they replace all that there are.</summary>
    public string?[]? Tags { get; init; }

    /// <summary>Reads the key out of the form it was sent in.</summary>
    /// <param name="errors">What is at fault is added, by field.</param>
    /// <returns>Null when no form was sent, or it is at fault.</returns>
    public SentKey? ReadKey(ReSciOptions resci, IDictionary<string, string> errors)
    {
        if (Credentials is not null && TemplateConfig is not null)
        {
            errors["template_config"] = "Send the key in credentials or in template_config, not in both.";
            return null;
        }

        return Credentials?.Read("credentials", resci, errors) ?? TemplateConfig?.Read("template_config", resci, errors);
    }

    /// <summary>A new credential as it was meant, or what is wrong with it before the key itself is looked at.</summary>
    /// <param name="saveUnverified">The query says to save without asking ReSci.</param>
    /// <param name="prefix">Where in a larger request this one stands, e.g. <c>data_credentials.</c></param>
    public (NewCredential? Input, SentKey? Key, Dictionary<string, string> Errors) ReadNew(
        ReSciOptions resci, bool saveUnverified, Guid operation, string prefix = "")
    {
        var errors = new Dictionary<string, string>(StringComparer.Ordinal);
        var type = CredentialsType?.Trim();
        if (string.IsNullOrEmpty(type))
        {
            errors["credentials_type"] = "Say rest or resci.";
        }
        else if (!ApiVendor.IsOurs(type))
        {
            errors["credentials_type"] = "This server keeps credentials for ReSci alone: say rest or resci.";
        }

        var key = ReadKey(resci, errors);
        if (key is null && Credentials is null && TemplateConfig is null)
        {
            errors["credentials"] = "Send the API key: credentials with api_key in it.";
        }

        if (errors.Count > 0)
        {
            return (null, key, errors.ToDictionary(error => prefix + error.Key, error => error.Value, StringComparer.Ordinal));
        }

        return (
            new NewCredential(Name, Description.Text, key!.Text, operation, Unverified: saveUnverified || key.SkipsValidation, Same: true)
            {
                Type = type!,
                Tags = Tags ?? [],
                EvenIfUnclear = true,
            },
            key,
            errors);
    }

    // Somebody will print this one day.
    public override string ToString() => nameof(CredentialRequest);
}

/// <summary>A key as a program sent it.</summary>
/// <param name="Field">Where it stood, for messages about it.</param>
/// <param name="SkipsValidation">The program wants it stored without asking ReSci.</param>
internal sealed record SentKey(string Text, string Field, bool SkipsValidation)
{
    /// <summary>The field of the request for a field of the vault's.</summary>
    public string FieldOf(string field, string prefix = "") => prefix + (field == "key" ? Field : field);

    // Somebody will print this one day.
    public override string ToString() => nameof(SentKey);
}

/// <summary>The forms in which a key is sent: ReSci's own (<c>api_key</c>), Nexla's generic REST connection (dotted names), and a template's.</summary>
internal sealed record KeyForm
{
    private const string Header = "Authorization";

    public string? ApiKey { get; init; }

    public string? ApiKeyValue { get; init; }

    [JsonPropertyName("auth.type")]
    public string? AuthType { get; init; }

    [JsonPropertyName("api.key.include.mode")]
    public string? IncludeMode { get; init; }

    [JsonPropertyName("api.key.auth.key")]
    public string? AuthKey { get; init; }

    [JsonPropertyName("api.key.auth.value")]
    public string? AuthValue { get; init; }

    [JsonPropertyName("test.url")]
    public string? TestUrl { get; init; }

    [JsonPropertyName("test.method")]
    public string? TestMethod { get; init; }

    [JsonPropertyName("test.content.type")]
    public string? TestContentType { get; init; }

    [JsonPropertyName("skip.validation")]
    public bool? SkipValidation { get; init; }

    [JsonPropertyName("ignore.ssl.cert.validation")]
    public bool? IgnoreCertificate { get; init; }

    [JsonPropertyName("request.headers")]
    public JsonElement RequestHeaders { get; init; }

    /// <param name="place">Where the form stands in the request.</param>
    public SentKey? Read(string place, ReSciOptions resci, IDictionary<string, string> errors)
    {
        var before = errors.Count;
        Refuse(AuthType is not (null or "API_KEY"), "auth.type", "ReSci knows API_KEY alone.");
        Refuse(IncludeMode is not (null or "HEADER"), "api.key.include.mode", "The key goes out in a header: say HEADER.");
        Refuse(
            AuthKey is not null && !AuthKey.Trim().Equals(Header, StringComparison.OrdinalIgnoreCase), "api.key.auth.key", $"ReSci reads the key from the header {Header}.");
        Refuse(TestUrl is not null && !IsAllowed(TestUrl, resci), "test.url", $"Keys are sent to these hosts alone: {string.Join(", ", resci.EffectiveHosts)}.");
        Refuse(TestMethod is not null && TestMethod.ToUpperInvariant() is not ("GET" or "POST"), "test.method", "Say GET or POST.");
        Refuse(IgnoreCertificate is true, "ignore.ssl.cert.validation", "The certificate of ReSci is always checked.");
        Refuse(HasHeaders, "request.headers", "No other headers are sent to ReSci. Leave this out.");

        (string Name, string Text)[] keys =
            [.. new[] { ("api_key", ApiKey), ("api_key_value", ApiKeyValue), ("api.key.auth.value", AuthValue) }
                .Where(key => !string.IsNullOrWhiteSpace(key.Item2)).Select(key => (key.Item1, key.Item2!))];
        Refuse(keys.Length == 0, "api_key", "Send the API key here.");
        Refuse(keys.Length > 1, keys.LastOrDefault().Name ?? "", "Send the API key once.");
        return errors.Count == before ? new SentKey(keys[0].Text, $"{place}.{keys[0].Name}", SkipValidation is true) : null;

        void Refuse(bool wrong, string field, string message)
        {
            if (wrong)
            {
                errors[$"{place}.{field}"] = message;
            }
        }
    }

    // Somebody will print this one day.
    public override string ToString() => nameof(KeyForm);

    private bool HasHeaders => RequestHeaders.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => false,
        JsonValueKind.Object => RequestHeaders.EnumerateObject().Any(),
        JsonValueKind.Array => RequestHeaders.GetArrayLength() > 0,
        JsonValueKind.String => RequestHeaders.GetString() is { Length: > 0 },
        _ => true,
    };

    // It is never called: a test reads ReSci:ProbePath. Refused all the same, because the program means to send the key there.
    private static bool IsAllowed(string address, ReSciOptions resci) =>
        Uri.TryCreate(address.Trim(), UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback)
        && (resci.EffectiveHosts.Contains(uri.Host.Trim('[', ']'), StringComparer.OrdinalIgnoreCase) || uri.Authority == resci.BaseUri.Authority);
}

/// <summary>What a program sends to copy something. Nothing needs to be said.</summary>
internal sealed record CopyRequest : IApiRequest<CopyRequest>
{
    public static JsonTypeInfo<CopyRequest> Json => CredentialJson.Default.CopyRequest;

    public static ApiExample Shared { get; } = new("Shared with the same people", """{ "copy_access_controls": true }""");

    public static ApiExample WithSameCredential { get; } = new("With the same credential", """{ "reuse_data_credentials": true }""");

    /// <summary>Shares the copy with those the original is shared with.</summary>
    public bool? CopyAccessControls { get; init; }

    /// <summary>Of a source or destination: the copy uses the same credential, instead of a copy of it.</summary>
    public bool? ReuseDataCredentials { get; init; }

    public int? OwnerId { get; init; }

    public int? OrgId { get; init; }

    public ApiError? Check(Person person) =>
        OwnerId is { } owner && owner != person.Id ? ApiError.Invalid("owner_id", "A copy belongs to whoever makes it. Share it with others afterwards.")
        : OrgId is { } org && org != Organization.Own.Id ? ApiError.Invalid("org_id", $"There is one organisation here, {Organization.Own.Id}.")
        : null;
}

/// <summary>What a program sends to look at a sample. Nexla's models send more, which ReSci has no use for.</summary>
internal sealed record SampleRequest : IApiRequest<SampleRequest>
{
    public static JsonTypeInfo<SampleRequest> Json => CredentialJson.Default.SampleRequest;

    public static ApiExample Jobs { get; } = new("The endpoint by its path", """{ "path": "/v3/import_jobs" }""");

    /// <summary>The path of an endpoint of a source. Left out: the one there is.</summary>
    public string? Path { get; init; }
}

/// <summary>What a program sends to list what can be sampled. Nothing of it matters here.</summary>
internal sealed record TreeRequest : IApiRequest<TreeRequest>
{
    public static JsonTypeInfo<TreeRequest> Json => CredentialJson.Default.TreeRequest;

    public static ApiExample OneLevel { get; } = new("One level of it", """{ "depth": 1 }""");

    public int? Depth { get; init; }
}

/// <summary>What a program sends to replace a key: the key in one of the forms of a credential, and what is to become of both.</summary>
internal sealed record PendingKeyRequest : IApiRequest<PendingKeyRequest>
{
    public static JsonTypeInfo<PendingKeyRequest> Json => CredentialJson.Default.PendingKeyRequest;

    public static ApiExample[] Examples { get; } =
    [
        new("The new key waits until it is promoted", """{ "credentials": { "api_key": "YOUR_RESCI_API_KEY" } }"""),
        new("The new key is used as soon as ReSci accepted it", """{ "credentials": { "api_key": "YOUR_RESCI_API_KEY" }, "promote": true, "old_key": "keep" }"""),
    ];

    public KeyForm? Credentials { get; init; }

    /// <summary>Promotes it as soon as ReSci accepted it.</summary>
    public bool? Promote { get; init; }

    /// <summary>With <see cref="Promote"/>: <c>keep</c> the old key for a while, or <c>wipe</c> it.</summary>
    public string? OldKey { get; init; }

    /// <summary>The fingerprint of the waiting key that this one takes the place of.</summary>
    public string? Instead { get; init; }

    // Somebody will print this one day.
    public override string ToString() => nameof(PendingKeyRequest);
}

/// <summary>A decision about a key of a credential.</summary>
internal sealed record KeyDecisionRequest : IApiRequest<KeyDecisionRequest>
{
    public static JsonTypeInfo<KeyDecisionRequest> Json => CredentialJson.Default.KeyDecisionRequest;

    public static ApiExample Wiping { get; } = new("The old key is wiped at once", """{ "old_key": "wipe" }""");

    /// <summary>The uid of the key that is meant. Left out: the one that is in that place.</summary>
    public Guid? Key { get; init; }

    /// <summary>As in <see cref="PendingKeyRequest.OldKey"/>.</summary>
    public string? OldKey { get; init; }
}
