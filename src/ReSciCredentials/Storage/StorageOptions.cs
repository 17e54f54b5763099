namespace ReSciCredentials.Storage;

/// <summary>The section <c>Storage</c> of the settings.</summary>
internal sealed class StorageOptions
{
    public const string Section = "Storage";

    /// <summary>
    /// Where the database lies. A relative path starts at the program's own directory (in development: at the project's).
    /// The directory is made when missing, with mode 0700.
    /// </summary>
    public string Directory { get; set; } = "data";
}
