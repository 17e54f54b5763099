using Microsoft.Data.Sqlite;

namespace ReSciCredentials.Tests.Harness;

/// <summary>A place of a server's own on disk, removed when disposed.</summary>
internal sealed class TestDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("resci-credentials-").FullName;

    public string Data => System.IO.Path.Combine(Path, "data");

    public string Database => System.IO.Path.Combine(Data, "resci-credentials.db");

    public string KeyFile => System.IO.Path.Combine(Path, "keys", "recovery.key");

    /// <summary>What points a server here.</summary>
    public string[] Settings =>
    [
        "--environment=Production",
        // Watching files costs an inotify instance a server, of which there are few.
        "--hostBuilder:reloadConfigOnChange=false",
        "--urls=http://127.0.0.1:0",
        $"--Storage:Directory={Data}",
        $"--Secrets:KeyFile={KeyFile}",
        // A test that turns the clock by days would have some made.
        "--Backups:Enabled=false",
    ];

    /// <summary>Runs SQL on the database behind the server's back.</summary>
    public async Task<object?> SqlAsync(string sql, params (string Name, object Value)[] parameters)
    {
        await using var connection = new SqliteConnection($"Data Source={Database};Pooling=False;Default Timeout=5");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return await command.ExecuteScalarAsync();
    }

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        Directory.Delete(Path, recursive: true);
    }
}
