using System.Text.Json;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Safekeeping;

/// <summary>The command <c>check</c>, and what the owner is told by the health of a running server.</summary>
public sealed class CheckingTheServer : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private Vault _vault = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await Vault.StartAsync(_directory);
        await _vault.AddAsync("One");
    }

    public async ValueTask DisposeAsync()
    {
        await _vault.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Finds_no_fault_in_a_good_one()
    {
        var ended = await CheckAsync();

        Assert.True(ended.ExitCode == 0, ended.Output + ended.Errors);
        Assert.Contains("All 1 open.", ended.Output, StringComparison.Ordinal);
        Assert.Contains("It answers. No key was sent.", ended.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE credential_keys SET Ciphertext = zeroblob(60)", "stored keys")]
    [InlineData("DELETE FROM credential_keys", "stored keys")]
    [InlineData("UPDATE sealed_values SET Sealed = zeroblob(60) WHERE Name = 'sentinel'", "sentinel")]
    [InlineData("UPDATE ring_elements SET Sealed = zeroblob(60)", "key ring")]
    [InlineData("INSERT INTO ring_elements (Name, RecoveryKeyId, Sealed, CreatedAt) VALUES ('key-x', 'K-0000-0000', zeroblob(60), 0)", "key ring")]
    [InlineData("UPDATE audit_entries SET At = 3155378975999999999 WHERE Id = (SELECT max(Id) FROM audit_entries)", "clock")]
    public async Task Finds_what_was_edited_in_the_database(string sql, string area)
    {
        await _directory.SqlAsync(sql);

        var ended = await CheckAsync("--json");

        Assert.Equal((1, area), (ended.ExitCode, FaultIn(ended)));
    }

    [Fact]
    public async Task Finds_files_that_others_may_read()
    {
        File.SetUnixFileMode(_directory.Database, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        var ended = await CheckAsync("--json");

        Assert.Equal((1, "files"), (ended.ExitCode, FaultIn(ended)));
    }

    [Fact]
    public async Task Finds_a_corrupt_page()
    {
        await _vault.Server.App.StopAsync(TestContext.Current.CancellationToken);
        _directory.CloseDatabase();
        await using (var file = new FileStream(_directory.Database, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = 4096 * 3;
            file.Write(new byte[4096]);
        }

        var ended = await CheckAsync("--json");

        Assert.Equal((1, "database"), (ended.ExitCode, FaultIn(ended)));
    }

    [Fact]
    public async Task Says_on_an_empty_machine_that_there_is_nothing_yet()
    {
        using var empty = new TestDirectory();

        var ended = await CommandRun.RunAsync(empty, "check");

        Assert.Contains("There is none yet", ended.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(empty.Database));
    }

    [Fact]
    public async Task Tells_the_owner_what_it_found_and_everybody_else_one_word()
    {
        var owner = await _vault.Server.SignInAsync();
        var stranger = _vault.Server.NewVisitor();

        var told = JsonDocument.Parse((await owner.GetAsync("/health/ready")).Text).RootElement;

        Assert.Equal("Healthy", (await stranger.GetAsync("/health/ready")).Text);
        Assert.Equal("Healthy", told.GetProperty("status").GetString());
        Assert.Contains("backup", told.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("area").GetString()));
    }

    private static string? FaultIn(CommandEnd ended) => JsonDocument.Parse(ended.Output).RootElement.GetProperty("findings").EnumerateArray()
        .FirstOrDefault(finding => finding.GetProperty("state").GetString() == "fault") is { ValueKind: JsonValueKind.Object } fault
            ? fault.GetProperty("area").GetString()
            : ended.Output;

    private Task<CommandEnd> CheckAsync(string more = "") => CommandRun.RunAsync(_directory, $"check --ReSci:Sandbox=true {more}");
}
