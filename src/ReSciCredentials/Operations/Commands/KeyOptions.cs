using System.CommandLine;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Operations.Commands;

/// <summary>The two ways to give a command a recovery key: its file, or its sheet on standard input. Never as a word, which other accounts could see.</summary>
internal sealed class KeyOptions
{
    private readonly Option<string> _file = new("--key-file") { Description = "The file with the recovery key" };

    private readonly Option<bool> _sheet = new("--sheet-stdin") { Description = "Read the eight groups of the recovery sheet from standard input, one a line" };

    /// <param name="required">Whether the command can do nothing without one.</param>
    public void AddTo(Command command, bool required = false)
    {
        command.Options.Add(_file);
        command.Options.Add(_sheet);
        command.Validators.Add(result =>
        {
            var (file, sheet) = (result.GetValue(_file) is not null, result.GetValue(_sheet));
            if (file && sheet)
            {
                result.AddError("Give --key-file or --sheet-stdin, not both.");
            }
            else if (required && !file && !sheet)
            {
                result.AddError("Give --sheet-stdin, or --key-file.");
            }
        });
    }

    /// <summary>The key that was given; null when none was.</summary>
    /// <exception cref="BackupRefusedException">It cannot be read, or is not a whole key. Says which group is wrong, never what it holds.</exception>
    public async Task<RecoveryKey?> ReadAsync(ParseResult parsed, CommandShell shell, CancellationToken cancellationToken)
    {
        try
        {
            return parsed.GetValue(_file) is { } file ? RecoveryKey.Parse(await File.ReadAllTextAsync(file, cancellationToken))
                : parsed.GetValue(_sheet) ? RecoveryKey.Parse(await shell.ReadInputAsync(cancellationToken))
                : null;
        }
        catch (FormatException exception)
        {
            throw new BackupRefusedException($"{exception.Message} Compare it with the sheet.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BackupRefusedException($"The key file cannot be read: {exception.Message}");
        }
    }
}
