using ReSciCredentials.Safekeeping;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>A backup of one server, restored, or refused, in the place of another.</summary>
public sealed class Restoring(Restoring.Source source) : IClassFixture<Restoring.Source>, IDisposable
{
    private readonly TestDirectory _target = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _target.Dispose();

    [Fact]
    public async Task Brings_everything_back_on_an_empty_machine_from_the_typed_sheet()
    {
        var sheet = await File.ReadAllTextAsync(source.KeyFile, Cancellation);

        var ended = await CommandRun.RunAsync(_target, $"backup restore {source.Backup} --sheet-stdin", sheet);

        var found = await Found.InAsync(Target(ended));
        Assert.Equal(["One", "Two"], found.Names);
        Assert.Equal((2, 0, 0), (found.Secrets, found.Unreadable, found.SessionsAlive));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_target.KeyFile));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_target.Database));
    }

    [Fact]
    public async Task Names_the_tokens_that_work_again()
    {
        var ended = await CommandRun.RunAsync(_target, $"backup restore {source.Backup} --key-file {source.KeyFile}");

        Assert.Contains("access token Nightly", ended.Done().Output, StringComparison.Ordinal);
        Assert.Contains("source Import jobs", ended.Output, StringComparison.Ordinal);
        Assert.Contains($"service key Loader (rcsk_abcd…) of {TestServer.OwnerEmail}", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keeps_what_was_there_aside_with_its_key()
    {
        string before;
        await MakeStrangerAsync();
        await using (var vault = await Vault.StartAsync(_target))
        {
            await vault.AddAsync("Of another time");
            before = vault.Seal.RecoveryKey.Id;
        }

        _target.CloseDatabase();
        var rows = await StoredRows.ReadAsync(_target);

        (await CommandRun.RunAsync(_target, $"backup restore {source.Backup} --key-file {source.KeyFile}")).Done();

        var aside = Assert.Single(Directory.GetDirectories(_target.Data, "before-restore-*"));
        Assert.Equal(rows, await StoredRows.ReadAsync(Path.Combine(aside, "resci-credentials.db")));
        Assert.Equal(before, RecoveryKey.Parse(await File.ReadAllTextAsync($"{_target.KeyFile}.{before}", Cancellation)).Id);
        Assert.Equal(["One", "Two"], (await Found.InAsync(_target)).Names);
    }

    [Fact]
    public async Task Is_refused_while_the_server_runs()
    {
        await using var vault = await Vault.StartAsync(_target);
        await vault.AddAsync("Alive");
        var rows = await StoredRows.ReadAsync(_target);

        var ended = await CommandRun.RunAsync(_target, $"backup restore {source.Backup} --key-file {source.KeyFile}");

        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.Contains("Stop it first", ended.Errors, StringComparison.Ordinal);
        Assert.Equal(rows, await StoredRows.ReadAsync(_target));
    }

    /// <summary>Small here; the long run is `dotnet run --project tests/ReSciCredentials.Benchmarks -- safekeeping-kills`.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(400)]
    public async Task Leaves_the_old_database_or_the_new_one_when_it_is_killed(int milliseconds)
    {
        await SafekeepingKills.PrepareAsync(_target, credentials: 1);

        await SafekeepingKills.AmidRestoreAsync(
            words => Executable.Start(words), _target, source.Backup, source.KeyFile, TimeSpan.FromMilliseconds(milliseconds));

        var found = await Found.InAsync(_target);
        Assert.Equal(0, found.Unreadable);
        Assert.InRange(found.Secrets, 1, 2);
    }

    public static TheoryData<string, string> Faults => new()
    {
        { "cut", "is not whole" },
        { "cut in its head", "is not a backup" },
        { "grown", "is not whole" },
        { "flipped", "is damaged" },
        { "manifest changed", "does not vouch" },
        { "foreign", "was made under recovery key" },
        { "newer format", "newer version" },
        { "a database", "is not a backup" },
        { "empty", "is not a backup" },
        { "missing", "cannot be read" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Refuses_what_cannot_be_trusted_and_touches_nothing(string fault, string said)
    {
        await MakeStrangerAsync();
        await using (var vault = await Vault.StartAsync(_target))
        {
            await vault.AddAsync("Must stay");
        }

        _target.CloseDatabase();
        var (rows, key) = (await StoredRows.ReadAsync(_target), await File.ReadAllTextAsync(_target.KeyFile, Cancellation));
        var files = Directory.GetFileSystemEntries(_target.Path, "*", SearchOption.AllDirectories);
        using var elsewhere = new TestDirectory();
        var bad = await SpoilAsync(fault, elsewhere);
        var opener = fault == "foreign" ? _target.KeyFile : source.KeyFile;

        var restored = await CommandRun.RunAsync(_target, $"backup restore {bad} --key-file {opener}");
        var verified = await CommandRun.RunAsync(_target, $"backup verify {bad} --key-file {opener}");

        Assert.Equal((1, 1), (restored.ExitCode, verified.ExitCode));
        Assert.Contains(said, restored.Errors, StringComparison.Ordinal);
        Assert.Equal((rows, key), (await StoredRows.ReadAsync(_target), await File.ReadAllTextAsync(_target.KeyFile, Cancellation)));
        Assert.Equal(files, Directory.GetFileSystemEntries(_target.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task Refuses_a_backup_of_a_newer_schema()
    {
        using var elsewhere = new TestDirectory();
        await using (await Vault.StartAsync(elsewhere))
        {
        }

        var key = RecoveryKey.Parse(await File.ReadAllTextAsync(elsewhere.KeyFile, Cancellation));
        var path = Path.Combine(elsewhere.Path, "newer.backup");
        await BackupFile.WriteAsync(
            elsewhere.Database,
            path,
            new BackupManifest(DateTimeOffset.UtcNow, "9.9.9", "29991231235959_FromTheFuture", key.Id, 0, "", new Dictionary<string, long>()),
            key,
            null,
            Cancellation);

        var ended = await CommandRun.RunAsync(_target, $"backup restore {path} --key-file {elsewhere.KeyFile}");

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("newer version of this program (9.9.9", ended.Errors, StringComparison.Ordinal);
        Assert.False(File.Exists(_target.Database));
    }

    [Fact]
    public async Task Says_which_group_of_a_typed_sheet_is_wrong_and_repeats_none_of_it()
    {
        var sheet = (await File.ReadAllTextAsync(source.KeyFile, Cancellation)).Split('\n');
        var third = Array.FindIndex(sheet, line => line.StartsWith("3 ", StringComparison.Ordinal));
        sheet[third] = sheet[third][..^1] + (sheet[third][^1] == '0' ? '1' : '0');

        var ended = await CommandRun.RunAsync(_target, $"backup restore {source.Backup} --sheet-stdin", string.Join('\n', sheet));

        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.Contains("Group 3", ended.Errors, StringComparison.Ordinal);
        Assert.All(sheet.Where(line => line.Contains('-', StringComparison.Ordinal) && line[0] != '#'), line =>
            Assert.DoesNotContain(line.Split(' ')[1], ended.Errors, StringComparison.Ordinal));
    }

    private TestDirectory Target(CommandEnd ended)
    {
        ended.Done();
        return _target;
    }

    // A server with a recovery key of its own: the others of this process begin with a copy of the same data.
    private async Task MakeStrangerAsync()
    {
        await using var server = await TestServer.StartAsync(_target);
        await server.CreateOwnerAsync();
        await server.StartSessionAsync();
    }

    // Written anew each time: one bit or one line is another.
    private async Task<string> SpoilAsync(string fault, TestDirectory directory)
    {
        var bytes = await File.ReadAllBytesAsync(source.Backup, Cancellation);
        var path = Path.Combine(directory.Path, "bad.backup");
        var manifest = Array.IndexOf(bytes, (byte)'\n') + 1;
        switch (fault)
        {
            case "cut":
                bytes = bytes[..^1000];
                break;
            case "cut in its head":
                bytes = bytes[..20];
                break;
            case "grown":
                bytes = [.. bytes, 0];
                break;
            case "flipped":
                bytes[^5000] ^= 1;
                break;
            case "manifest changed":
                // The year it was made in.
                var year = bytes.AsSpan(manifest).IndexOf("20"u8) + manifest;
                bytes[year + 3] = (byte)(bytes[year + 3] == '9' ? '8' : '9');
                break;
            case "newer format":
                bytes[manifest - 2] = (byte)'2';
                break;
            case "a database":
                bytes = await File.ReadAllBytesAsync(source.Database, Cancellation);
                break;
            case "empty":
                bytes = [];
                break;
            case "missing":
                return path;
            case "foreign":
                break;
        }

        await File.WriteAllBytesAsync(path, bytes, Cancellation);
        return path;
    }

    /// <summary>A server with two credentials and a token, that was backed up.</summary>
    public sealed class Source : IAsyncLifetime
    {
        private readonly TestDirectory _directory = new();

        internal string Backup { get; private set; } = "";

        internal string KeyFile => _directory.KeyFile;

        internal string Database => _directory.Database;

        public async ValueTask InitializeAsync()
        {
            await using (var vault = await Vault.StartAsync(_directory))
            {
                var credential = await vault.AddAsync("One");
                await vault.AddAsync("Two");
                await _directory.SqlAsync(
                    """
                    INSERT INTO flows (Id, Kind, OwnerId, Name, Endpoint, CredentialId, Status, CreatedAt, UpdatedAt, OperationId, Revision)
                    VALUES (1, 'Source', $owner, 'Import jobs', 'list_import_jobs', $credential, 'Active', 0, 0, '00000000-0000-0000-0000-000000000001', 1);
                    INSERT INTO access_tokens (OwnerId, FlowId, Name, Hash, Beginning, CreatedAt, OperationId, Revision)
                    VALUES ($owner, 1, 'Nightly', zeroblob(32), 'rcat_abcd', 0, '00000000-0000-0000-0000-000000000002', 1);
                    INSERT INTO service_keys (OwnerId, Name, Scope, Hash, Beginning, CreatedAt, OperationId, Revision)
                    VALUES ($owner, 'Loader', 'Read', zeroblob(32), 'rcsk_abcd', 0, '00000000-0000-0000-0000-000000000003', 1);
                    """,
                    ("$owner", vault.Owner.Id),
                    ("$credential", credential));
                Backup = (await vault.Server.Service<Backups>().CreateAsync(null, null, Cancellation)).Path;
            }

            _directory.CloseDatabase();
        }

        public ValueTask DisposeAsync()
        {
            _directory.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
