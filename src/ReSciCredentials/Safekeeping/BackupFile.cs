using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>
/// A backup in one file: a line that says what it is, a line with the manifest, a line with the recovery key's seal on that, then the SQLite database as it is.
/// So <c>head -n 2</c> shows what a file holds, and one file is all that has to be copied.
/// </summary>
internal sealed class BackupFile
{
    public const string Extension = ".backup";

    private const string Mark = "ReSci Credentials backup ";
    private const int Version = 1;
    private const string SealContext = "backup-manifest";

    /// <summary>A head is one or two KB; what has no end within this is none.</summary>
    private const int MostHead = 256 * 1024;

    private const int Chunk = 1024 * 1024;

    private readonly byte[] _manifest;
    private readonly byte[] _seal;
    private readonly long _start;

    private BackupFile(string path, BackupManifest read, byte[] manifest, byte[] seal, long start) =>
        (Path, Manifest, _manifest, _seal, _start) = (path, read, manifest, seal, start);

    public string Path { get; }

    /// <summary>What the file claims, until <see cref="CheckAsync"/> has passed.</summary>
    public BackupManifest Manifest { get; }

    /// <summary>Reads the head.</summary>
    /// <exception cref="BackupRefusedException">It is no backup of ours, one of a newer program, or shorter or longer than it says.</exception>
    public static async Task<BackupFile> OpenAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            await using var file = OpenRead(path);
            var head = new byte[MostHead];
            var read = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken);
            var lines = Lines(head.AsSpan(0, read), 3, out var start);
            if (lines is not [var mark, var manifest, var seal] || !Encoding.UTF8.GetString(mark).StartsWith(Mark, StringComparison.Ordinal))
            {
                throw new BackupRefusedException($"{path} is not a backup of ReSci Credentials, or its beginning is damaged.");
            }

            if (Encoding.UTF8.GetString(mark) != $"{Mark}{Version}")
            {
                throw new BackupRefusedException($"{path} was made by a newer version of this program. Use that version.");
            }

            var known = JsonSerializer.Deserialize<BackupManifest>(manifest, JsonSerializerOptions.Web) ?? throw new JsonException();
            if (file.Length - start != known.Size)
            {
                throw new BackupRefusedException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{path} is not whole: it should have {known.Size + start} bytes and has {file.Length}. Copy it again from where it was made."));
            }

            return new BackupFile(path, known, manifest, Convert.FromBase64String(Encoding.ASCII.GetString(seal)), start);
        }
        catch (Exception exception) when (exception is JsonException or FormatException)
        {
            throw new BackupRefusedException($"{path} is damaged at its beginning. Copy it again from where it was made.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupRefusedException($"{path} cannot be read: {exception.Message}");
        }
    }

    /// <summary>Writes a backup so that it is there whole or not at all, whatever happens meanwhile.</summary>
    /// <param name="database">The finished copy.</param>
    /// <param name="path">The backup's own name; it must not be taken.</param>
    /// <exception cref="BackupRefusedException">The recovery key is in the copy.</exception>
    /// <exception cref="IOException">The disk is full, or fails.</exception>
    public static async Task<BackupManifest> WriteAsync(
        string database, string path, BackupManifest manifest, RecoveryKey key, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        await using (var copy = OpenRead(database))
        {
            if (await key.Traces().AreInAsync(copy, cancellationToken))
            {
                throw new BackupRefusedException("The recovery key was found inside the database. No backup was made: it would open itself.");
            }

            copy.Position = 0;
            manifest = manifest with { Size = copy.Length, Sha256 = Convert.ToHexStringLower(await SHA256.HashDataAsync(copy, cancellationToken)) };
        }

        var unfinished = path + ".unfinished";
        try
        {
            await using (var source = OpenRead(database))
            await using (var file = StorageFiles.OpenOwnerOnly(unfinished, FileMode.Create))
            {
                await file.WriteAsync(Head(manifest, key), cancellationToken);
                await CopyAsync(source, file, manifest.Size, progress, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            Durable.Rename(unfinished, path, replace: false);
            return manifest;
        }
        finally
        {
            File.Delete(unfinished);
        }
    }

    /// <summary>Reads the whole file and finds out whether it is what that key's server once wrote. Changes nothing.</summary>
    /// <param name="key">The recovery key that is at hand.</param>
    /// <param name="known">The migrations that this program knows.</param>
    /// <exception cref="BackupRefusedException">It is of another server, of a newer program, or was changed.</exception>
    public async Task CheckAsync(RecoveryKey key, IEnumerable<string> known, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        if (Manifest.RecoveryKeyId != key.Id)
        {
            throw new BackupRefusedException(
                $"{Path} was made under recovery key {Manifest.RecoveryKeyId}; the key at hand is {key.Id}. Give the right one with --key-file or --sheet-stdin.");
        }

        if (key.TryOpen(SealContext, _seal) is not { } vouched || !vouched.AsSpan().SequenceEqual(SHA256.HashData(_manifest)))
        {
            throw new BackupRefusedException($"{Path} was changed: the recovery key does not vouch for what it says of itself.");
        }

        if (!known.Contains(Manifest.Schema, StringComparer.Ordinal))
        {
            throw new BackupRefusedException($"{Path} was made by a newer version of this program ({Manifest.Program}, {Manifest.Schema}). Use that version.");
        }

        await using var file = OpenRead(Path);
        file.Position = _start;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Chunk];
        var done = 0L;
        while (await file.ReadAsync(buffer, cancellationToken) is var read and > 0)
        {
            hash.AppendData(buffer, 0, read);
            progress?.Report(new HowFar("Reading", done += read, Manifest.Size));
        }

        if (!Convert.ToHexStringLower(hash.GetHashAndReset()).Equals(Manifest.Sha256, StringComparison.Ordinal))
        {
            throw new BackupRefusedException($"{Path} is damaged: its content is not what was written. Use another backup.");
        }
    }

    /// <summary>Writes the database of a checked backup into a file of its own.</summary>
    public async Task ExtractAsync(string target, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        await using var source = OpenRead(Path);
        source.Position = _start;
        await using var file = StorageFiles.OpenOwnerOnly(target, FileMode.CreateNew);
        await CopyAsync(source, file, Manifest.Size, progress, cancellationToken);
        file.Flush(flushToDisk: true);
    }

    private static byte[] Head(BackupManifest manifest, RecoveryKey key)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(manifest, JsonSerializerOptions.Web);
        var seal = Convert.ToBase64String(key.Seal(SealContext, SHA256.HashData(json)));
        return [.. Encoding.UTF8.GetBytes($"{Mark}{Version}\n"), .. json, .. Encoding.UTF8.GetBytes($"\n{seal}\n")];
    }

    private static List<byte[]> Lines(ReadOnlySpan<byte> bytes, int count, out int end)
    {
        List<byte[]> lines = [];
        end = 0;
        while (lines.Count < count && bytes[end..].IndexOf((byte)'\n') is var length and >= 0)
        {
            lines.Add(bytes.Slice(end, length).ToArray());
            end += length + 1;
        }

        return lines;
    }

    private static async Task CopyAsync(Stream source, Stream target, long size, IProgress<HowFar>? progress, CancellationToken cancellationToken)
    {
        var buffer = new byte[Chunk];
        var done = 0L;
        while (await source.ReadAsync(buffer, cancellationToken) is var read and > 0)
        {
            await target.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            progress?.Report(new HowFar("Copying", done += read, size));
        }
    }

    private static FileStream OpenRead(string path) =>
        new(path, new FileStreamOptions { Options = FileOptions.Asynchronous | FileOptions.SequentialScan, Share = FileShare.Read });
}
