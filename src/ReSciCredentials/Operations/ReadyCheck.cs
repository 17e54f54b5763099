using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations;

/// <summary>Ready means: open, and the database answers.</summary>
internal sealed class ReadyCheck(ServerSeal seal, IDbContextFactory<StorageContext> contexts) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (seal.Reason is not null)
        {
            return HealthCheckResult.Unhealthy();
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Database.CanConnectAsync(cancellationToken) ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy();
    }
}
