using System.Globalization;
using Bunit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ReSciCredentials.Access;
using ReSciCredentials.Components.Shared;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Components;

public sealed class AStatusBadge : BunitContext
{
    [Theory]
    [InlineData(BadgeStatus.Verified, "VERIFIED", "verified")]
    [InlineData(BadgeStatus.Failed, "FAILED", "failed")]
    [InlineData(BadgeStatus.Unverified, "UNVERIFIED", "unverified")]
    [InlineData(BadgeStatus.Active, "ACTIVE", "active")]
    [InlineData(BadgeStatus.Paused, "PAUSED", "paused")]
    [InlineData(BadgeStatus.Expired, "EXPIRED", "expired")]
    [InlineData(BadgeStatus.Revoked, "REVOKED", "revoked")]
    [InlineData(BadgeStatus.Refused, "REFUSED", "refused")]
    public void Says_the_status_in_words(BadgeStatus status, string word, string state)
    {
        var badge = Render<StatusBadge>(of => of.Add(b => b.Status, status)).Find(".badge");

        Assert.Equal((word, state), (badge.TextContent, badge.GetAttribute("data-status")));
    }

    [Fact]
    public void Has_a_shape_of_its_own_for_each_status() =>
        Assert.Distinct(Enum.GetValues<BadgeStatus>().Select(status => Render<StatusBadge>(of => of.Add(b => b.Status, status)).Find("svg").InnerHtml));
}

public sealed class ATimeThatPassed : BunitContext
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("2026-03-04T12:00:05Z", "just now")]
    [InlineData("2026-03-04T11:59:01Z", "just now")]
    [InlineData("2026-03-04T11:59:00Z", "1 minute ago")]
    [InlineData("2026-03-04T11:00:01Z", "59 minutes ago")]
    [InlineData("2026-03-04T11:00:00Z", "1 hour ago")]
    [InlineData("2026-03-03T12:00:00Z", "1 day ago")]
    [InlineData("2026-02-03T12:00:00Z", "29 days ago")]
    [InlineData("2026-02-02T12:00:00Z", "2 Feb 2026")]
    public void Is_told_in_words(string time, string words) => Assert.Equal(words, Show(time).TextContent);

    [Fact]
    public void Carries_the_exact_time_for_the_browser_in_one_zone()
    {
        var time = Show("2026-03-04T10:30:00+02:00");

        Assert.Equal(("2026-03-04T08:30:00Z", "4 Mar 2026, 08:30 UTC"), (time.GetAttribute("datetime"), time.GetAttribute("title")));
    }

    private AngleSharp.Dom.IElement Show(string time) =>
        Render<RelativeTime>(of => of.Add(t => t.Time, DateTimeOffset.Parse(time, CultureInfo.InvariantCulture)).Add(t => t.Now, Now)).Find("time[data-relative]");
}

public sealed class TheStepsOfANewSource : BunitContext
{
    private readonly IRenderedComponent<Stepper> _stepper;

    public TheStepsOfANewSource() => _stepper = Render<Stepper>(of => of
        .Add(s => s.Steps, [new("Select", "/sources/new"), new("Authenticate", "/sources/new/resci/authenticate"), new("Configure", null)])
        .Add(s => s.Current, 1));

    [Fact]
    public void Lead_back_to_what_is_done() => Assert.Equal("/sources/new", _stepper.FindAll("a").Single().GetAttribute("href"));

    [Fact]
    public void Mark_the_one_the_person_is_at() =>
        Assert.Contains("Authenticate", _stepper.FindAll("[aria-current=step]").Single().TextContent, StringComparison.Ordinal);

    [Fact]
    public void Do_not_lead_ahead() => Assert.Empty(_stepper.FindAll("[data-state=ahead] a"));
}

public sealed class ANotice : BunitContext
{
    [Theory]
    [InlineData(NoticeTone.Information, "status")]
    [InlineData(NoticeTone.Success, "status")]
    [InlineData(NoticeTone.Warning, "alert")]
    [InlineData(NoticeTone.Danger, "alert")]
    public void Interrupts_a_screen_reader_only_for_trouble(NoticeTone tone, string role) =>
        Assert.Equal(role, Render<Notice>(of => of.Add(n => n.Tone, tone).Add(n => n.Title, "Saved")).Find(".notice").GetAttribute("role"));
}

public sealed class ALivePage : BunitContext
{
    [Theory]
    [InlineData(true, true, false)]
    [InlineData(false, false, true)]
    public void Tells_the_scripts_whether_it_answers_already(bool isInteractive, bool interactive, bool prerendered)
    {
        Services.AddSingleton(new StorageTrouble(NullLogger<StorageTrouble>.Instance));
        SetRendererInfo(new("Server", isInteractive));

        var page = Render<LivePage>(of => of.AddChildContent("…")).Find(".page");

        Assert.Equal((interactive, prerendered), (page.HasAttribute("data-interactive"), page.HasAttribute("data-prerendered")));
    }
}
