using System.Net;
using System.Net.Sockets;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Operations;

/// <summary>The executable without a command: it serves, or says in one message why it does not.</summary>
public sealed class StartingTheProgram : IDisposable
{
    private static readonly string[] BadSettings =
    [
        "--ReSci:BaseAddress=http://x",
        "--ReSci:Timeout=abc",
        "--ReSci:Sandbox=maybe",
        "--Server:PublicAddress=foo",
        "--Server:TrustedProxy=127.0.0.1",
        "--Server:TrustedProxies:0=everybody",
        "--Storage:Directory=",
    ];

    private readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Serves_from_any_working_directory()
    {
        using var elsewhere = new TestDirectory();
        using var server = await ServerProcess.StartAsync(_directory.Settings, elsewhere.Path);
        using var http = new HttpClient();

        var answer = await http.GetStringAsync(new Uri(server.Address, "/health/ready"));

        Assert.Equal("Healthy", answer);
    }

    [Fact]
    public async Task Prints_a_link_that_leads_to_the_set_up_page()
    {
        using var server = await ServerProcess.StartAsync(_directory.Settings);
        using var http = new HttpClient();

        var page = await http.GetStringAsync(server.SetupLink);

        Assert.Contains("name=\"Email\"", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_with_success_when_it_is_told_to_stop()
    {
        using var server = await ServerProcess.StartAsync(_directory.Settings);

        Assert.Equal(0, await server.TerminateAsync());
    }

    [Fact]
    public async Task Says_in_plain_words_that_the_address_is_taken()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();

        var ended = await Executable.RunAsync([.. _directory.Settings, $"--urls=http://{other.LocalEndpoint}"]);

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("Another program listens there.", ended.Errors, StringComparison.Ordinal);
        AssertNoStack(ended);
    }

    [Fact]
    public async Task Says_in_plain_words_that_another_server_has_the_data()
    {
        using var server = await ServerProcess.StartAsync(_directory.Settings);

        var ended = await Executable.RunAsync(_directory.Settings);

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains($"Another process already serves {_directory.Data}.", ended.Errors, StringComparison.Ordinal);
        AssertNoStack(ended);
    }

    [Fact]
    public async Task Names_every_bad_setting_by_its_key_in_one_message()
    {
        var ended = await Executable.RunAsync([.. _directory.Settings, .. BadSettings, "--urls=nonsense"]);

        Assert.Equal(1, ended.ExitCode);
        string[] keys =
        [
            "ReSci:BaseAddress", "ReSci:Timeout", "ReSci:Sandbox", "Server:PublicAddress", "Server:TrustedProxies", "Server:TrustedProxy:",
            "Storage:Directory", "urls",
        ];
        Assert.All(keys, key => Assert.Single(ended.Errors.Split('\n'), line => line.StartsWith($"- {key}", StringComparison.Ordinal)));
        Assert.Contains("there is no such setting. Server has PublicAddress, TrustedProxies.", ended.Errors, StringComparison.Ordinal);
        AssertNoStack(ended);
    }

    [Fact]
    public async Task Touches_nothing_while_a_setting_is_bad()
    {
        await Executable.RunAsync([.. _directory.Settings, "--ReSci:Timeout=abc"]);

        Assert.Empty(Directory.EnumerateFileSystemEntries(_directory.Path));
    }

    [Theory]
    [InlineData("--urls=https://127.0.0.1:0", "certificate")]
    [InlineData("--Logging:LogLevel:Default=Loud", "Loud")]
    public async Task Passes_on_what_the_framework_says_about_its_own_settings(string setting, string said)
    {
        var ended = await Executable.RunAsync([.. _directory.Settings, setting]);

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains(said, ended.Errors, StringComparison.Ordinal);
        AssertNoStack(ended);
    }

    private static void AssertNoStack(Ended ended) => Assert.DoesNotContain("   at ", ended.Output + ended.Errors, StringComparison.Ordinal);
}
