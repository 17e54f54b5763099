using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Tests.Harness;

/// <summary>
/// A disk that a test can fill up, or make read-only, under a running server. SQLite then answers as it does on such a disk: by a limit of its
/// own on the file, and by its switch against writing. The script <c>faults</c> of the benchmarks does it to a real one.
/// </summary>
internal sealed class TestDisk : DbConnectionInterceptor
{
    private volatile string _state = "PRAGMA query_only = OFF; PRAGMA max_page_count = 1073741823;";

    /// <summary>No page can be added; what SQLite has room for in its pages goes on for a while.</summary>
    public void Fill() => _state = "PRAGMA query_only = OFF; PRAGMA max_page_count = 1;";

    public void MakeReadOnly() => _state = "PRAGMA query_only = ON;";

    public void Mend() => _state = "PRAGMA query_only = OFF; PRAGMA max_page_count = 1073741823;";

    public override void ConnectionOpened(DbConnection connection, ConnectionEndEventData eventData)
    {
        using var command = connection.CreateCommand();
        command.CommandText = _state;
        command.ExecuteNonQuery();
    }

    public override async Task ConnectionOpenedAsync(
        DbConnection connection, ConnectionEndEventData eventData, CancellationToken cancellationToken = default)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = _state;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
