using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>Whether a copy of the database is sound, without changing a byte of it.</summary>
internal static class CopyCheck
{
    /// <exception cref="BackupRefusedException">It is damaged, was changed, or does not open under the key.</exception>
    public static async Task DemandSoundAsync(
        string database, RecoveryKey key, IReadOnlyDictionary<string, long> rows, CancellationToken cancellationToken)
    {
        await using (var connection = await OpenAsync(database, cancellationToken))
        {
            if (await FaultOfAsync(connection, cancellationToken) is { } fault)
            {
                throw new BackupRefusedException($"The copy of the database is damaged: {fault}");
            }

            var found = await RowsAsync(connection, cancellationToken);
            if (found.Keys.Union(rows.Keys).FirstOrDefault(table => found.GetValueOrDefault(table, -1) != rows.GetValueOrDefault(table, -1)) is { } table)
            {
                throw new BackupRefusedException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The copy of the database is not whole: the table {table} should have {rows.GetValueOrDefault(table)} rows and has {found.GetValueOrDefault(table)}."));
            }
        }

        var contexts = new ReadOnlyContexts(database);
        if (await new Sentinel(contexts, AuditChain.BeginAsync).AskAsync(key, cancellationToken) is not { Reason: null })
        {
            throw new BackupRefusedException($"Recovery key {key.Id} does not open the copy of the database.");
        }

        await using var storage = contexts.CreateDbContext();
        if (await storage.RingElements.AsNoTracking().ToListAsync(cancellationToken) is var elements
            && elements.TrueForAll(element => SealedKeyRing.TryOpen(key, element) is null))
        {
            throw new BackupRefusedException("Not one element of the key ring in the copy opens.");
        }
    }

    /// <summary>What SQLite finds wrong; null when nothing is.</summary>
    public static async Task<string?> FaultOfAsync(SqliteConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandTimeout = 0;
        try
        {
            command.CommandText = "PRAGMA integrity_check(1)";
            if (await command.ExecuteScalarAsync(cancellationToken) is not "ok" and var fault)
            {
                return Convert.ToString(fault, CultureInfo.InvariantCulture);
            }

            command.CommandText = "PRAGMA foreign_key_check";
            return await command.ExecuteScalarAsync(cancellationToken) is { } orphaned ? $"a row of {orphaned} refers to one that is not there" : null;
        }
        catch (SqliteException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>How many rows each table has, in one view of the database. Tables that are only a way to look at others are left out.</summary>
    public static async Task<Dictionary<string, long>> RowsAsync(SqliteConnection connection, CancellationToken cancellationToken)
    {
        await using var view = connection.BeginTransaction(deferred: true);
        await using var command = connection.CreateCommand();
        command.CommandTimeout = 0;
        command.CommandText =
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name";
        List<string> tables = [];
        await using (var names = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await names.ReadAsync(cancellationToken))
            {
                tables.Add(names.GetString(0));
            }
        }

        var rows = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in tables)
        {
#pragma warning disable CA2100 // The names are the database's own, and quoted.
            command.CommandText = $"SELECT count(*) FROM \"{table.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
#pragma warning restore CA2100
            rows[table] = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        }

        return rows;
    }

    public static async Task<SqliteConnection> OpenAsync(string database, CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(ReadOnly(database));
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    private static string ReadOnly(string database) =>
        new SqliteConnectionStringBuilder { DataSource = database, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString();

    private sealed class ReadOnlyContexts(string database) : IDbContextFactory<StorageContext>
    {
        public StorageContext CreateDbContext() => new(new DbContextOptionsBuilder<StorageContext>().UseSqlite(ReadOnly(database)).Options);
    }
}
