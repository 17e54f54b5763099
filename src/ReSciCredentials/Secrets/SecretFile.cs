using ReSciCredentials.Storage;

namespace ReSciCredentials.Secrets;

/// <summary>A file of the installation that holds one secret, such as a password: read anew each time, so that it can be changed without a restart.</summary>
internal sealed class SecretFile(IHostEnvironment environment)
{
    private const long MaximumLength = 4096;

    private const UnixFileMode OthersMayUse =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute |
        UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>
    /// Whether other accounts of the machine can use a file. Not one that systemd hands over as a credential: only the service's account may
    /// enter that directory, and the right to read it, given by an access control list, shows as the group's.
    /// https://systemd.io/CREDENTIALS/
    /// </summary>
    public static bool CanOthersUse(string path) =>
        !OperatingSystem.IsWindows()
        && (File.GetUnixFileMode(path) & OthersMayUse) != 0
        && Path.GetDirectoryName(path) != Environment.GetEnvironmentVariable("CREDENTIALS_DIRECTORY");

    /// <summary>The text of the file without white space around it.</summary>
    /// <param name="setting">The key of the setting that names the file, for the message.</param>
    /// <param name="path">A relative path starts beside the program.</param>
    /// <exception cref="StartRefusedException">It is missing, empty, too long, cannot be read, or others can. The message holds nothing of its content.</exception>
    public string Read(string setting, string path)
    {
        var full = Path.GetFullPath(path, environment.ContentRootPath);
        try
        {
            if (!File.Exists(full))
            {
                throw new StartRefusedException($"{setting}: there is no file {full}.");
            }

            if (CanOthersUse(full))
            {
                throw new StartRefusedException($"{setting}: {full} can be used by other accounts of this machine. Run: chmod 600 {full}");
            }

            var text = new FileInfo(full).Length <= MaximumLength ? File.ReadAllText(full).Trim() : "";
            return text.Length > 0
                ? text
                : throw new StartRefusedException($"{setting}: {full} must hold the secret and nothing else, at most {MaximumLength} bytes.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"{setting}: {full} cannot be read: {exception.Message}");
        }
    }
}
