using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Operations;

/// <summary>Ready means: open, and the database answers. While it takes no changes, what is read and brokered goes on: degraded.</summary>
internal sealed class ReadyCheck(
    ServerSeal seal, StorageTrouble trouble, IDbContextFactory<StorageContext> contexts, IHostApplicationLifetime lifetime) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        // At once when told to stop: what balances the load sends new work elsewhere while the rest ends here.
        if (seal.Reason is not null || lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return HealthCheckResult.Unhealthy();
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return !await storage.Database.CanConnectAsync(cancellationToken) ? HealthCheckResult.Unhealthy()
            : trouble.Fault is null ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded();
    }
}
