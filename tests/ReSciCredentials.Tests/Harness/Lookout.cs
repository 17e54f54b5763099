using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace ReSciCredentials.Tests.Harness;

/// <summary>
/// Looks, without a pause, into every file below some directories while others write there, and into the files that their processes hold open without a
/// name. So something is seen of what is gone again a moment later.
/// </summary>
internal sealed class Lookout : IDisposable
{
    private static readonly EnumerationOptions Everything = new() { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.None };

    private readonly string[] _directories;
    private readonly Func<byte[], bool> _isLeak;
    private readonly ConcurrentBag<int> _processes = [];
    private readonly ConcurrentDictionary<string, bool> _seen = new();
    private readonly ConcurrentBag<string> _leaks = [];
    private readonly HashSet<(string File, long Length, long WrittenAt)> _read = [];

    // To search what was read takes longer than to read it, and the next file may be gone by then.
    private readonly BlockingCollection<(string Name, byte[] Bytes)> _toSearch = new(boundedCapacity: 200);
    private readonly Thread _looking;
    private readonly Thread _searching;
    private volatile bool _isOver;

    /// <param name="isLeak">Whether what a file holds should not be there.</param>
    public Lookout(IEnumerable<string> directories, Func<byte[], bool> isLeak)
    {
        (_directories, _isLeak) = ([.. directories], isLeak);
        // Threads of its own: those of the pool are busy when many tests run.
        _looking = new Thread(Look) { IsBackground = true };
        _searching = new Thread(Search) { IsBackground = true };
        _looking.Start();
        _searching.Start();
    }

    /// <summary>What was looked into; a file without a name by the name that it had.</summary>
    public IEnumerable<string> Seen => _seen.Keys;

    /// <summary>Of that, what held something that should not be there. All of it is known once this is disposed.</summary>
    public IEnumerable<string> Leaks => _leaks.Distinct();

    /// <summary>Looks at what this process holds open, too.</summary>
    public Process Watch(Process process)
    {
        _processes.Add(process.Id);
        return process;
    }

    /// <summary>Ends it. What was seen stays.</summary>
    public void Dispose()
    {
        _isOver = true;
        _looking.Join();
        _searching.Join();
        _toSearch.Dispose();
    }

    private void Look()
    {
        do
        {
            foreach (var file in _directories.Where(Directory.Exists).SelectMany(Files))
            {
                Read(file, file);
            }

            foreach (var (handle, name) in _processes.SelectMany(FilesWithoutName))
            {
                Read(handle, name);
            }

            Thread.Yield();
        }
        while (!_isOver);

        _toSearch.CompleteAdding();
    }

    private void Search()
    {
        foreach (var (name, bytes) in _toSearch.GetConsumingEnumerable())
        {
            if (_isLeak(bytes))
            {
                _leaks.Add(name);
            }
        }
    }

    private void Read(string file, string name)
    {
        try
        {
            var known = new FileInfo(file);
            // Pipes and sockets have no length; to open one would be to wait.
            if (!known.Exists || (file == name && (known.Length == 0 || !_read.Add((file, known.Length, known.LastWriteTimeUtc.Ticks)))))
            {
                return;
            }

            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            _seen.TryAdd(name, true);
            _toSearch.Add((name, bytes.ToArray()));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // It is no longer there.
        }
    }

    private static List<string> Files(string directory)
    {
        try
        {
            return [.. Directory.EnumerateFiles(directory, "*", Everything)];
        }
        catch (IOException)
        {
            // A directory went while it was listed; the next look comes at once.
            return [];
        }
    }

    // What SQLite makes for a moment is removed as soon as it is open. Memory that looks like a file is not one.
    private static List<(string Handle, string Name)> FilesWithoutName(int process)
    {
        const string Removed = " (deleted)";
        List<(string, string)> found = [];
        try
        {
            foreach (var handle in Directory.EnumerateFileSystemEntries(string.Create(CultureInfo.InvariantCulture, $"/proc/{process}/fd")))
            {
                if (new FileInfo(handle).LinkTarget is { } target && target.EndsWith(Removed, StringComparison.Ordinal)
                    && !target.StartsWith("/memfd:", StringComparison.Ordinal) && !target.StartsWith("/dev/", StringComparison.Ordinal))
                {
                    found.Add((handle, target[..^Removed.Length]));
                }
            }
        }
        catch (Exception ended) when (ended is IOException or UnauthorizedAccessException)
        {
            // The process, or that file of it, is no longer there.
        }

        return found;
    }
}
