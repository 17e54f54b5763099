using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>Credentials for programs, as Nexla's SDK calls them.</summary>
internal static class CredentialApi
{
    public const string Collection = "data_credentials";

    public static void MapCredentialApi(this IEndpointRouteBuilder routes)
    {
        var credentials = routes.MapApi($"/{Collection}", "Credentials");

        credentials.MapGet("/", ListAsync).WithName("list_data_credentials").WithSummary("List credentials").Refuses(400, 401);
        credentials.MapPost("/", CreateAsync).WithName("create_data_credential").WithSummary("Add a credential")
            .Reads("save_unverified", ApiParameter.IdempotencyKey).Takes(CredentialRequest.NewOnes).Refuses(400, 401, 403, 507);
        credentials.MapGet("/{id:int}", ShowAsync).WithName("get_data_credential").WithSummary("Show a credential")
            .Reads("expand").Refuses(401, 404);
        credentials.MapPut("/{id:int}", UpdateAsync).WithName("update_data_credential").WithSummary("Change a credential")
            .Reads("save_unverified", ApiParameter.IfMatch, ApiParameter.IdempotencyKey).Takes(CredentialRequest.Changes).Refuses(400, 401, 403, 404, 409, 507);
        credentials.MapPatch("/{id:int}", UpdateAsync).WithName("patch_data_credential").WithSummary("Change a credential")
            .Reads("save_unverified", ApiParameter.IfMatch, ApiParameter.IdempotencyKey).Takes(CredentialRequest.Changes).Refuses(400, 401, 403, 404, 409, 507);
        credentials.MapDelete("/{id:int}", DeleteAsync).WithName("delete_data_credential").WithSummary("Delete a credential").Refuses(401, 403, 404, 409, 507);
        credentials.MapPost("/{id:int}/copy", CopyAsync).WithName("copy_data_credential").WithSummary("Copy a credential")
            .Reads(ApiParameter.IdempotencyKey).Takes(ApiExample.Nothing, CopyRequest.Shared).Refuses(400, 401, 403, 404, 409, 507);
        credentials.MapAccessors(Collection, SharedItem.Credential);
    }

    private static async Task<ApiAnswer<CredentialAnswer[]>> ListAsync(
        CredentialQuery query,
        ApiPage page,
        Person person,
        HttpResponse response,
        CredentialSearch search,
        CredentialAnswers answers,
        CancellationToken cancellationToken)
    {
        // A type that is not ours names nothing that is here.
        var listing = query.IsOurs
            ? await search.ListNumberedAsync(person, query.Filter, query.Name, query.Role, query.Sort, page, cancellationToken)
            : new NumberedListing([], 0);
        page.Describe(response, listing.Total);
        return ApiAnswer.Of(await answers.OfAsync(person, listing.Rows, cancellationToken), CredentialJson.Default.CredentialAnswerArray);
    }

    private static Task<Results<ApiAnswer<CredentialAnswer>, ApiError>> ShowAsync(
        int id, Person person, HttpContext context, CredentialAnswers answers, CancellationToken cancellationToken) =>
        answers.ShowAsync(person, id, context.Response, cancellationToken, context.Request.Flag("expand"));

