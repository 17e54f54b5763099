using Microsoft.Data.Sqlite;
using ReSciCredentials.Storage;

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
        await using var connection = new SqliteConnection($"Data Source={Database};Pooling=False;Default Timeout=30");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in parameters)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return await command.ExecuteScalarAsync();
    }

    /// <summary>Closes the connections that this process keeps to the database. The last one to go brings the write-ahead log into it.</summary>
    /// <remarks>Only to this one: a server of another test that lost its connections would lose its log file too, while that test reads it.</remarks>
    public void CloseDatabase()
    {
        using var connection = new SqliteConnection(StorageSetup.ConnectionString(Database));
        SqliteConnection.ClearPool(connection);
    }

    /// <summary>All that is kept here but the lock, which holds nothing.</summary>
    public async Task<Dictionary<string, byte[]>> ReadFilesAsync()
    {
        var read = new Dictionary<string, byte[]>();
        foreach (var file in Directory.GetFiles(Path, "*", SearchOption.AllDirectories).Where(file => System.IO.Path.GetExtension(file) != ".lock"))
        {
            try
            {
                // SQLite holds its files open.
                await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using var bytes = new MemoryStream();
                await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
                read.Add(file, bytes.ToArray());
            }
            catch (IOException gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
            {
                // A temporary file that a job of the server removed meanwhile is no longer kept.
            }
        }

        return read;
    }

    public void Dispose()
    {
        CloseDatabase();
        Directory.Delete(Path, recursive: true);
    }
}
