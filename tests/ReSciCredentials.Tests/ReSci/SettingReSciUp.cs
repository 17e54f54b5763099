using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.ReSci;

public sealed class SettingReSciUp
{
    [Fact]
    public void Needs_no_setting_for_the_real_thing() =>
        Assert.Equal(
            (new Uri("https://data.retentionscience.com/"), "v3/import_jobs", TimeSpan.FromSeconds(5), false),
            (Options().BaseUri, Options().ProbePath, Options().Timeout, Options().AllowInsecureLoopback));

    [Theory]
    [InlineData("https://data.retentionscience.com")]
    [InlineData("https://DATA.retentionscience.com:8443/some/base/")]
    public void Takes_https_on_a_host_that_is_allowed(string address) =>
        Assert.Empty(FailuresOf(("ReSci:BaseAddress", address)));

    [Theory]
    [InlineData("http://127.0.0.1:5081")]
    [InlineData("http://localhost:5081/")]
    [InlineData("http://[::1]:5081/")]
    public void Takes_http_on_loopback_only_when_that_was_allowed(string address)
    {
        Assert.Empty(FailuresOf(("ReSci:BaseAddress", address), ("ReSci:AllowInsecureLoopback", "true")));
        Assert.Contains("ReSci:AllowInsecureLoopback", Assert.Single(FailuresOf(("ReSci:BaseAddress", address))), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("data.retentionscience.com")]
    [InlineData("ftp://data.retentionscience.com/")]
    [InlineData("http://data.retentionscience.com/")]
    [InlineData("http://127.0.0.1.example.com/")]
    [InlineData("http://127.0.0.2/")]
    [InlineData("https://example.com/")]
    [InlineData("https://data.retentionscience.com.example.com/")]
    [InlineData("https://data.retentionscience.com@example.com/")]
    [InlineData("https://someone:password@data.retentionscience.com/")]
    [InlineData("https://data.retentionscience.com/?a=b")]
    [InlineData("https://data.retentionscience.com/#a")]
    [InlineData("https:\\\\data.retentionscience.com\\")]
    public void Refuses_an_address_that_a_key_must_not_go_to(string address)
    {
        var failure = Assert.Single(FailuresOf(("ReSci:BaseAddress", address), ("ReSci:AllowInsecureLoopback", "true")));

        Assert.StartsWith("ReSci:BaseAddress:", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("password", failure, StringComparison.Ordinal);
    }

    [Fact]
    public void Replaces_the_hosts_that_are_allowed() =>
        Assert.Equal(
            ["api.example.com"],
            Options(("ReSci:AllowedHosts:0", "api.example.com"), ("ReSci:BaseAddress", "https://api.example.com")).EffectiveHosts);

    [Theory]
    [InlineData("")]
    [InlineData("/v3/import_jobs")]
    [InlineData("v3/import_jobs/")]
    [InlineData("v3//import_jobs")]
    [InlineData("../v3")]
    [InlineData("v3/./import_jobs")]
    [InlineData("v3/%2e%2e/x")]
    [InlineData("v3\\import_jobs")]
    [InlineData("v3/import_jobs?page=2")]
    [InlineData("v3/import_jobs#a")]
    [InlineData("https://example.com/v3")]
    [InlineData("//example.com/v3")]
    public void Refuses_a_path_that_is_more_than_a_path(string path) =>
        Assert.StartsWith("ReSci:ProbePath:", Assert.Single(FailuresOf(("ReSci:ProbePath", path))), StringComparison.Ordinal);

    [Theory]
    [InlineData("00:00:00.9")]
    [InlineData("00:00:31")]
    [InlineData("5")]
    public void Refuses_a_time_limit_outside_of_1_to_30_seconds(string limit) =>
        Assert.StartsWith("ReSci:Timeout:", Assert.Single(FailuresOf(("ReSci:Timeout", limit))), StringComparison.Ordinal);

    [Fact]
    public void Lists_everything_that_is_wrong_at_once() =>
        Assert.Equal(
            ["ReSci:AllowedHosts", "ReSci:BaseAddress", "ReSci:ProbePath", "ReSci:Timeout"],
            FailuresOf(
                ("ReSci:AllowedHosts:0", "*.example.com"),
                ("ReSci:BaseAddress", "http://example.com"),
                ("ReSci:ProbePath", "/"),
                ("ReSci:Timeout", "1.00:00:00")).Select(failure => string.Join(':', failure.Split(':')[..2])));

    private static ReSciOptions Options(params (string Setting, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Setting, (string?)setting.Value)))
            .Build();
        using var services = new ServiceCollection().AddReSci(configuration).BuildServiceProvider();
        return services.GetRequiredService<IOptions<ReSciOptions>>().Value;
    }

    private static string[] FailuresOf(params (string Setting, string Value)[] settings)
    {
        try
        {
            Options(settings);
            return [];
        }
        catch (OptionsValidationException exception)
        {
            return [.. exception.Failures];
        }
    }
}

public sealed class TheCatalogueOfEndpoints
{
    [Fact]
    public void Offers_a_source_only_what_reads() =>
        Assert.Equal(["GET"], ReSciEndpoints.For(FlowKind.Source).Select(endpoint => endpoint.Method).Distinct());

    [Theory]
    [InlineData("list_import_jobs", "List Import Jobs")]
    [InlineData("create_import_job", "Create Import Job")]
    public void Finds_an_endpoint_by_the_name_that_is_stored(string name, string title) =>
        Assert.Equal(title, ReSciEndpoints.Find(name)?.Title);

    [Fact]
    public void Names_each_endpoint_once() =>
        Assert.Equal(ReSciEndpoints.All.Count, ReSciEndpoints.All.Select(endpoint => endpoint.Name).Distinct().Count());
}
