using Bunit;
using ReSciCredentials.Activity;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Components;

public sealed class WhatWasDone : BunitContext
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Is_told_in_a_sentence_with_what_stood_there_before_and_now()
    {
        var lines = Show(Entry(AuditEvents.Update, "name", """{"name":["Shop","Web <shop>"]}""")).FindAll("li p").Select(line => Words(line.TextContent));

        Assert.Equal(
            ["olga@example.com changed the name (credential 7, Web shop) 1 hour ago", "name: Shop →, now: Web <shop>", "from 127.0.0.1, Unknown browser"],
            lines);
    }

    [Theory]
    [InlineData(AuditEvents.Create, "", "made credential 7, Web shop")]
    [InlineData(AuditEvents.Probe, "Accepted", "tested credential 7, Web shop: ReSci accepted the key")]
    [InlineData(AuditEvents.BeginUse, "source 12", "let source 12 use credential 7, Web shop")]
    [InlineData(AuditEvents.WipeKey, "previous_key", "wiped the key before (credential 7, Web shop)")]
    public void Names_the_thing(string verb, string fields, string sentence) =>
        Assert.Equal($"olga@example.com {sentence} 1 hour ago", Words(Show(Entry(verb, fields)).Find("li p").TextContent));

    [Fact]
    public void Leads_to_the_thing_when_it_has_a_page() =>
        Assert.Equal("/credentials/7", Show(Entry(AuditEvents.Probe, "Accepted")).Find("li a").GetAttribute("href"));

    [Fact]
    public void Tells_keys_by_fingerprint() =>
        Assert.StartsWith(
            "key: fp:9a41c2d7",
            Show(Entry(AuditEvents.PromoteKey, AuditEvents.OldKeyWiped, """{"credentials":["fp:9a41c2d7","fp:77de10b3"]}""")).FindAll("li p")[1].TextContent,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("[1,2]")]
    [InlineData("not JSON")]
    [InlineData("""{"name":"no pair","status":[1,2,3]}""")]
    [InlineData("""{"name":[null,null]}""")]
    public void Is_shown_though_somebody_edited_the_row(string changes) =>
        Assert.Single(Show(Entry(AuditEvents.Update, "name", changes)).FindAll("li"));

    [Theory]
    [InlineData(AuditEvents.SignInFailed, true)]
    [InlineData(AuditEvents.ChainRestarted, true)]
    [InlineData(AuditEvents.SignIn, false)]
    public void Stands_out_when_somebody_should_look(string verb, bool alarm) =>
        Assert.Equal(alarm, Show(Entry(verb, "")).Find("li").HasAttribute("data-alarm"));

    [Fact]
    public void Has_words_for_every_verb_that_can_be_looked_for()
    {
        var verbs = typeof(AuditEvents).GetFields().Select(field => (string)field.GetRawConstantValue()!).Except([AuditEvents.OldKeyWiped]);

        Assert.Equal(verbs.Order(StringComparer.Ordinal), ActivityWords.Events.Select(known => known.Event).Order(StringComparer.Ordinal));
    }

    private static string Words(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private static AuditEntry Entry(string verb, string fields, string changes = "") => new()
    {
        Id = 1,
        At = Now.AddHours(-1),
        Event = verb,
        ItemType = AuditItems.Credential,
        ItemId = 7,
        ActorName = "olga@example.com",
        Address = "127.0.0.1",
        UserAgent = "tests",
        Path = "",
        Fields = fields,
        Changes = changes,
    };

    private IRenderedComponent<ActivityList> Show(AuditEntry entry) => Render<ActivityList>(of => of
        .Add(list => list.Entries, [entry])
        .Add(list => list.Now, Now)
        .Add(list => list.Item, row => new ActivityItem($"{row.ItemType} {row.ItemId}, Web shop", ActivityWords.PathOf(row))));
}
