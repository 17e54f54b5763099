using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Storage;

internal static class StorageSetup
{
    /// <summary>How long a command waits for another writer, in seconds.</summary>
    private const int CommandTimeout = 5;

    public static IServiceCollection AddStorage(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<StorageOptions>()
            .Bind(configuration.GetSection(StorageOptions.Section))
            .Validate(options => !string.IsNullOrWhiteSpace(options.Directory), "Storage:Directory is empty. Name the directory for the database.")
            .ValidateOnStart();

        services.AddSingleton<StorageFiles>();
        services.AddSingleton<ProcessLock>();
        services.AddSingleton<Migrator>();
        services.AddSingleton<ChangeNotices>();
        services.AddSingleton<ChangeNotices.Interceptor>();
        services.AddSingleton<WriteGuard>();
        services.AddSingleton<Pragmas>();
        services.AddSingleton<StorageTrouble>();
        services.AddHostedService<StorageRecovery>();
        // Every look into the database has a context of its own, and to make one costs more than most of the looks.
        services.AddPooledDbContextFactory<StorageContext>((provider, options) => options
            .UseSqlite(ConnectionString(provider.GetRequiredService<StorageFiles>()), sqlite => sqlite.CommandTimeout(CommandTimeout))
            // A deleted credential is hidden by a query filter. What it hides is never reached from a key or a flow: none is used while deleted.
            .ConfigureWarnings(warnings => warnings.Ignore(CoreEventId.PossibleIncorrectRequiredNavigationWithQueryFilterInteractionWarning))
            .AddInterceptors(
                provider.GetRequiredService<Pragmas>(),
                provider.GetRequiredService<WriteGuard>(),
                provider.GetRequiredService<StorageTrouble>(),
                provider.GetRequiredService<ChangeNotices.Interceptor>()));
        return services;
    }

    public static string ConnectionString(StorageFiles files) => ConnectionString(files.Database);

    public static string ConnectionString(string database) =>
        new SqliteConnectionStringBuilder { DataSource = database, ForeignKeys = true, DefaultTimeout = CommandTimeout }.ToString();
}
