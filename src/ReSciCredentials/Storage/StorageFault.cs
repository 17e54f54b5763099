using Microsoft.Data.Sqlite;

namespace ReSciCredentials.Storage;

/// <summary>What keeps the database from being written, or a part of it from being read.</summary>
internal enum StorageFault
{
    /// <summary>The disk, or the quota of the server's account, is full.</summary>
    Full,

    /// <summary>The disk can only be read, as after a fault that made the system mount it so.</summary>
    ReadOnly,

    /// <summary>The disk answers with errors.</summary>
    Failing,

    /// <summary>A part of the database file is not what SQLite wrote.</summary>
    Damaged,
}

internal static class StorageFaults
{
    // https://sqlite.org/rescode.html
    private const int ReadOnly = 8;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int NotADatabase = 26;

    /// <summary>The fault of the disk that <paramref name="exception"/> tells of; null when it tells of something else.</summary>
    public static StorageFault? Of(Exception? exception) => exception switch
    {
        null => null,
        SqliteException { SqliteErrorCode: Full } => StorageFault.Full,
        SqliteException { SqliteErrorCode: ReadOnly } => StorageFault.ReadOnly,
        SqliteException { SqliteErrorCode: IoError or CannotOpen } => StorageFault.Failing,
        SqliteException { SqliteErrorCode: Corrupt or NotADatabase } => StorageFault.Damaged,
        _ => Of(exception.InnerException),
    };
}
