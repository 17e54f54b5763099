namespace ReSciCredentials.Tests.Packaging;

/// <summary>What docker-compose.yml promises to the person who runs it.</summary>
public sealed class RunningInCompose
{
    private static readonly ComposeFile File = ComposeFile.Read();

    public static TheoryData<string> Services => ["app", "app-demo", "sandbox"];

    /// <summary>The two that are the product.</summary>
    public static TheoryData<string> Apps => ["app", "app-demo"];

    [Fact]
    public void There_are_no_services_but_those_tested_here() => Assert.Equal(["app", "app-demo", "sandbox"], File.Services.Keys.Order());

    [Theory]
    [MemberData(nameof(Services))]
    public void The_root_file_system_is_read_only(string service) => Assert.True(File.Services[service].ReadOnly);

    [Theory]
    [MemberData(nameof(Services))]
    public void No_capability_is_left(string service)
    {
        var settings = File.Services[service];

        Assert.Equal(["ALL"], settings.CapDrop);
        Assert.Empty(settings.CapAdd);
        Assert.False(settings.Privileged);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void No_program_can_gain_privileges(string service) => Assert.Contains("no-new-privileges:true", File.Services[service].SecurityOpt);

    [Theory]
    [MemberData(nameof(Services))]
    public void The_user_of_the_image_stays(string service) => Assert.Null(File.Services[service].User);

    [Theory]
    [MemberData(nameof(Services))]
    public void No_core_is_dumped(string service) => Assert.Equal(0, File.Services[service].Ulimits["core"]);

    [Theory]
    [MemberData(nameof(Services))]
    public void Only_this_machine_reaches_it(string service) =>
        Assert.All(File.Services[service].Ports, port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));

    [Theory]
    [MemberData(nameof(Services))]
    public void No_secret_stands_in_an_environment_variable(string service)
    {
        // The allowed names, so that a new one is looked at by a person.
        string[] harmless =
            ["Server__PublicAddress", "Server__TrustedProxies__0", "ReSci__BaseAddress", "ReSci__AllowInsecureLoopback", "SANDBOX_PORT"];

        Assert.All(File.Services[service].Environment.Keys, name => Assert.Contains(name, harmless));
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Data_keys_and_backups_lie_in_volumes_of_its_own(string service)
    {
        var volumes = File.Services[service].Volumes.Select(volume => volume.Split(':')).ToDictionary(parts => parts[1], parts => parts[0]);

        Assert.Equal(["/backups", "/data", "/keys"], volumes.Keys.Order());
        Assert.All(volumes.Values, name => Assert.Contains(name, File.Volumes.Keys));
        var foreign = File.Services.Where(other => other.Key != service).SelectMany(other => other.Value.Volumes).Select(volume => volume.Split(':')[0]);
        Assert.DoesNotContain(foreign, volumes.Values.Contains);
    }

    [Theory]
    [MemberData(nameof(Apps))]
    public void Nothing_else_can_be_written_but_a_temporary_directory(string service) => Assert.Equal(["/tmp"], File.Services[service].Tmpfs);

    [Theory]
    [MemberData(nameof(Apps))]
    public void The_program_checks_its_own_health(string service) =>
        Assert.Equal(["CMD", "dotnet", "ReSciCredentials.dll", "health"], File.Services[service].Healthcheck?.Test);

    [Theory]
    [MemberData(nameof(Apps))]
    public void In_flight_work_may_finish_before_it_is_killed(string service) => Assert.Equal("35s", File.Services[service].StopGracePeriod);

    [Fact]
    public void The_real_one_starts_without_a_profile() => Assert.Empty(File.Services["app"].Profiles);

    [Theory]
    [InlineData("app-demo")]
    [InlineData("sandbox")]
    public void The_demo_starts_only_when_asked_for(string service) => Assert.Equal(["demo"], File.Services[service].Profiles);

    [Fact]
    public void The_demo_asks_the_stand_in_over_the_loopback_that_they_share()
    {
        var (app, sandbox) = (File.Services["app-demo"], File.Services["sandbox"]);

        Assert.Equal("service:app-demo", sandbox.NetworkMode);
        Assert.Equal(["dotnet", "ReSciSandbox.dll"], sandbox.Entrypoint);
        Assert.Equal($"http://127.0.0.1:{sandbox.Environment["SANDBOX_PORT"]}/", app.Environment["ReSci__BaseAddress"]);
        Assert.Equal("true", app.Environment["ReSci__AllowInsecureLoopback"]);
    }

    [Fact]
    public void The_demo_keeps_its_sign_in()
    {
        // What would switch it off, with the sandbox inside the process.
        string[] off = ["ASPNETCORE_ENVIRONMENT", "DOTNET_ENVIRONMENT", "ReSci__Sandbox"];

        Assert.DoesNotContain(File.Services["app-demo"].Environment.Keys, off.Contains);
    }

    [Fact]
    public void The_real_one_asks_the_real_ReSci() =>
        Assert.DoesNotContain(File.Services["app"].Environment.Keys, name => name.StartsWith("ReSci__", StringComparison.Ordinal));
}
