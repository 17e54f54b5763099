using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using ReSciCredentials.Broker;
using ReSciCredentials.Tests.Packaging;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>Who writes a client looks there what an answer of the broker's means.</summary>
public sealed partial class TheErrorsInTheReadme
{
    [Fact]
    public void Are_all_those_that_the_broker_answers_with_their_statuses_and_no_others()
    {
        var documented = Row().Matches(File.ReadAllText(Repository.PathOf("README.md")))
            .SelectMany(row => Number().Matches(row.Groups["statuses"].Value)
                .Select(status => (int.Parse(status.Value, CultureInfo.InvariantCulture), row.Groups["code"].Value)));
        var answered = typeof(BrokerError).GetProperties(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(property => property.PropertyType == typeof(BrokerError))
            .Select(property => (BrokerError)property.GetValue(null)!)
            .Select(error => (error.Status, error.Code))
            .Distinct();

        Assert.Equal(answered.Order(), documented.Order());
    }

    [GeneratedRegex(@"^\| (?<statuses>[0-9]{3}[^|]*) \| `(?<code>[a-z_]+)` \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();

    [GeneratedRegex("[0-9]{3}")]
    private static partial Regex Number();
}
