namespace ReSciCredentials.Secrets;

/// <summary>The section <c>Secrets</c> of the settings.</summary>
internal sealed class SecretsOptions
{
    public const string Section = "Secrets";

    /// <summary>
    /// The file with the recovery key. Empty: <c>keys/recovery.key</c> in a directory of its own beside the data directory.
    /// It must not lie in the data directory, and nobody but its owner may read it.
    /// </summary>
    public string KeyFile { get; set; } = "";
}
