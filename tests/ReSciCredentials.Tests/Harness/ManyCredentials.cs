using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.Harness;

/// <summary>Many credentials at once, each with a real encrypted key, put into the database past the vault.</summary>
internal static class ManyCredentials
{
    public static async Task AddAsync(TestServer server, Person owner, int count)
    {
        var protector = server.Service<SecretProtector>();
        await using var connection = new SqliteConnection($"Data Source={server.Directory.Database};Pooling=False;Default Timeout=30");
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = """
            INSERT INTO credentials (Uid, OwnerId, Name, CurrentKeyUid, Version, VerifiedStatus, CreatedAt, UpdatedAt, OperationId, Revision, NextCheckAt, ChecksWithoutVerdict)
            VALUES ($uid, $owner, $name, $key, 1, 'Verified', 0, 0, $uid, 1, $never, 0);
            INSERT INTO credential_keys (Uid, CredentialId, Ciphertext, Fingerprint, SetAt) VALUES ($key, last_insert_rowid(), $ciphertext, $fingerprint, 0);
            """;
        for (var number = 1; number <= count; number++)
        {
            var (uid, keyUid) = (Guid.NewGuid(), Guid.NewGuid());
            using var key = new Secret(Encoding.ASCII.GetBytes($"sandbox-accepted-{number:D12}"));
            command.Parameters.Clear();
            command.Parameters.AddWithValue("$uid", uid.ToString().ToUpperInvariant());
            command.Parameters.AddWithValue("$owner", owner.Id);
            command.Parameters.AddWithValue("$name", string.Create(CultureInfo.InvariantCulture, $"Account {number}"));
            command.Parameters.AddWithValue("$key", keyUid.ToString().ToUpperInvariant());
            command.Parameters.AddWithValue("$never", DateTimeOffset.MaxValue.UtcTicks);
            command.Parameters.AddWithValue("$ciphertext", await protector.ProtectAsync(key, uid, keyUid, CancellationToken.None));
            command.Parameters.AddWithValue("$fingerprint", string.Create(CultureInfo.InvariantCulture, $"{number:x8}"));
            await command.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
    }
}
