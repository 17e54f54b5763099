using System.Buffers.Binary;
using System.Net;
using System.Text.Json;
using ReSciCredentials.Access;
using ReSciCredentials.Operations;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Operations;

/// <summary>
/// What the executable can do beside serving, before the first start and beside a running server. The commands run in this process,
/// except where it matters that they run in one of their own.
/// </summary>
public sealed class UsingTheCommandLine : IDisposable
{
    private const string Password = "a much longer walrus phrase";

    private static readonly string[] CreateOwner = ["owner", "create", "--email", "ann@example.com", "--name", "Ann", "--password-stdin"];

    private static readonly string[] CreateMember = ["person", "create", "--email", "ben@example.com", "--name", "Ben", "--password-stdin"];

    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("owner")]
    [InlineData("owner create")]
    [InlineData("owner setup-link")]
    [InlineData("owner reset-sign-in")]
    [InlineData("person")]
    [InlineData("person create")]
    [InlineData("service-key")]
    [InlineData("service-key create")]
    [InlineData("recovery-key")]
    [InlineData("recovery-key show")]
    [InlineData("health")]
    [InlineData("audit")]
    [InlineData("audit verify")]
    [InlineData("audit head")]
    public async Task Explains_every_command(string command)
    {
        var ended = await RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
        Assert.Contains("Usage:", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tells_its_version()
    {
        var ended = await RunExecutableAsync(["--version"]);

        Assert.Matches(@"^\d+\.\d+\.\d+", ended.Output);
    }

    [Theory]
    [InlineData("bogus")]
    [InlineData("owner create")]
    [InlineData("recovery-key show")]
    [InlineData("service-key create --owner ann@example.com --name Airflow --scope everything")]
    [InlineData("health --loud")]
    [InlineData("audit verify --head 12.ab")]
    public async Task Tells_wrong_usage_from_failure_by_the_exit_code(string words)
    {
        var ended = await RunAsync(words.Split(' '));

        Assert.Equal(2, ended.ExitCode);
    }

    [Fact]
    public async Task Makes_the_owner_before_the_first_start()
    {
        var ended = await RunExecutableAsync(CreateOwner, Password);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
        await using var server = await TestServer.StartAsync(_directory);
        await server.NewVisitor().SignInAsync("ann@example.com", Password);
    }

    [Fact]
    public async Task Hashes_the_password_with_at_least_210_000_iterations()
    {
        await RunAsync(CreateOwner, Password);

        var hash = Convert.FromBase64String((string)(await _directory.SqlAsync("SELECT PasswordHash FROM accounts"))!);

        // PasswordHasher's format: a marker, the function (2 is SHA-512), the count.
        Assert.Equal((2, 210_000), (BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(1)), BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(5))));
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task Drops_one_line_end_after_the_password(string lineEnd)
    {
        await RunAsync(CreateOwner, Password + lineEnd);

        await using var server = await TestServer.StartAsync(_directory);
        using var ann = new Visitor(server.Address);
        await ann.SignInAsync("ann@example.com", Password);
    }

    [Fact]
    public async Task Makes_the_owner_beside_a_running_server()
    {
        using var server = await ServerProcess.StartAsync(_directory.Settings);

        var ended = await RunExecutableAsync(CreateOwner, Password);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
        using var ann = new Visitor(server.Address);
        await ann.SignInAsync("ann@example.com", Password);
    }

    [Fact]
    public async Task Makes_one_owner_only()
    {
        await RunAsync(CreateOwner, Password);

        var second = await RunAsync(["owner", "create", "--email", "ben@example.com", "--name", "Ben", "--password-stdin"], Password);

        Assert.Equal((1, ""), (second.ExitCode, second.Output));
        Assert.Contains("There is an owner already. Nothing was changed.", second.Errors, StringComparison.Ordinal);
        Assert.Equal("ann@example.com", await _directory.SqlAsync("SELECT group_concat(Email) FROM accounts"));
    }

    [Fact]
    public async Task Refuses_a_weak_password_and_says_what_is_wrong_with_it()
    {
        var ended = await RunAsync(CreateOwner, "short");

        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.Contains("It needs at least 15", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_a_value_that_reads_like_one_of_its_words()
    {
        var ended = await RunAsync(["owner", "create", "--email", "ann@example.com", "--name", "create", "--password-stdin"], Password);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
    }

    [Fact]
    public async Task Prints_a_set_up_link_for_the_public_address()
    {
        var ended = await RunAsync(["owner", "setup-link", "--Server:PublicAddress=https://keys.example.com"]);

        Assert.StartsWith("https://keys.example.com/setup#token=", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prints_no_set_up_link_once_there_is_an_owner()
    {
        await RunAsync(CreateOwner, Password);

        var ended = await RunAsync(["owner", "setup-link"]);

        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
    }

    [Fact]
    public async Task Takes_the_old_password_away_when_the_sign_in_is_reset()
    {
        await RunAsync(CreateOwner, Password);

        var ended = await RunAsync(["owner", "reset-sign-in"]);

        Assert.Contains("/setup#token=", ended.Output, StringComparison.Ordinal);
        await using var server = await TestServer.StartAsync(_directory);
        using var ann = new Visitor(server.Address);
        var answer = await ann.SubmitAsync("/sign-in", "sign-in", ("Email", "ann@example.com"), ("Password", Password));
        Assert.NotEqual(HttpStatusCode.Redirect, answer.Status);
    }

    [Fact]
    public async Task Makes_a_member_beside_a_running_server()
    {
        await RunAsync(CreateOwner, Password);
        await using var server = await TestServer.StartAsync(_directory);

        var ended = await RunAsync(CreateMember, Password);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
        await server.NewVisitor().SignInAsync("ben@example.com", Password);
        Assert.Equal("Owner,Member", await _directory.SqlAsync("SELECT group_concat(Role) FROM accounts"));
    }

    [Fact]
    public async Task Makes_no_member_before_there_is_an_owner()
    {
        var ended = await RunAsync(CreateMember, Password);

        Assert.Equal((1, ""), (ended.ExitCode, ended.Output));
        Assert.StartsWith("There is no owner yet", ended.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Makes_no_second_person_with_the_same_address()
    {
        await RunAsync(CreateOwner, Password);

        var ended = await RunAsync(["person", "create", "--email", "ANN@example.com", "--name", "Another", "--password-stdin"], Password);

        Assert.Equal((1, "Somebody has the address ANN@example.com already. Nothing was changed."), (ended.ExitCode, ended.Errors.TrimEnd()));
    }

    [Fact]
    public async Task Prints_a_service_key_alone_that_works_at_a_running_server_at_once()
    {
        await RunAsync(CreateOwner, Password);
        await using var server = await TestServer.StartAsync(_directory);

        var ended = await RunExecutableAsync(
            ["service-key", "create", "--owner", "ann@example.com", "--name", "Airflow", "--expires", "2099-12-31", "--scope", "read"]);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
        Assert.Equal(ServiceKeys.Format.Length + Environment.NewLine.Length, ended.Output.Length);
        using var program = new SdkProgram(server.Address, ended.Output.TrimEnd());
        Assert.Equal("ann@example.com", (await program.CallAsync("GET", "/users/current")).GetProperty("email").GetString());
    }

    [Theory]
    [InlineData("nobody@example.com", "2099-12-31", "Nobody has the address nobody@example.com. Nothing was made.")]
    [InlineData("ann@example.com", "tomorrow", "--expires: Choose a day from today on, such as 2027-01-31, or none.")]
    public async Task Makes_no_service_key_and_says_why(string owner, string expires, string why)
    {
        await RunAsync(CreateOwner, Password);

        var ended = await RunAsync(["service-key", "create", "--owner", owner, "--name", "Airflow", "--expires", expires]);

        Assert.Equal((1, "", why), (ended.ExitCode, ended.Output, ended.Errors.TrimEnd()));
    }

    [Fact]
    public async Task Shows_the_recovery_key_as_it_stands_in_the_file()
    {
        await RunAsync(CreateOwner, Password);

        var ended = await RunAsync(["recovery-key", "show", "--confirm"]);

        Assert.Equal((await File.ReadAllTextAsync(_directory.KeyFile)).TrimEnd(), ended.Output.TrimEnd());
    }

    [Fact]
    public async Task Shows_nothing_of_the_recovery_key_without_a_confirmation()
    {
        await RunAsync(CreateOwner, Password);
        var groups = (await File.ReadAllLinesAsync(_directory.KeyFile)).Where(line => line.Length > 0 && line[0] != '#').ToArray();

        var ended = await RunAsync(["recovery-key", "show"]);

        Assert.Equal(8, groups.Length);
        Assert.All(groups, group => Assert.DoesNotContain(group, ended.Output + ended.Errors, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Says_that_there_is_no_recovery_key_yet()
    {
        var ended = await RunAsync(["recovery-key", "show", "--confirm"]);

        Assert.Equal((1, $"There is no recovery key in {_directory.KeyFile}."), (ended.ExitCode, ended.Errors.TrimEnd()));
    }

    [Fact]
    public async Task Finds_a_running_server_healthy()
    {
        await using var server = await TestServer.StartAsync(_directory);

        var ended = await RunAsync(["health", $"--urls={server.Origin}"]);

        Assert.Equal((0, "ready"), (ended.ExitCode, ended.Output.TrimEnd()));
    }

    [Fact]
    public async Task Fails_the_health_check_of_a_server_that_does_not_run()
    {
        var ended = await RunAsync(["health", "--urls=http://127.0.0.1:1"]);

        Assert.Equal((1, "no answer from http://127.0.0.1:1/health/ready"), (ended.ExitCode, ended.Errors.TrimEnd()));
    }

    [Fact]
    public async Task Verifies_the_audit_log_beside_a_running_server_against_a_head_that_was_kept()
    {
        await using var vault = await Vault.StartAsync(_directory);
        var head = (await RunAsync(["audit", "head"])).Output.Trim();
        await vault.AddAsync("Shop");

        var ended = await RunAsync(["audit", "verify", "--head", head]);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Errors));
        Assert.Matches(@"^All \d+ entries are there and as they were written\. Head: \d+\.[0-9a-f]{64}$", ended.Output.Trim());
    }

    [Fact]
    public async Task Says_which_entry_of_the_audit_log_was_changed()
    {
        await RunAsync(CreateOwner, Password);
        await _directory.SqlAsync("UPDATE audit_entries SET ActorName = 'nobody' WHERE Id = 1");

        var ended = await RunAsync(["audit", "verify"]);

        Assert.Equal((1, "", "Entry 1 was changed after it was written."), (ended.ExitCode, ended.Output, ended.Errors.Trim()));
    }

    [Fact]
    public async Task Says_what_is_wrong_with_the_audit_log_as_JSON()
    {
        await RunAsync(CreateOwner, Password);
        await _directory.SqlAsync("DELETE FROM audit_entries");

        var ended = await RunAsync(["audit", "verify", "--json"]);

        using var json = JsonDocument.Parse(ended.Output);
        var fault = Assert.Single(json.RootElement.GetProperty("faults").EnumerateArray());
        Assert.Equal((1, false, "cut_off", 1), (
            ended.ExitCode,
            json.RootElement.GetProperty("is_whole").GetBoolean(),
            fault.GetProperty("kind").GetString(),
            fault.GetProperty("first").GetInt32()));
    }

    [Fact]
    public async Task Refuses_bad_settings_like_the_server_does()
    {
        var ended = await RunAsync(["owner", "setup-link", "--ReSci:Timeout=abc"]);

        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith("- ReSci:Timeout: 'abc' cannot be read.", ended.Errors, StringComparison.Ordinal);
    }

    private async Task<Ended> RunAsync(IEnumerable<string> words, string typed = "")
    {
        using var input = new StringReader(typed);
        await using var output = new StringWriter();
        await using var errors = new StringWriter();
        var exitCode = await new CommandLine(input, output, errors).RunAsync([.. _directory.Settings, .. words]);
        return new Ended(exitCode, output.ToString(), errors.ToString());
    }

    private Task<Ended> RunExecutableAsync(IEnumerable<string> words, string typed = "") =>
        Executable.RunAsync([.. _directory.Settings, .. words], typed);
}