    private static async Task<Results<ApiAnswer<CredentialAnswer>, ApiError>> CreateAsync(
        ApiBody<CredentialRequest> body,
        Person person,
        HttpContext context,
        Repeats repeats,
        CredentialVault vault,
        CredentialAnswers answers,
        IOptions<ReSciOptions> resci,
        CancellationToken cancellationToken)
    {
        using var turn = await repeats.BeginAsync(person, context.Request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (await turn.FindAsync(operations => vault.FindOperationsAsync(person, operations, cancellationToken)) is { } before)
        {
            return await answers.ShowAsync(person, before, context.Response, cancellationToken);
        }

        var (input, key, errors) = body.Value.ReadNew(resci.Value, context.Request.Flag("save_unverified"), turn.Operation);
        if (input is null)
        {
            AddTextErrors(body.Value, errors);
            return ApiError.Invalid(errors);
        }

        return await vault.SaveAsync(person, input, cancellationToken) switch
        {
            SaveOutcome.Saved saved => await answers.ShowAsync(person, saved.Id, context.Response, cancellationToken),
            var refusal => Refusal(refusal, key!),
        };
    }

    private static async Task<Results<ApiAnswer<CredentialAnswer>, ApiError>> UpdateAsync(
        int id,
        ApiBody<CredentialRequest> body,
        Person person,
        HttpContext context,
        Repeats repeats,
        CredentialVault vault,
        KeyRotation rotation,
        CredentialAnswers answers,
        IOptions<ReSciOptions> resci,
        CancellationToken cancellationToken)
    {
        var change = new CredentialChange(body.Value.Name, body.Value.Description, body.Value.Tags);
        var errors = change.Check();
        var key = body.Value.ReadKey(resci.Value, errors);
        if (errors.Count > 0)
        {
            return await vault.FindAsync(person, id, cancellationToken) switch
            {
                null => ApiError.NotFound(CredentialVault.ItemType, id),
                { Role: var role } when !role.MayChange() => ApiError.Forbidden(CredentialVault.ItemType, id),
                _ => ApiError.Invalid(errors),
            };
        }

        if (!TryReadRevision(context.Request, out var revision))
        {
            return ApiError.Stale(CredentialVault.ItemType, id);
        }

        if (key is null)
        {
            return await vault.ChangeAsync(person, id, revision, change, cancellationToken) switch
            {
                ChangeOutcome.Done => await answers.ShowAsync(person, id, context.Response, cancellationToken),
                ChangeOutcome.Invalid invalid => ApiError.Invalid(invalid.Errors),
                ChangeOutcome.ChangedMeanwhile => ApiError.Stale(CredentialVault.ItemType, id),
                ChangeOutcome.Forbidden => ApiError.Forbidden(CredentialVault.ItemType, id),
                ChangeOutcome.NotFound => ApiError.NotFound(CredentialVault.ItemType, id),
                _ => throw new UnreachableException(),
            };
        }

        if (revision is { } seen && await vault.FindAsync(person, id, cancellationToken) is { } present && present.Revision != seen)
        {
            return ApiError.Stale(CredentialVault.ItemType, id);
        }

        // One at a time for the same body: the second finds that key in use already.
        using var turn = await repeats.BeginAsync(person, context.Request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        var input = new NewKey(key.Text, Guid.NewGuid(), Unverified: key.SkipsValidation || context.Request.Flag("save_unverified")) { EvenIfUnclear = true };
        var outcome = await rotation.ExchangeAsync(person, id, input, change, cancellationToken);
        return outcome is ReplaceOutcome.Promoted
            ? await answers.ShowAsync(person, id, context.Response, cancellationToken)
            : KeyRotationApi.Refusal(outcome, id, key);
    }

    private static async Task<Results<ApiAnswer<ApiDone>, ApiError>> DeleteAsync(
        int id, Person person, CredentialVault vault, CancellationToken cancellationToken) =>
        await vault.DeleteAsync(person, id, cancellationToken) switch
        {
            DeleteOutcome.Done => ApiAnswer.Of(ApiDone.Ok, CredentialJson.Default.ApiDone),
            DeleteOutcome.InUse => InUse(id, await vault.ListReferencesAsync(person, [id], cancellationToken)),
            DeleteOutcome.Forbidden => ApiError.Forbidden(CredentialVault.ItemType, id),
            DeleteOutcome.NotFound => ApiError.NotFound(CredentialVault.ItemType, id),
            _ => throw new UnreachableException(),
        };

    private static async Task<Results<ApiAnswer<CredentialAnswer>, ApiError>> CopyAsync(
        int id,
        ApiBody<CopyRequest> body,
        Person person,
        HttpContext context,
        Repeats repeats,
        CredentialVault vault,
        CredentialAnswers answers,
        Sharing sharing,
        CancellationToken cancellationToken)
    {
        if (body.Value.Check(person) is { } error)
        {
            return error;
        }

        using var turn = await repeats.BeginAsync(person, context.Request, body.Content, cancellationToken);
        if (turn.Fault is { } fault)
        {
            return fault;
        }

        if (await turn.FindAsync(operations => vault.FindOperationsAsync(person, operations, cancellationToken)) is { } before)
        {
            return await answers.ShowAsync(person, before, context.Response, cancellationToken);
        }

        switch (await vault.CopyAsync(person, id, turn.Operation, cancellationToken))
        {
            case Reply<int?>.Granted { Value: { } copy }:
                if (body.Value.CopyAccessControls is true)
                {
                    await sharing.CopyAsync(person, SharedItem.Credential(id), SharedItem.Credential(copy), cancellationToken);
                }

                return await answers.ShowAsync(person, copy, context.Response, cancellationToken);
            case Reply<int?>.Granted:
                return ProbeErrors.Undecryptable(id);
            case Reply<int?>.Forbidden:
                return ApiError.Forbidden(CredentialVault.ItemType, id);
            default:
                return ApiError.NotFound(CredentialVault.ItemType, id);
        }
    }

    /// <summary>Why a new credential was not saved.</summary>
    /// <param name="prefix">As for <see cref="CredentialRequest.ReadNew"/>.</param>
    internal static ApiError Refusal(SaveOutcome outcome, SentKey key, string prefix = "") => outcome switch
    {
        SaveOutcome.Invalid invalid => ApiError.Invalid(
            invalid.Errors.Select(error => KeyValuePair.Create(key.FieldOf(error.Key, prefix), error.Value))),
        SaveOutcome.Refused refused => KeyRejected(refused.Verdict, key.FieldOf("key", prefix)),
        // The rest is answered by people alone: programs save what is the same, and what could not be asked about.
        _ => throw new UnreachableException(),
    };

    /// <summary>ReSci refused a key that was sent. 400, because 401 and 403 would be about the caller.</summary>
    internal static ApiError KeyRejected(Verdict verdict, string field) =>
        new(StatusCodes.Status400BadRequest, "key_rejected", $"{verdict.Title} Nothing was saved. {verdict.Advice}")
        {
            Errors = new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [verdict.Title] },
        };

    /// <summary>The revision that a change is meant for; null when the program does not care.</summary>
    /// <returns>False when it names none that there could be.</returns>
    internal static bool TryReadRevision(HttpRequest request, out int? revision)
    {
        revision = null;
        if (request.Headers.IfMatch.ToString() is not { Length: > 0 } text || text.Trim() == "*")
        {
            return true;
        }

        revision = int.TryParse(text.Trim().Trim('"'), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        return revision is not null;
    }

    // What is at fault is told in one go, as far as it can be seen before the key is looked at.
    private static void AddTextErrors(CredentialRequest request, Dictionary<string, string> errors)
    {
        foreach (var (field, message) in new CredentialChange(request.Name ?? "", request.Description, request.Tags).Check())
        {
            errors[field] = message;
        }
    }

    private static ApiError InUse(int id, ILookup<int, UseReference> references)
    {
        var ids = UseAnswer.IdsOf(references[id]);
        var named = ids.Values.Sum(list => list.Length);
        return new ApiError(
            StatusCodes.Status409Conflict,
            "in_use",
            named > 0
                ? "Data sources or data sinks use this credential. Delete them, or let them use another one, first."
                : "Somebody else’s data sources or data sinks use this credential. Ask them to let it go first.")
        {
            ResourceType = CredentialVault.ItemType,
            ResourceId = id.ToString(CultureInfo.InvariantCulture),
            ReferencedResourceIds = ids,
        };
    }
}

/// <summary>Which credentials a program wants listed.</summary>
internal sealed class CredentialQuery : IApiInput, IBindableFromHttpContext<CredentialQuery>, IEndpointParameterMetadataProvider
{
    public ApiError? Fault { get; private init; }

    public CredentialFilter Filter { get; private init; } = new();

    public string? Name { get; private init; }

    public AccessRole Role { get; private init; }

    public ApiSort Sort { get; private init; }

    /// <summary>False when something is asked for that no credential here has.</summary>
    public bool IsOurs { get; private init; }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new ApiParameters("credentials_type", "verified_status", "q", "name", "tag", "access_role", "sort"));

    public static ValueTask<CredentialQuery?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        var request = context.Request;
        var status = request.Text("verified_status");
        var role = RoleQuery.Read(request, out var fault);
        var sort = ApiSort.Parse(request.Text("sort"));
        fault ??= sort is null ? ApiError.Invalid("sort", $"Say one of {ApiSort.Fields}, with a minus in front for the other way round.")
            : status?.ToUpperInvariant() is not (null or "VERIFIED" or "UNVERIFIED" or "FAILED") ? ApiError.Invalid("verified_status", "Say VERIFIED, UNVERIFIED or FAILED.")
            : null;
        return ValueTask.FromResult<CredentialQuery?>(new CredentialQuery
        {
            Fault = fault,
            // Status in front: a search that is too long is cut at its end.
            Filter = CredentialFilter.Parse(string.Join(' ', new[] { status is null ? null : $"status:{status}", request.Text("q") }.OfType<string>())) with
            {
                Tag = TextRules.OrNull(request.Text("tag")),
            },
            Name = request.Text("name"),
            Role = role,
            Sort = sort ?? default,
            IsOurs = request.Text("credentials_type") is not { } type || ApiVendor.IsOurs(type),
        });
    }
}
