using Bunit;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;

namespace ReSciCredentials.Tests.Components;

public sealed class ChecksOverTime : BunitContext
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    private static readonly CheckView[] Checks =
    [
        new(Now.AddDays(-3), VerdictStep.Accepted, 200, 100, OfCurrentKey: false),
        new(Now.AddDays(-2), VerdictStep.Accepted, 200, 120, OfCurrentKey: true),
        new(Now.AddDays(-1), VerdictStep.Timeout, null, 5000, OfCurrentKey: true),
        new(Now.AddHours(-1), VerdictStep.Refused, 401, 90, OfCurrentKey: true),
    ];

    [Fact]
    public void Are_told_in_words_to_who_does_not_see_the_drawing() =>
        Assert.Equal(
            "The last 4 checks: accepted 2, refused 1, no clear answer 1. Half took at most 120 ms, the longest 5000 ms.",
            Show().Find("svg[role=img]").GetAttribute("aria-label"));

    [Fact]
    public void Are_drawn_one_by_one_each_outcome_in_a_shape_of_its_own()
    {
        var shapes = Show().FindAll("svg[role=img] path");

        Assert.Equal(["accepted", "accepted", "cannot-tell", "refused"], shapes.Select(shape => shape.GetAttribute("data-outcome")));
        Assert.Equal(3, Show().FindAll(".legend path").Select(shape => shape.GetAttribute("d")).Distinct().Count());
    }

    [Fact]
    public void Stand_in_a_table_too_the_newest_first()
    {
        var rows = Show().FindAll("tbody tr").Select(row => row.QuerySelectorAll("td").Select(cell => cell.TextContent).ToArray()).ToArray();

        Assert.Equal(["1 hour ago", "ReSci refused this key (HTTP 401).", "90 ms"], rows[0]);
        Assert.EndsWith("It was asked about a key that was replaced since.", rows[^1][1], StringComparison.Ordinal);
    }

    [Fact]
    public void Need_no_inline_style() => Assert.Empty(Show().FindAll("[style]"));

    private IRenderedComponent<ChecksChart> Show() => Render<ChecksChart>(of => of.Add(chart => chart.Checks, Checks).Add(chart => chart.Now, Now));
}
