using System.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>Test calls and samples for programs. Each ends within ReSci's time limit, well before a program gives up.</summary>
internal static class ProbeApi
{
    private const int LongestRequestId = 100;

    public static void MapProbeApi(this IEndpointRouteBuilder routes)
    {
        var credentials = routes.MapApi($"/{CredentialApi.Collection}", "Probes");

        credentials.MapPost("/probe", TryAsync).WithName("try_data_credential").WithSummary("Test a key without saving it")
            .Takes(CredentialRequest.NewOnes).Refuses(400, 401, 403, 424);
        credentials.MapGet("/{id:int}/probe", ProbeAsync).WithName("probe_data_credential").WithSummary("Test the stored key")
            .Reads("async", "request_id").Refuses(401, 403, 404, 409, 424);
        credentials.MapGet("/{id:int}/probe/authenticate", ProbeAsync)
            .WithName("authenticate_data_credential").WithSummary("Test the stored key")
            .Reads("async", "request_id").Refuses(401, 403, 404, 409, 424);
        credentials.MapPost("/{id:int}/probe/tree", TreeAsync).WithName("probe_data_credential_tree").WithSummary("List what can be sampled")
            .Takes(ApiExample.Nothing, TreeRequest.OneLevel).Refuses(401, 403, 404);
        credentials.MapPost("/{id:int}/probe/sample", SampleAsync)
            .WithName("probe_data_credential_sample").WithSummary("Read a few records").Takes(ApiExample.Nothing, SampleRequest.Jobs).Refuses(400, 401, 403, 404, 409, 424);
    }

    private static async Task<Results<ApiAnswer<ProbeAnswer>, ApiError>> TryAsync(
        ApiBody<CredentialRequest> body, CredentialVault vault, IOptions<ReSciOptions> resci, TimeProvider time, CancellationToken cancellationToken)
    {
        var (input, key, errors) = body.Value.ReadNew(resci.Value, saveUnverified: false, Guid.NewGuid());
        if (input is null)
        {
            return ApiError.Invalid(errors);
        }

        return await vault.TestAsync(input, cancellationToken) switch
        {
            SaveOutcome.Accepted accepted => Answer(ProbeAnswer.Accepted(new RecentVerdict(accepted.Verdict, time.GetUtcNow(), IsCached: false))),
            SaveOutcome.Refused refused => ProbeErrors.Of(refused.Verdict, null)!,
            SaveOutcome.CannotTell cannotTell => ProbeErrors.Of(cannotTell.Verdict, null)!,
            var outcome => CredentialApi.Refusal(outcome, key!),
        };
    }

    private static async Task<Results<ApiAnswer<ProbeAnswer>, ApiError>> ProbeAsync(
        int id, Person person, HttpRequest request, CredentialVault vault, ProgramProbes probes, CancellationToken cancellationToken)
    {
        if (request.Text("request_id") is { } asked)
        {
            return probes.Find(person, id, asked[..Math.Min(asked.Length, LongestRequestId)]) is { } finished
                ? Answer(finished)
                : new ApiError(StatusCodes.Status404NotFound, "not_found", "There is no such request any more. Probe again.")
                {
                    ResourceType = "probe_request",
                    ResourceId = "unknown",
                };
        }

        switch (await vault.ProbeAsync(person, id, cancellationToken))
        {
            case Reply<RecentVerdict?>.Granted { Value: { } recent } when request.Flag("async"):
                var name = Guid.NewGuid().ToString("N");
                var answer = ProbeAnswer.Finished(recent, name);
                probes.Remember(person, id, name, answer);
                return Answer(answer);
            case Reply<RecentVerdict?>.Granted { Value: { } recent }:
                return ProbeErrors.Of(recent.Verdict, id) is { } error ? error : Answer(ProbeAnswer.Accepted(recent));
            case Reply<RecentVerdict?>.Granted:
                return ProbeErrors.Undecryptable(id);
            case Reply<RecentVerdict?>.Forbidden:
                return ApiError.Forbidden(CredentialVault.ItemType, id);
            default:
                return ApiError.NotFound(CredentialVault.ItemType, id);
        }
    }

    private static async Task<Results<ApiAnswer<TreeAnswer>, ApiError>> TreeAsync(
        int id, ApiBody<TreeRequest> body, Person person, CredentialVault vault, CancellationToken cancellationToken) =>
        await vault.FindAsync(person, id, cancellationToken) switch
        {
            null => ApiError.NotFound(CredentialVault.ItemType, id),
            { Role: var role } when !role.MayOperate() => ApiError.Forbidden(CredentialVault.ItemType, id),
            _ => ApiAnswer.Of(TreeAnswer.ReSci, CredentialJson.Default.TreeAnswer),
        };

    private static async Task<Results<ApiAnswer<SampleAnswer>, ApiError>> SampleAsync(
        int id, ApiBody<SampleRequest> body, Person person, CredentialVault vault, CancellationToken cancellationToken)
    {
        var endpoint = body.Value.Path?.Trim().TrimStart('/') is { } path
            ? ReSciEndpoints.For(FlowKind.Source).FirstOrDefault(known => known.Path == path)
            : ReSciEndpoints.For(FlowKind.Source)[0];
        if (endpoint is null)
        {
            return await vault.FindAsync(person, id, cancellationToken) is null
                ? ApiError.NotFound(CredentialVault.ItemType, id)
                : ApiError.Invalid("path", $"Only these can be sampled: {string.Join(", ", ReSciEndpoints.For(FlowKind.Source).Select(known => $"/{known.Path}"))}.");
        }

        return await vault.FetchSampleAsync(person, id, endpoint, cancellationToken) switch
        {
            Reply<SampleResult?>.Granted { Value: { Sample: { } sample, Verdict: var verdict } } => ApiAnswer.Of(
                new SampleAnswer(
                    "success", "Ok", ApiConnector.Rest, new SampleOutput(ApiAnswer.MediaType, verdict.HttpStatus ?? StatusCodes.Status200OK, sample.Json)),
                CredentialJson.Default.SampleAnswer),
            Reply<SampleResult?>.Granted { Value.Verdict: var verdict } => ProbeErrors.Of(verdict, id) ?? throw new UnreachableException(),
            Reply<SampleResult?>.Granted => ProbeErrors.Undecryptable(id),
            Reply<SampleResult?>.Forbidden => ApiError.Forbidden(CredentialVault.ItemType, id),
            _ => ApiError.NotFound(CredentialVault.ItemType, id),
        };
    }

    private static ApiAnswer<ProbeAnswer> Answer(ProbeAnswer answer) => ApiAnswer.Of(answer, CredentialJson.Default.ProbeAnswer);
}
