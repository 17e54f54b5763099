using Microsoft.Extensions.Options;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>The file that holds the recovery key, and the rules about where it lies and who may read it.</summary>
internal sealed class KeyFile(IOptions<SecretsOptions> options, StorageFiles files, IHostEnvironment environment)
{
    public string FilePath { get; } = options.Value.KeyFile is { Length: > 0 } named
        ? Path.GetFullPath(named, environment.ContentRootPath)
        : Path.GetFullPath(Path.Combine("..", "keys", "recovery.key"), files.Directory);

    /// <summary>Where a key waits until the database is sealed under it.</summary>
    private string Successor => FilePath + ".new";

    /// <summary>Returns null when there is no file.</summary>
    /// <exception cref="StartRefusedException">Others can read it, it lies in the data directory, or it does not hold a recovery key.</exception>
    public RecoveryKey? Read()
    {
        RefuseDataDirectory();
        return Read(FilePath);
    }

    /// <summary>The key that is to take the place of the present one as soon as the database names it; null when there is none.</summary>
    /// <exception cref="StartRefusedException">As for <see cref="Read()"/>.</exception>
    public RecoveryKey? ReadSuccessor() => Read(Successor);

    /// <summary>A key that was in use before and is kept aside, or the present one; null when none of that id is here.</summary>
    /// <exception cref="StartRefusedException">As for <see cref="Read()"/>.</exception>
    public RecoveryKey? Find(string id) =>
        new[] { FilePath, Successor, Earlier(id) }.Select(Read).FirstOrDefault(key => key?.Id == id);

    /// <summary>The keys of earlier times that are kept aside, by their ids.</summary>
    public IReadOnlyList<string> ListEarlier()
    {
        var directory = Path.GetDirectoryName(FilePath)!;
        var beginning = Path.GetFileName(FilePath) + ".K-";
        return Directory.Exists(directory)
            ? [.. Directory.GetFiles(directory, beginning + "*").Select(file => Path.GetFileName(file)[(beginning.Length - 2)..]).Order(StringComparer.Ordinal)]
            : [];
    }

    /// <summary>Writes a new key so that it survives a power cut from the moment this returns.</summary>
    /// <exception cref="StartRefusedException">The file cannot be written.</exception>
    public void Write(RecoveryKey key) => Write(key, FilePath);

    /// <summary>Writes a key beside the present one. Nothing uses it until the database names it.</summary>
    /// <exception cref="StartRefusedException">The file cannot be written.</exception>
    public void WriteSuccessor(RecoveryKey key)
    {
        // There may be one that was never used: the process died before the database was sealed under it.
        DropSuccessor();
        Write(key, Successor);
    }

    /// <summary>Puts the successor in place. The key before it stays beside it, under its id: backups of its time need it.</summary>
    /// <exception cref="StartRefusedException">The files cannot be written.</exception>
    public void Adopt()
    {
        try
        {
            if (File.Exists(FilePath))
            {
                var earlier = Earlier(IdOfPresent());
                File.Delete(earlier);
                File.Copy(FilePath, earlier);
                Durable.Flush(earlier);
            }

            Durable.Rename(Successor, FilePath, replace: true);
        }
        catch (FileNotFoundException)
        {
            // Somebody else has just done it.
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Secrets:KeyFile {Successor} cannot be put in place: {exception.Message}");
        }
    }

    /// <summary>Removes a successor that the database does not name. Only while nobody can be about to seal the database under it.</summary>
    public void DropSuccessor()
    {
        if (File.Exists(Successor))
        {
            File.Delete(Successor);
        }
    }

    private static RecoveryKey? Read(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            if (SecretFile.CanOthersUse(path))
            {
                throw new StartRefusedException(
                    $"Secrets:KeyFile {path} can be used by other accounts of this machine. Run: chmod 600 {path}");
            }

            return RecoveryKey.Parse(File.ReadAllText(path));
        }
        catch (FormatException exception)
        {
            throw new StartRefusedException($"Secrets:KeyFile {path} does not hold a recovery key. {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Secrets:KeyFile {path} cannot be read: {exception.Message}");
        }
    }

    private string Earlier(string id) => $"{FilePath}.{id}";

    // A file that is no key any more is kept too: somebody may yet make sense of it.
    private string IdOfPresent()
    {
        try
        {
            return RecoveryKey.Parse(File.ReadAllText(FilePath)).Id;
        }
        catch (FormatException)
        {
            return "unusable";
        }
    }

    private void Write(RecoveryKey key, string path)
    {
        RefuseDataDirectory();
        var directory = Path.GetDirectoryName(path)!;
        var unfinished = path + ".unfinished";
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

            Durable.Rename(unfinished, path, replace: false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"Secrets:KeyFile {path} cannot be written: {exception.Message}");
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
}
