using Microsoft.Extensions.Time.Testing;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Checking;

/// <summary>Every row of the verdict table, whatever the status was before and whoever asked.</summary>
public sealed class TheRulesOfAVerdict
{
    private static readonly ChecksOptions Options = new();
    private static readonly TimeSpan LongEnough = TimeSpan.FromMinutes(10);

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero));

    /// <summary>The steps that an answer or its absence leads to; <c>TestingAKey</c> shows which answer leads to which.</summary>
    public static TheoryData<VerdictStep, VerifiedStatus, bool> Rows
    {
        get
        {
            var rows = new TheoryData<VerdictStep, VerifiedStatus, bool>();
            foreach (var step in Enum.GetValues<VerdictStep>())
            {
                foreach (var before in Enum.GetValues<VerifiedStatus>())
                {
                    rows.Add(step, before, true);
                    rows.Add(step, before, false);
                }
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Change_the_status_only_by_a_definite_answer(VerdictStep step, VerifiedStatus before, bool byAPerson)
    {
        var expected = Verdict.OutcomeOf(step) switch
        {
            VerdictOutcome.Accepted => VerifiedStatus.Verified,
            VerdictOutcome.Refused when before is VerifiedStatus.Verified && !byAPerson => VerifiedStatus.Verified,
            VerdictOutcome.Refused => VerifiedStatus.Failed,
            VerdictOutcome.CannotTell => before,
        };

        Assert.Equal(expected, After(Known(before), step, byAPerson ? CheckAsker.Person : CheckAsker.Schedule).Status);
    }

    [Theory]
    [InlineData(VerdictStep.Refused)]
    [InlineData(VerdictStep.NotAllowed)]
    public void Fail_a_key_that_was_good_at_the_second_refusal_some_minutes_later(VerdictStep step)
    {
        var doubted = After(Known(VerifiedStatus.Verified), step);
        _time.SetUtcNow(doubted.NextAt);

        Assert.Equal(VerifiedStatus.Failed, After(doubted, step).Status);
    }

    [Fact]
    public void Take_two_refusals_in_the_same_moment_for_one()
    {
        var doubted = After(Known(VerifiedStatus.Verified), VerdictStep.Refused);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(VerifiedStatus.Verified, After(doubted, VerdictStep.Refused).Status);
    }

    [Fact]
    public void Keep_the_doubt_while_ReSci_cannot_be_asked()
    {
        var doubted = After(Known(VerifiedStatus.Verified), VerdictStep.Refused);
        var unanswered = After(doubted, VerdictStep.Timeout);
        _time.Advance(LongEnough);

        Assert.Equal((doubted.DoubtedAt, VerifiedStatus.Failed), (unanswered.DoubtedAt, After(unanswered, VerdictStep.Refused).Status));
    }

    [Fact]
    public void Forget_the_doubt_when_ReSci_accepts_the_key()
    {
        var accepted = After(After(Known(VerifiedStatus.Verified), VerdictStep.Refused), VerdictStep.Accepted);
        _time.Advance(LongEnough);

        Assert.Equal(VerifiedStatus.Verified, After(accepted, VerdictStep.Refused).Status);
    }

    [Fact]
    public void Wait_longer_from_check_to_check_without_an_answer_up_to_a_day()
    {
        var state = Known(VerifiedStatus.Verified);
        var waits = new List<TimeSpan>();
        for (var i = 0; i < 12; i++)
        {
            state = After(state, VerdictStep.Connection);
            waits.Add(state.NextAt - _time.GetUtcNow());
        }

        Assert.Equal([5, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440, 1440], waits.Select(wait => (int)wait.TotalMinutes));
    }

    [Fact]
    public void Come_back_sooner_to_a_key_that_was_never_verified()
    {
        var unverified = Known(VerifiedStatus.Unverified) with { WithoutVerdict = 20 };

        Assert.Equal(TimeSpan.FromHours(6), After(unverified, VerdictStep.Timeout).NextAt - _time.GetUtcNow());
    }

    [Theory]
    [InlineData(CheckAsker.Schedule)]
    [InlineData(CheckAsker.Person)]
    public void Wait_as_long_as_ReSci_asks_for(object asker)
    {
        var after = CheckRules.After(
            Known(VerifiedStatus.Unverified),
            new Verdict(VerdictStep.RateLimited, 429, TimeSpan.Zero, RetryAfter: TimeSpan.FromHours(3)),
            (CheckAsker)asker,
            _time.GetUtcNow(),
            Options,
            chance: 0.5);

        Assert.Equal(_time.GetUtcNow().AddHours(3), after.NextAt);
    }

    [Fact]
    public void Leave_the_rhythm_as_it_is_when_a_person_gets_no_answer()
    {
        var before = Known(VerifiedStatus.Verified);

        Assert.Equal(before, After(before, VerdictStep.Timeout, CheckAsker.Person));
    }

    [Theory]
    [InlineData(VerdictStep.Accepted)]
    [InlineData(VerdictStep.Refused)]
    public void Ask_again_about_a_key_that_is_judged_in_about_a_day(VerdictStep step)
    {
        var now = _time.GetUtcNow();

        Assert.Equal((21.6, 26.4), (Hours(chance: 0), Hours(chance: 1)));

        double Hours(double chance)
        {
            var after = CheckRules.After(Known(VerifiedStatus.Failed), new Verdict(step, null, TimeSpan.Zero), CheckAsker.Schedule, now, Options, chance);
            return Math.Round((after.NextAt - now).TotalHours, 3);
        }
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void Never_ask_about_a_key_twice_within_five_minutes(VerdictStep step, VerifiedStatus before, bool byAPerson)
    {
        var known = Known(before) with { NextAt = _time.GetUtcNow().AddDays(1) };

        Assert.True(After(known, step, byAPerson ? CheckAsker.Person : CheckAsker.Schedule).NextAt >= _time.GetUtcNow() + CheckRules.LeastApart);
    }

    private CheckState Known(VerifiedStatus status) => new(status, null, 0, _time.GetUtcNow());

    private CheckState After(CheckState before, VerdictStep step, CheckAsker asker = CheckAsker.Schedule) =>
        CheckRules.After(before, new Verdict(step, null, TimeSpan.Zero), asker, _time.GetUtcNow(), Options, chance: 0.5);
}

public sealed class TheFirstThatIsKnownOfAKey
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(VerdictStep.Accepted, VerifiedStatus.Verified)]
    [InlineData(VerdictStep.Refused, VerifiedStatus.Failed)]
    [InlineData(VerdictStep.Timeout, VerifiedStatus.Unverified)]
    public void Is_what_ReSci_said(VerdictStep step, VerifiedStatus status) =>
        Assert.Equal(status, CheckRules.AtFirst(new Verdict(step, null, TimeSpan.Zero), Now, new ChecksOptions(), chance: 0.5).Status);

    [Fact]
    public void Is_nothing_when_nobody_was_asked_and_the_server_asks_within_minutes()
    {
        var first = CheckRules.AtFirst(null, Now, new ChecksOptions(), chance: 1);

        Assert.Equal(VerifiedStatus.Unverified, first.Status);
        Assert.True(first.NextAt <= Now.AddMinutes(6));
    }
}

public sealed class TellingAnOutageFromBadLuck
{
    private readonly FakeTimeProvider _time = new();
    private readonly OutageWatch _watch;

    public TellingAnOutageFromBadLuck() => _watch = new OutageWatch(_time, Microsoft.Extensions.Logging.Abstractions.NullLogger<OutageWatch>.Instance);

    [Fact]
    public void Takes_three_different_keys_in_a_row_without_an_answer()
    {
        var since = _time.GetUtcNow();
        foreach (var key in new[] { "a", "b", "c" })
        {
            Assert.Null(_watch.Current);
            _watch.Note(key, VerdictOutcome.CannotTell);
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(since, _watch.Current?.Since);
    }

    [Fact]
    public void Does_not_take_one_key_that_fails_often_for_an_outage()
    {
        for (var i = 0; i < 10; i++)
        {
            _watch.Note("a", VerdictOutcome.CannotTell);
        }

        Assert.Null(_watch.Current);
    }

    [Theory]
    [InlineData(VerdictOutcome.Accepted)]
    [InlineData(VerdictOutcome.Refused)]
    public void Begins_to_count_anew_after_any_clear_answer(VerdictOutcome answer)
    {
        _watch.Note("a", VerdictOutcome.CannotTell);
        _watch.Note("b", VerdictOutcome.CannotTell);
        _watch.Note("a", answer);
        _watch.Note("c", VerdictOutcome.CannotTell);

        Assert.Null(_watch.Current);
    }

    [Fact]
    public void Ends_with_the_first_clear_answer_and_says_so()
    {
        var changes = 0;
        _watch.Changed += () => changes++;
        foreach (var key in new[] { "a", "b", "c", "d" })
        {
            _watch.Note(key, VerdictOutcome.CannotTell);
        }

        _watch.Note("d", VerdictOutcome.Accepted);
        _watch.Note("d", VerdictOutcome.Accepted);

        Assert.Equal((null, 2), (_watch.Current, changes));
    }
}
