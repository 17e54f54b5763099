using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.DataProtection;

namespace ReSciCredentials.Secrets;

/// <summary>A stored key does not open: the row was changed or moved, or its ring key is gone. The reason never carries a value.</summary>
public sealed class UnreadableSecretException() : Exception("The stored key does not open. Replace it, or put the database back as it was.");

/// <summary>Encrypts a key for one row, and tells what may be known of it in clear. One of three places that reveal a <see cref="Secret"/>.</summary>
internal sealed class SecretProtector(IDataProtectionProvider dataProtection, ServerSeal seal, Sentinel sentinel)
{
    /// <summary>Keys shorter than this show none of their characters.</summary>
    private const int LastFourFrom = 20;

    private const byte FormatVersion = 1;

    /// <summary>Both uids are in the purpose, so a ciphertext moved to another row stays shut.</summary>
    /// <exception cref="ServerSealedException">Asked of the database before every write: a wrong key must never protect anything.</exception>
    public async Task<byte[]> ProtectAsync(Secret key, Guid credential, Guid keyRow, CancellationToken cancellationToken)
    {
        await seal.DemandAsync(sentinel, cancellationToken);

        var plaintext = key.Reveal().ToArray();
        try
        {
            return [FormatVersion, .. For(credential, keyRow).Protect(plaintext)];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    /// <summary>The caller disposes the secret. A ring key that was revoked still opens: revoking must not lose a credential.</summary>
    /// <exception cref="UnreadableSecretException"/>
    /// <exception cref="ServerSealedException"/>
    public Secret Unprotect(byte[] ciphertext, Guid credential, Guid keyRow)
    {
        if (seal.Reason is not null)
        {
            throw new ServerSealedException();
        }

        if (ciphertext is not [FormatVersion, .. var payload])
        {
            throw new UnreadableSecretException();
        }

        byte[]? plaintext = null;
        try
        {
            plaintext = ((IPersistedDataProtector)For(credential, keyRow)).DangerousUnprotect(payload, ignoreRevocationErrors: true, out _, out _);
            return new Secret(plaintext);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            // Replaced, not wrapped: parsers put values into their messages.
            throw new UnreadableSecretException();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    /// <summary>Encrypts a stored key anew under the newest key of the ring; null when it is under that already.</summary>
    /// <remarks>Ask <see cref="ServerSeal.DemandAsync"/> before, once for many.</remarks>
    /// <exception cref="UnreadableSecretException"/>
    public byte[]? Reprotect(byte[] ciphertext, Guid credential, Guid keyRow)
    {
        if (ciphertext is not [FormatVersion, .. var payload])
        {
            throw new UnreadableSecretException();
        }

        byte[]? plaintext = null;
        try
        {
            var protector = For(credential, keyRow);
            plaintext = ((IPersistedDataProtector)protector).DangerousUnprotect(payload, ignoreRevocationErrors: true, out var isOld, out var isRevoked);
            return isOld || isRevoked ? [FormatVersion, .. protector.Protect(plaintext)] : null;
        }
        catch (CryptographicException)
        {
            throw new UnreadableSecretException();
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plaintext);
        }
    }

    /// <summary>Whether the key opens, for a list to say which rows can be used; what was opened is wiped at once.</summary>
    public bool CanOpen(byte[] ciphertext, Guid credential, Guid keyRow)
    {
        try
        {
            Unprotect(ciphertext, credential, keyRow).Dispose();
            return true;
        }
        catch (UnreadableSecretException)
        {
            return false;
        }
    }

    /// <summary>Eight hexadecimal digits of a keyed hash: the same for the same key on this server, useless elsewhere.</summary>
    public string FingerprintOf(Secret key) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(seal.FingerprintKey, key.Reveal()).AsSpan(0, 4));

    /// <summary>The last four characters, null for a key of fewer than 20.</summary>
    public static string? LastFourOf(Secret key) => key.Length >= LastFourFrom ? Encoding.ASCII.GetString(key.Reveal()[^4..]) : null;

    private IDataProtector For(Guid credential, Guid keyRow) =>
        dataProtection.CreateProtector("ReSciCredentials.ApiKey.v1", credential.ToString(), keyRow.ToString());
}
