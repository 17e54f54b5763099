using System.Text.RegularExpressions;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Packaging;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>What a developer sends from an editor, to try the API.</summary>
public sealed partial class TheFileOfCalls(NexlaServer nexla) : IClassFixture<NexlaServer>
{
    private static readonly string Text = File.ReadAllText(Repository.PathOf("src/ReSciCredentials/nexla-api.http"));

    [Fact]
    public void Has_each_route_of_the_API_once_and_no_other()
    {
        var routes = Route.AllOf(nexla.Server).Where(route => route.IsApi && !route.Pattern.Contains("**", StringComparison.Ordinal))
            .Select(route => $"{route.Method} {Parameter().Replace(route.Pattern, "*")}");

        var calls = Call().Matches(Text).Select(call => $"{call.Groups["method"]} {Variable().Replace(call.Groups["path"].Value, "*")}");

        Assert.Equal(routes.Order(StringComparer.Ordinal), calls.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Uses_only_what_it_names_in_the_beginning()
    {
        var named = Definition().Matches(Text).Select(match => match.Groups[1].Value).Concat(["$guid", "create_token"]);

        Assert.Empty(Variable().Matches(Text).Select(match => match.Groups[1].Value).Except(named));
    }

    [Fact]
    public async Task Names_its_calls_as_the_description_does() => Assert.Equal(
        (await OpenApiFile.FetchAsync(nexla)).Operations.Select(operation => operation.Value.GetProperty("operationId").GetString()).Order(StringComparer.Ordinal),
        Name().Matches(Text).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal));

    [Fact]
    public void Goes_nowhere_but_to_this_machine() =>
        Assert.Equal(["http://localhost:5080"], Address().Matches(Text).Select(match => match.Value));

    [GeneratedRegex(@"^(?<method>[A-Z]+) \{\{api\}\}(?<path>[^?\r\n]*)", RegexOptions.Multiline)]
    private static partial Regex Call();

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\{\{([$\w]+)[^}]*\}\}")]
    private static partial Regex Variable();

    [GeneratedRegex(@"^@(\w+) =", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"^# @name (\w+)", RegexOptions.Multiline)]
    private static partial Regex Name();

    [GeneratedRegex(@"https?://[^\s/]+")]
    private static partial Regex Address();
}
