using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ReSciCredentials.Access;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations;

/// <summary>What <c>/health/ready</c> answers: one word for everybody, and to the owner what was found.</summary>
internal static class OwnersHealth
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) } };

    public static async Task WriteAsync(HttpContext context, HealthReport report)
    {
        var (services, cancellationToken) = (context.RequestServices, context.RequestAborted);
        if (report.Status is not HealthStatus.Unhealthy
            && SessionClaims.SessionOf(context.User) is { } session
            && await services.GetRequiredService<Sessions>().FindAsync(session, SessionClaims.ClientOf(context.User), cancellationToken) is { Role: AccountRole.Owner })
        {
            var findings = await services.GetRequiredService<ServerCheck>().LookAsync(cancellationToken);
            await context.Response.WriteAsJsonAsync(new { status = report.Status.ToString(), findings }, Json, cancellationToken);
            return;
        }

        context.Response.ContentType = "text/plain";
        await context.Response.WriteAsync(report.Status.ToString(), cancellationToken);
    }
}
