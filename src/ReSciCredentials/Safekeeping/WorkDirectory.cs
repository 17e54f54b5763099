using Microsoft.Data.Sqlite;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>A place for the time of one piece of work, for its owner's eyes only. Lies where its result goes, so that the result can be renamed into place.</summary>
internal sealed class WorkDirectory : IDisposable
{
    private const string Beginning = ".unfinished-";

    /// <summary>What a process left behind that was killed. No work takes as long.</summary>
    private static readonly TimeSpan LeftBehindAfter = TimeSpan.FromHours(6);

    private WorkDirectory(string path) => Path = path;

    public string Path { get; }

    public string Database => StorageFiles.DatabaseIn(Path);

    /// <exception cref="IOException">The disk is full, or fails.</exception>
    /// <exception cref="UnauthorizedAccessException"/>
    public static WorkDirectory MakeIn(string parent)
    {
        StorageFiles.MakeDirectory(parent);
        var path = System.IO.Path.Combine(parent, $"{Beginning}{Guid.NewGuid():N}");
        StorageFiles.MakeDirectory(path);
        return new WorkDirectory(path);
    }

    /// <summary>Removes what a killed process left behind.</summary>
    public static void RemoveLeftBehind(string parent)
    {
        foreach (var left in new DirectoryInfo(parent).EnumerateFileSystemInfos($"{Beginning}*").Where(left => DateTime.UtcNow - left.CreationTimeUtc > LeftBehindAfter))
        {
            if (left is DirectoryInfo directory)
            {
                directory.Delete(recursive: true);
            }
        }
    }

    public void Dispose()
    {
        using (var connection = new SqliteConnection(StorageSetup.ConnectionString(Database)))
        {
            SqliteConnection.ClearPool(connection);
        }

        Directory.Delete(Path, recursive: true);
    }
}
