using Microsoft.Extensions.Options;

namespace ReSciCredentials.Storage;

/// <summary>Where the database and its neighbours lie, and the modes they are made with.</summary>
internal sealed class StorageFiles(IOptions<StorageOptions> options, IHostEnvironment environment)
{
    private const UnixFileMode OwnerOnlyDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnerOnlyFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // SQLite's locks and its write-ahead log do not work over a network: https://sqlite.org/wal.html, https://sqlite.org/faq.html#q5
    private static readonly string[] NetworkFormats = ["nfs", "cifs", "smb", "afs", "ncp", "9p", "fuse.sshfs", "ceph", "glusterfs"];

    public string Directory { get; } = Path.GetFullPath(options.Value.Directory, environment.ContentRootPath);

    public string Database => DatabaseIn(Directory);

    /// <summary>Held by the one process that may serve this directory.</summary>
    public string Lock => Path.Combine(Directory, "resci-credentials.lock");

    /// <summary>The copy that is made before the schema changes.</summary>
    /// <param name="migration">The first migration that was pending then.</param>
    public string CopyBefore(string migration) => Path.Combine(Directory, $"before-{migration}.db");

    /// <summary>Makes the directory and an empty database, neither readable by anybody else.</summary>
    /// <exception cref="StartRefusedException">The directory cannot be written, or lies on a network file system.</exception>
    public void Prepare()
    {
        PrepareDirectory();
        try
        {
            // EF would make it readable by everybody; the write-ahead log takes the mode of the database.
            OpenOwnerOnly(Database, FileMode.OpenOrCreate).Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Storage:Directory {Directory} cannot be used: {exception.Message}");
        }
    }

    /// <summary>Makes the directory alone.</summary>
    /// <exception cref="StartRefusedException">As for <see cref="Prepare"/>.</exception>
    public void PrepareDirectory()
    {
        try
        {
            MakeDirectory(Directory);
            var format = new DriveInfo(Directory).DriveFormat;
            if (NetworkFormats.Any(network => format.StartsWith(network, StringComparison.OrdinalIgnoreCase)))
            {
                throw new StartRefusedException(
                    $"Storage:Directory {Directory} lies on a network file system ({format}), where SQLite can lose data. Choose a local disk.");
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Storage:Directory {Directory} cannot be used: {exception.Message}");
        }
    }

    public static void MakeDirectory(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            System.IO.Directory.CreateDirectory(path);
        }
        else
        {
            System.IO.Directory.CreateDirectory(path, OwnerOnlyDirectory);
        }
    }

    /// <summary>Where the database lies in a directory that is a server's own.</summary>
    public static string DatabaseIn(string directory) => Path.Combine(directory, "resci-credentials.db");

    /// <summary>Opens a file for writing that only its owner can read, from the moment it exists.</summary>
    public static FileStream OpenOwnerOnly(string path, FileMode mode)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.Write, Share = FileShare.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnlyFile;
        }

        return new FileStream(path, options);
    }
}
