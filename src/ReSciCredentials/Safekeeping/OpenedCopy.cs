using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>
/// A copy of the database opened as a server would open it, its migrations and key ring included, beside the live server and without touching it.
/// What opens here starts.
/// </summary>
internal sealed class OpenedCopy : IAsyncDisposable
{
    private const int AtOnce = 1000;

    private readonly ServiceProvider _services;

    private OpenedCopy(ServiceProvider services) => _services = services;

    public AuditLog Audit => _services.GetRequiredService<AuditLog>();

    /// <param name="work">Where the copy lies.</param>
    /// <exception cref="BackupRefusedException">It does not open; the message says why.</exception>
    public static async Task<OpenedCopy> OpenAsync(
        WorkDirectory work, BackupManifest manifest, RecoveryKey key, IHostEnvironment environment, TimeProvider time, CancellationToken cancellationToken)
    {
        await CopyCheck.DemandSoundAsync(work.Database, key, manifest.Rows, cancellationToken);
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create<string, string?>($"{StorageOptions.Section}:{nameof(StorageOptions.Directory)}", work.Path)])
            .Build();
        // Nobody listens to its log: what it would say is said of the live server too, and is not about it.
        var services = new ServiceCollection()
            .AddLogging()
            .AddSingleton(environment)
            .AddSingleton(time)
            .AddStorage(configuration)
            .AddSecrets(configuration)
            .AddAudit(configuration)
            .BuildServiceProvider();
        try
        {
            await services.GetRequiredService<Opening>().OpenAsync(key, cancellationToken);
            return services.GetRequiredService<ServerSeal>().Reason is { } reason
                ? throw new BackupRefusedException($"The database in the backup does not open ({reason.Cause}).")
                : new OpenedCopy(services);
        }
        catch (StartRefusedException exception)
        {
            await services.DisposeAsync();
            throw new BackupRefusedException(exception.Message);
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    public Task<StorageContext> StorageAsync(CancellationToken cancellationToken) =>
        _services.GetRequiredService<IDbContextFactory<StorageContext>>().CreateDbContextAsync(cancellationToken);

    /// <summary>Opens every stored key; each is wiped at once.</summary>
    /// <returns>How many opened, and of which credentials one does not.</returns>
    public async Task<(long Opened, IReadOnlyList<int> Unreadable)> OpenEverySecretAsync(IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var protector = _services.GetRequiredService<SecretProtector>();
        await using var storage = await StorageAsync(cancellationToken);
        var total = await storage.CredentialKeys.IgnoreQueryFilters().LongCountAsync(cancellationToken);
        List<int> unreadable = [];
        var (opened, last) = (0L, Guid.Empty);
        while (await StoredSecrets.After(storage, last).Take(AtOnce).ToListAsync(cancellationToken) is { Count: > 0 } rows)
        {
            foreach (var row in rows)
            {
                if (protector.CanOpen(row.Ciphertext, row.CredentialUid, row.Uid))
                {
                    opened++;
                }
                else
                {
                    unreadable.Add(row.CredentialId);
                }
            }

            last = rows[^1].Uid;
            progress?.Report(new HowFar("Opening keys", opened + unreadable.Count, total));
        }

        return (opened, unreadable);
    }

    /// <summary>Brings everything into the one file, which can then be renamed.</summary>
    public async Task FinishAsync(string database, CancellationToken cancellationToken)
    {
        await using (var storage = await StorageAsync(cancellationToken))
        {
            await storage.Database.ExecuteSqlRawAsync("PRAGMA wal_checkpoint(TRUNCATE)", cancellationToken);
        }

        // The last connection to go removes the write-ahead log.
        await using (var connection = new SqliteConnection(StorageSetup.ConnectionString(database)))
        {
            SqliteConnection.ClearPool(connection);
        }

        Durable.Flush(database);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
