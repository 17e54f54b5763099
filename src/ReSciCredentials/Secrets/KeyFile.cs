using System.Runtime.InteropServices;
using Microsoft.Extensions.Options;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>The file that holds the recovery key, and the rules about where it lies and who may read it.</summary>
internal sealed partial class KeyFile(IOptions<SecretsOptions> options, StorageFiles files, IHostEnvironment environment)
{
    public string FilePath { get; } = options.Value.KeyFile is { Length: > 0 } named
        ? Path.GetFullPath(named, environment.ContentRootPath)
        : Path.GetFullPath(Path.Combine("..", "keys", "recovery.key"), files.Directory);

    /// <summary>Returns null when there is no file.</summary>
    /// <exception cref="StartRefusedException">Others can read it, it lies in the data directory, or it does not hold a recovery key.</exception>
    public RecoveryKey? Read()
    {
        RefuseDataDirectory();
        try
        {
            if (!File.Exists(FilePath))
            {
                return null;
            }

            if (SecretFile.CanOthersUse(FilePath))
            {
                throw new StartRefusedException(
                    $"Secrets:KeyFile {FilePath} can be used by other accounts of this machine. Run: chmod 600 {FilePath}");
            }

            return RecoveryKey.Parse(File.ReadAllText(FilePath));
        }
        catch (FormatException exception)
        {
            throw new StartRefusedException($"Secrets:KeyFile {FilePath} does not hold a recovery key. {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Secrets:KeyFile {FilePath} cannot be read: {exception.Message}");
        }
    }

    /// <summary>Writes a new key so that it survives a power cut from the moment this returns.</summary>
    /// <exception cref="StartRefusedException">The file cannot be written.</exception>
    public void Write(RecoveryKey key)
    {
        RefuseDataDirectory();
        var directory = Path.GetDirectoryName(FilePath)!;
        var unfinished = FilePath + ".unfinished";
        try
        {
            StorageFiles.MakeDirectory(directory);
            using (var file = StorageFiles.OpenOwnerOnly(unfinished, FileMode.Create))
            using (var text = new StreamWriter(file))
            {
                text.Write(key.ToFileText());
                text.Flush();
                file.Flush(flushToDisk: true);
            }

            File.Move(unfinished, FilePath, overwrite: false);
            FlushDirectory(directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Secrets:KeyFile {FilePath} cannot be written: {exception.Message}");
        }
    }

    private void RefuseDataDirectory()
    {
        var relative = Path.GetRelativePath(files.Directory, FilePath);
        if (!relative.StartsWith("..", StringComparison.Ordinal) && !Path.IsPathRooted(relative))
        {
            throw new StartRefusedException(
                $"Secrets:KeyFile {FilePath} lies in the data directory {files.Directory}: a copy of the data would carry its key. Move it elsewhere.");
        }
    }

    // A new name in a directory survives a power cut only once the directory itself is flushed; .NET has no call for it.
    private static void FlushDirectory(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var descriptor = Open(path, flags: 0);
        if (descriptor < 0)
        {
            throw new IOException($"The directory {path} cannot be opened.");
        }

        var failed = Flush(descriptor) != 0;
        _ = Close(descriptor);
        if (failed)
        {
            throw new IOException($"The directory {path} cannot be flushed.");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Flush(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);
}
