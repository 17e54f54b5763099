namespace ReSciCredentials.Tests.Packaging;

/// <summary>What the Dockerfile promises.</summary>
public sealed class TheImage
{
    private static readonly string[] Lines =
    [
        .. File.ReadLines(Repository.PathOf("src/ReSciCredentials/Dockerfile"))
            .Select(line => line.Trim())
            .Where(line => line.Length > 0 && line[0] != '#'),
    ];

    /// <summary>The stage that is shipped.</summary>
    private static readonly string[] Shipped = Lines[Array.FindLastIndex(Lines, line => line.StartsWith("FROM ", StringComparison.Ordinal))..];

    [Fact]
    public void It_runs_as_the_user_without_rights_of_the_base_image() =>
        Assert.Equal("USER $APP_UID", Shipped.Last(line => line.StartsWith("USER ", StringComparison.Ordinal)));

    [Fact]
    public void It_brings_no_tool_of_its_own() =>
        Assert.DoesNotContain(Shipped, line => line.Contains("curl", StringComparison.Ordinal) || line.Contains("apt", StringComparison.Ordinal));

    [Fact]
    public void It_ships_the_runtime_without_the_SDK() =>
        Assert.Equal("FROM mcr.microsoft.com/dotnet/aspnet:${DOTNET_VERSION}", Shipped[0]);

    [Fact]
    public void One_version_stands_for_the_SDK_and_the_runtime() =>
        Assert.All(
            Lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)),
            line => Assert.Contains(":${DOTNET_VERSION}", line, StringComparison.Ordinal));

    [Fact]
    public void It_restores_what_the_lock_files_say() =>
        Assert.Contains("RUN dotnet restore src/ReSciCredentials --locked-mode", Lines);

    [Fact]
    public void Data_keys_and_backups_are_volumes() => Assert.Contains("""VOLUME ["/data", "/keys", "/backups"]""", Shipped);

    [Fact]
    public void Nobody_but_its_user_may_look_into_the_volumes() =>
        Assert.Contains("""RUN mkdir --mode=0700 /data /keys /backups && chown "$APP_UID:$APP_UID" /data /keys /backups""", Shipped);

    [Fact]
    public void The_program_checks_its_own_health() =>
        Assert.EndsWith(
            """CMD ["dotnet", "ReSciCredentials.dll", "health"]""",
            Shipped.Single(line => line.StartsWith("HEALTHCHECK ", StringComparison.Ordinal)),
            StringComparison.Ordinal);

    [Fact]
    public void No_tool_may_look_into_the_running_process() => Assert.Contains("DOTNET_EnableDiagnostics=0", Shipped);
}
