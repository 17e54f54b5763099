using System.Net;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.BrowserTests.Harness;

/// <summary>What happens outside the browser: a source or destination that is there, and a program that calls with its token.</summary>
internal static class Programs
{
    /// <summary>A source or destination with a credential that ReSci accepts; its page.</summary>
    public static async Task<string> MakeFlowAsync(this Visitor owner, TestServer server, FlowKind kind)
    {
        var credential = await owner.AddCredentialAsync("Shop key", "sandbox-accepted-first-0001");
        var (endpoint, segment) = kind is FlowKind.Source ? ("list_import_jobs", "sources") : ("create_import_job", "destinations");
        var outcome = await server.Service<FlowService>().CreateAsync(
            await server.OwnerAsync(), new NewFlow(kind, "Nightly orders", null, endpoint, credential, Guid.NewGuid()), TestContext.Current.CancellationToken);
        return $"/{segment}/{Assert.IsType<FlowOutcome.Done>(outcome).Id}";
    }

    /// <summary>Calls ReSci through the broker, as a program that knows nothing but its token.</summary>
    public static async Task<HttpStatusCode> CallAsync(this Visitor visitor, HttpMethod method, string token)
    {
        using var program = new HttpClient { BaseAddress = visitor.Http.BaseAddress };
        using var request = new HttpRequestMessage(method, "/resci/v3/import_jobs");
        request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");
        using var answer = await program.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
