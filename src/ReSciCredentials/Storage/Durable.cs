using System.Runtime.InteropServices;

namespace ReSciCredentials.Storage;

/// <summary>Files that survive a power cut. A new name in a directory does so only once the directory itself is flushed; .NET has no call for it.</summary>
internal static partial class Durable
{
    /// <summary>Flushes the content of a file, or the names in a directory.</summary>
    /// <exception cref="IOException"/>
    public static void Flush(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var descriptor = Open(path, flags: 0);
        if (descriptor < 0)
        {
            throw new IOException($"{path} cannot be opened.");
        }

        var failed = Flush(descriptor) != 0;
        _ = Close(descriptor);
        if (failed)
        {
            throw new IOException($"{path} cannot be flushed.");
        }
    }

    /// <summary>Renames a file, so that after a power cut either name holds all of it.</summary>
    /// <exception cref="IOException">The new name is taken and is not to be replaced, or the disk fails.</exception>
    public static void Rename(string from, string to, bool replace)
    {
        File.Move(from, to, replace);
        Flush(Path.GetDirectoryName(to)!);
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
