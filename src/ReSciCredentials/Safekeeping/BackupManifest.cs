namespace ReSciCredentials.Safekeeping;

/// <summary>What a backup says of itself. It stands in clear at the head of the file, and the recovery key vouches for it.</summary>
/// <param name="MadeAt">When the copy was taken.</param>
/// <param name="Program">The version of the program that made it.</param>
/// <param name="Schema">The last migration that had run: a program that does not know it is older than the backup.</param>
/// <param name="RecoveryKeyId">The recovery key that opens it.</param>
/// <param name="Size">Of the database behind the head, in bytes.</param>
/// <param name="Sha256">Of the same, in hexadecimal.</param>
/// <param name="Rows">How many rows each table holds.</param>
internal sealed record BackupManifest(
    DateTimeOffset MadeAt,
    string Program,
    string Schema,
    string RecoveryKeyId,
    long Size,
    string Sha256,
    IReadOnlyDictionary<string, long> Rows)
{
    /// <summary>How many API keys are in it.</summary>
    public long Secrets => Rows.GetValueOrDefault("credential_keys");
}
