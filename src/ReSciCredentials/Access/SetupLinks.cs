using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// The one-time link with which the first account is claimed, or the owner's password is set anew: printed on the console, and in a
/// file that only the server's user may read. The token stands in the fragment, which browsers never send.
/// </summary>
internal sealed class SetupLinks(StorageContext storage, StorageFiles files, TimeProvider time)
{
    public const string FileName = "setup-link";

    /// <summary>A token of 128 bits cannot be guessed; whoever tries is not the owner.</summary>
    public const int WrongTries = 5;

    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(30);

    private const int TokenBytes = 16;

    /// <summary>Replaces the link by a new one for the first account; null when there is an account already.</summary>
    /// <param name="address">Where people reach this server.</param>
    public async Task<string?> IssueAsync(Uri address, CancellationToken cancellationToken)
    {
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await storage.Users.AnyAsync(cancellationToken))
        {
            return null;
        }

        var link = await ReplaceInAsync(address, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await WriteFileAsync(link, cancellationToken);
        return link;
    }

    /// <summary>Replaces the link within the caller's transaction, who writes the file after the commit.</summary>
    internal async Task<string> ReplaceInAsync(Uri address, CancellationToken cancellationToken)
    {
        var token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        await storage.SetupLinks.ExecuteDeleteAsync(cancellationToken);
        storage.SetupLinks.Add(new SetupLink { TokenHash = HashOf(token), ExpiresAt = time.GetUtcNow() + Lifetime });
        await storage.SaveChangesAsync(cancellationToken);
        return new Uri(address, $"/setup#token={token}").AbsoluteUri;
    }

    internal async Task WriteFileAsync(string link, CancellationToken cancellationToken)
    {
        // Not truncated but made anew: an old file might have another mode.
        File.Delete(FilePath);
        await using var file = StorageFiles.OpenOwnerOnly(FilePath, FileMode.CreateNew);
        await using var writer = new StreamWriter(file);
        await writer.WriteLineAsync(link.AsMemory(), cancellationToken);
    }

    internal void DeleteFile() => File.Delete(FilePath);

    /// <summary>Whether a link is waiting to be used, valid or not.</summary>
    internal Task<bool> ExistsAsync(CancellationToken cancellationToken) => storage.SetupLinks.AnyAsync(cancellationToken);

    /// <summary>Whether the token is good. A wrong one is counted.</summary>
    internal async Task<bool> CheckAsync(string token, CancellationToken cancellationToken)
    {
        if (await Valid(token).AnyAsync(cancellationToken))
        {
            return true;
        }

        await storage.SetupLinks.ExecuteUpdateAsync(
            link => link.SetProperty(l => l.WrongTries, l => l.WrongTries + 1), cancellationToken);
        return false;
    }

    /// <summary>Uses the token up within the caller's transaction; false when it is not good, or not any more.</summary>
    internal async Task<bool> UseInAsync(string token, CancellationToken cancellationToken) =>
        await Valid(token).ExecuteDeleteAsync(cancellationToken) == 1;

    private IQueryable<SetupLink> Valid(string token)
    {
        var hash = HashOf(token);
        var now = time.GetUtcNow();
        return storage.SetupLinks.Where(link => link.TokenHash == hash && link.ExpiresAt > now && link.WrongTries < WrongTries);
    }

    private string FilePath => Path.Combine(files.Directory, FileName);

    /// <summary>Of the token alone: people paste the whole link into the field.</summary>
    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token.Trim().Split("#token=")[^1]));
}
