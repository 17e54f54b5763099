using System.Diagnostics;
using System.Text;
using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Secrets;

/// <summary>
/// What the program writes for the time of a piece of work is looked into while it is there. The program is a process of its own, with a directory for its
/// temporary files that nobody else uses.
/// </summary>
public sealed class APlantedKeyInTemporaryFiles : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly TestDirectory _directory = new();
    private readonly PlantedKey _key = new("sandbox-accepted");
    private readonly string _temporary;

    public APlantedKeyInTemporaryFiles() => _temporary = Directory.CreateDirectory(Path.Combine(_directory.Path, "temporary")).FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Backups => Path.Combine(_directory.Path, "backups");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Is_in_none_of_an_import_a_backup_a_drill_a_re_encryption_and_a_restore_and_nor_is_the_recovery_key()
    {
        await OwnedData.CopyToAsync(_directory);
        var sheet = await File.ReadAllTextAsync(_directory.KeyFile, Cancellation);
        var traces = RecoveryKey.Parse(sheet).Traces();
        using var lookout = new Lookout([_directory.Data, Backups, _temporary], file => _key.IsIn(file) || traces.AreIn(file));

        using (var server = lookout.Watch(Start()))
        {
            var errors = server.StandardError.ReadToEndAsync(Cancellation);
            try
            {
                using var owner = new Visitor(await KillRound.AddressAsync(server));
                await owner.SignInAsync(TestServer.OwnerEmail, TestServer.OwnerPassword);
                await ImportAsync(owner);
                await UntilSeenAsync(lookout, () => OrderAsync(owner, JobKind.Backup));
                await UntilSeenAsync(lookout, () => OrderAsync(owner, JobKind.Drill));
                await RunAsync(lookout, "", "secrets", "reencrypt", "--new-ring-key");
            }
            finally
            {
                server.Kill();
                await server.WaitForExitAsync(Cancellation);
                await errors;
            }
        }

        var backup = Directory.GetFiles(Backups, "*" + BackupFile.Extension).Max()!;
        await UntilSeenAsync(lookout, () => RunAsync(lookout, sheet, "backup", "restore", backup, "--sheet-stdin"));

        lookout.Dispose();
        Assert.Empty(lookout.Leaks);
    }

    // As much as would be spooled to a file, if it were a form.
    private async Task ImportAsync(Visitor owner)
    {
        var rows = new StringBuilder("name,description,key\n");
        for (var row = 0; row < 100; row++)
        {
            rows.Append("Planted,").Append('x', 1500).Append(',').Append(_key.Text).Append('\n');
        }

        await owner.PreviewImportAsync(rows.ToString());
        Assert.Equal("done", (await owner.ImportAsync(Guid.NewGuid(), $"name,description,key\nPlanted,,{_key.Text}\n")).End);
    }

    /// <summary>Presses the button on the page, and waits until the page says that it is done.</summary>
    private static async Task OrderAsync(Visitor owner, JobKind kind)
    {
        var before = await CountDoneAsync(owner);
        await owner.SubmitAsync(SafekeepingEndpoints.Page, $"{SafekeepingEndpoints.Page}/{(kind is JobKind.Drill ? "drill" : "backup")}");
        await Until.TrueAsync(async () => await CountDoneAsync(owner) > before, Patience);
    }

    private static async Task<int> CountDoneAsync(Visitor owner) =>
        (await owner.GetAsync(SafekeepingEndpoints.Page)).Text.Split("data-state=\"done\"").Length - 1;

    // A small backup may come and go between two looks, when the machine is busy; then there is another.
    private static async Task UntilSeenAsync(Lookout lookout, Func<Task> work)
    {
        const int Tries = 20;
        var before = Places(lookout);
        for (var tries = 0; Places(lookout) == before; tries++)
        {
            Assert.True(tries < Tries, "No temporary file was seen.");
            await work();
        }
    }

    private static int Places(Lookout lookout) =>
        lookout.Seen.Select(file => file.Split(Path.DirectorySeparatorChar).FirstOrDefault(part => part.StartsWith(".unfinished-", StringComparison.Ordinal))).Distinct().Count();

    private async Task RunAsync(Lookout lookout, string typed, params string[] words)
    {
        using var command = lookout.Watch(Start(words));
        await command.StandardInput.WriteAsync(typed);
        command.StandardInput.Close();
        var said = (command.StandardOutput.ReadToEndAsync(Cancellation), command.StandardError.ReadToEndAsync(Cancellation));
        await command.WaitForExitAsync(Cancellation);
        Assert.True(command.ExitCode == 0, await said.Item1 + await said.Item2);
    }

    private Process Start(params string[] words) =>
        Executable.Start([.. _directory.Settings, "--ReSci:Sandbox=true", .. words], temporaryFiles: _temporary);
}
