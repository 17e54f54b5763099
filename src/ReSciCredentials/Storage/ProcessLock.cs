namespace ReSciCredentials.Storage;

/// <summary>
/// One process at a time opens, migrates and serves a directory. The operating system drops the lock when the process dies,
/// unlike EF's migration lock on SQLite, which stays for ever after a kill.
/// </summary>
internal sealed class ProcessLock(StorageFiles files) : IDisposable
{
    private FileStream? _held;

    /// <summary>Whether this process is the one: no server runs beside it.</summary>
    public bool IsHeld => _held is not null;

    /// <summary>Returns false while another process holds it.</summary>
    public bool TryTake()
    {
        if (_held is not null)
        {
            return true;
        }

        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
            _held = new FileStream(files.Lock, options);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose() => _held?.Dispose();
}
