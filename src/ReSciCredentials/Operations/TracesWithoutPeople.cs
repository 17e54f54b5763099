using System.Diagnostics;
using OpenTelemetry;

namespace ReSciCredentials.Operations;

/// <summary>
/// Takes out of a trace what tells who asked, and what somebody may have typed: an address that no route knows can hold a key. The route stays.
/// </summary>
internal sealed class TracesWithoutPeople : BaseProcessor<System.Diagnostics.Activity>
{
    // https://opentelemetry.io/docs/specs/semconv/registry/attributes/
    private static readonly string[] Tags =
    [
        "url.path", "url.query", "url.full", "user_agent.original", "http.request.method_original",
        "client.address", "client.port", "network.peer.address", "network.peer.port",
    ];

    public override void OnEnd(System.Diagnostics.Activity data)
    {
        foreach (var tag in Tags)
        {
            data.SetTag(tag, null);
        }

        // The message of an exception can repeat what it could not read. What kind it was stays in error.type.
        if (data.Status is ActivityStatusCode.Error)
        {
            data.SetStatus(ActivityStatusCode.Error);
        }
    }
}
