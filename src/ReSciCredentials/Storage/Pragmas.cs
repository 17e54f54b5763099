using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Storage;

/// <summary>
/// Sets what SQLite keeps by connection. FULL, because with NORMAL a power cut loses acknowledged commits; secure_delete, because a deleted
/// ciphertext otherwise stays in the file; trusted_schema off and cell_size_check on, because the file may have been edited; busy_timeout, because SQLite
/// looks after a few milliseconds whether another writer is done, and the ADO.NET provider after 150.
/// </summary>
internal sealed class Pragmas : DbConnectionInterceptor
{
    private const string Sql =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA busy_timeout=5000;";

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
    {
        using var command = connection.CreateCommand();
        command.CommandText = Sql;
        command.ExecuteNonQuery();
    }

    public override async Task ConnectionOpenedAsync(
        DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = Sql;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
