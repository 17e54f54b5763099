using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Activity;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Auditing;

/// <summary>Who sees which entries, on the page, in lists and in files.</summary>
public sealed class ReadingTheActivity(ReadingTheActivity.Lived lived) : IClassFixture<ReadingTheActivity.Lived>
{
    private const string Formula = "=HYPERLINK(\"https://example.com\")";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ActivityLog Log => lived.Vault.Server.Service<ActivityLog>();

    private Person Owner => lived.Vault.Owner;

    private Person Member => Owner with { Id = Lived.MemberId, Role = AccountRole.Member };

    /// <summary>What was done, and whether the member sees it. The owner of the server sees everything.</summary>
    [Theory]
    [InlineData("owner with the owner's", false)]
    [InlineData("owner with the member's", true)]
    [InlineData("member with the owner's", true)]
    [InlineData("member with the member's", true)]
    [InlineData("server with the owner's", false)]
    [InlineData("server with the member's", true)]
    [InlineData("stranger with nothing", false)]
    public async Task Shows_a_member_what_they_did_and_what_was_done_with_theirs(string what, bool shown)
    {
        var filter = new ActivityFilter();
        foreach (var (person, sees) in new[] { (Owner, true), (Member, shown), (Member with { Id = 4711 }, false) })
        {
            var listed = await Log.ListAsync(person, filter, after: null, ActivityLog.Most, Cancellation);
            var page = await Log.PageAsync(person, filter, page: 1, ActivityLog.Most, Cancellation);

            Assert.Equal(sees, listed.Rows.Any(row => row.Entry.Fields == what));
            Assert.Equal(sees, page.Records.Any(record => record.Entry.Fields == what));
            Assert.Equal(page.Total, listed.Rows.Count);
            Assert.Equal(sees, (await ExportAsync(person, filter, ActivityFormat.JsonLines)).Contains(what, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Shows_a_member_neither_the_head_nor_who_else_has_an_account()
    {
        Assert.Null(await Log.FindHeadAsync(Member, Cancellation));
        Assert.Equal("mia@example.com", Assert.Single(await Log.ListPeopleAsync(Member, Cancellation)).Email);
        Assert.Equal(2, (await Log.ListPeopleAsync(Owner, Cancellation)).Count);
    }

    [Fact]
    public async Task Goes_through_all_of_it_page_by_page_each_entry_once_the_newest_first()
    {
        foreach (var person in new[] { Owner, Member })
        {
            List<int> seen = [];
            ActivityPosition? position = null;
            bool more;
            do
            {
                var page = await Log.ListAsync(person, new ActivityFilter(), position, 3, Cancellation);
                seen.AddRange(page.Rows.Select(row => row.Entry.Id));
                position = new ActivityPosition(page.Rows[^1].Entry.At, page.Rows[^1].Entry.Id);
                more = page.HasMore;
            }
            while (more);

            var all = await Log.PageAsync(person, new ActivityFilter(), 1, ActivityLog.Most, Cancellation);
            Assert.Equal(all.Records.Select(record => record.Entry.Id), seen);
            Assert.Equal(seen.Distinct(), seen);
        }
    }

    [Theory]
    [InlineData("who=4711", 0)]
    [InlineData("who=2", 3)]
    [InlineData("who=0&event=token_refused", 1)]
    [InlineData("kind=credential&id=1&event=probe", 3)]
    [InlineData("kind=credential&id=2&event=probe", 3)]
    [InlineData("field=name&event=update", 1)]
    [InlineData("field=description", 2)]
    [InlineData("from=2199-01-01", 0)]
    [InlineData("to=2019-01-01", 0)]
    [InlineData("event=delete&from=2020-02-02&to=2020-02-02", 1)]
    [InlineData("event=delete&from=2020-02-03", 0)]
    public async Task Finds_what_is_looked_for(string query, int count)
    {
        var parameters = query.Split('&').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);

        var filter = ActivityFilter.Parse(name => parameters.GetValueOrDefault(name));

        Assert.Equal(count, (await Log.ListAsync(Owner, filter, after: null, 100, Cancellation)).Rows.Count);
        Assert.Equal(
            parameters,
            filter.ToQuery().Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => $"{pair.Value}", StringComparer.Ordinal));
    }

    [Fact]
    public async Task Answers_what_the_REST_API_asks_of_one_thing()
    {
        var page = await Log.PageOfItemAsync(AuditItems.Credential, 1, new ActivityFilter { Event = AuditEvents.Update }, page: 1, size: 1, Cancellation);

        var record = Assert.Single(page.Records);
        Assert.Equal(("name", TestServer.OwnerEmail, 1), (Assert.Single(record.ChangeSummary), record.OwnerEmail, page.Total));
        Assert.Equal("""{"name":["Owned","=Owned"]}""", record.ObjectChanges.ToString());
        Assert.Empty((await Log.PageOfItemAsync(AuditItems.Credential, 1, new ActivityFilter(), page: 1_000_000, ActivityLog.Most, Cancellation)).Records);
    }

    [Fact]
    public async Task Lets_no_spreadsheet_run_a_formula()
    {
        var text = await ExportAsync(Owner, new ActivityFilter { Event = AuditEvents.TokenRefused }, ActivityFormat.Csv);

        Assert.Contains($",\"'{Formula.Replace("\"", "\"\"", StringComparison.Ordinal)}\"\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\"'@stranger\"", text, StringComparison.Ordinal);
        Assert.Contains("\"' +1\"", text, StringComparison.Ordinal);
        Assert.DoesNotMatch("(^|,)\"?[ ]*[=+@-][^0-9]", text);
    }

    [Fact]
    public async Task Writes_a_JSON_object_a_line_named_as_in_the_REST_API()
    {
        var text = await ExportAsync(Owner, new ActivityFilter { Event = AuditEvents.Update, Item = 1 }, ActivityFormat.JsonLines);

        var line = JsonDocument.Parse(Assert.Single(text.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
        Assert.Equal("name", line.GetProperty("change_summary")[0].GetString());
        Assert.Equal("=Owned", line.GetProperty("object_changes").GetProperty("name")[1].GetString());
        Assert.Equal(TestServer.OwnerEmail, line.GetProperty("user").GetProperty("email").GetString());
        Assert.Equal(Owner.Id, line.GetProperty("owner_id").GetInt32());
    }

    [Fact]
    public async Task Takes_the_filtered_list_away_by_the_page_and_writes_that_down()
    {
        using var owner = await lived.Vault.Server.SignInAsync();

        var answer = await owner.SubmitAsync("/activity?event=update&id=1&kind=credential", "/activity/export", ("format", "jsonl"));

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        Assert.Equal("attachment; filename=activity.jsonl; filename*=UTF-8''activity.jsonl", answer.Headers["Content-Disposition"]);
        Assert.Single(answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        await using var storage = await lived.Vault.Server.StorageAsync();
        var entry = await storage.AuditEntries.OrderBy(row => row.Id).LastAsync(row => row.Event == AuditEvents.Exported, Cancellation);
        Assert.Equal((Owner.Id, "jsonl", "/activity/export"), (entry.ActorId, entry.Fields, entry.Path));
    }

    [Theory]
    [InlineData("xml", HttpStatusCode.BadRequest)]
    [InlineData("", HttpStatusCode.BadRequest)]
    public async Task Knows_no_other_format(string format, HttpStatusCode status)
    {
        using var owner = await lived.Vault.Server.SignInAsync();

        Assert.Equal(status, (await owner.SubmitAsync("/activity", "/activity/export", ("format", format))).Status);
    }

    [Fact]
    public async Task Takes_nothing_away_for_a_foreign_page_or_a_stranger()
    {
        using var owner = await lived.Vault.Server.SignInAsync();
        using var stranger = lived.Vault.Server.NewVisitor();

        Assert.Equal(HttpStatusCode.BadRequest, (await owner.PostAsync("/activity/export", ("format", "csv"))).Status);
        Assert.NotEqual(HttpStatusCode.OK, (await stranger.PostAsync("/activity/export", ("format", "csv"))).Status);
        Assert.NotEqual(HttpStatusCode.OK, (await stranger.GetAsync("/activity")).Status);
    }

    private async Task<string> ExportAsync(Person person, ActivityFilter filter, ActivityFormat format)
    {
        using var file = new MemoryStream();
        var begin = new ActivityPosition(DateTimeOffset.MaxValue, int.MaxValue);
        await lived.Vault.Server.Service<ActivityExport>().WriteAsync(person, filter, format, begin, file, Cancellation);
        return System.Text.Encoding.UTF8.GetString(file.ToArray());
    }

    /// <summary>A server with an owner and a member, where each did something with each other's things.</summary>
    public sealed class Lived : IAsyncLifetime
    {
        public const int MemberId = 2;

        internal Vault Vault { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Vault = await Vault.StartAsync(directory: null, time: null, "--Checks:Enabled=false");
            Assert.Equal(1, await Vault.AddAsync("Owned"));
            Assert.Equal(2, await Vault.AddAsync("Member's"));
            await using var storage = await Vault.Server.StorageAsync();
            storage.Users.Add(new Account { Id = MemberId, Name = "Mia Member", UserName = "mia@example.com", Email = "mia@example.com", Role = AccountRole.Member });
            await storage.SaveChangesAsync();
            await storage.Credentials.Where(row => row.Id == 2).ExecuteUpdateAsync(row => row.SetProperty(credential => credential.OwnerId, MemberId));

            var (owner, member) = (Vault.Owner, Vault.Owner with { Id = MemberId, Name = "Mia Member", Email = "mia@example.com", Who = "mia@example.com", AccountId = MemberId });
            var audit = Vault.Server.Service<AuditLog>();
            foreach (var (actor, name) in new[] { (owner, "owner"), (member, "member"), (Actor.Server, "server") })
            {
                audit.Add(storage, actor, AuditEvents.Probe, AuditItems.Credential, 1, $"{name} with the owner's");
                audit.Add(storage, actor, AuditEvents.Probe, AuditItems.Credential, 2, $"{name} with the member's");
            }

            audit.Add(storage, new Actor(null, "@stranger", " +1", Formula), AuditEvents.TokenRefused, AuditItems.AccessToken, 0, "stranger with nothing");
            audit.AddChanges(storage, owner, AuditEvents.Update, AuditItems.Credential, 1, [AuditChange.Of(AuditField.Name, "Owned", "=Owned")]);
            audit.AddChanges(storage, member, AuditEvents.Create, AuditItems.Source, 99, [AuditChange.Of(AuditField.Name, null, "\"description\":[ in a name")]);
            storage.AuditEntries.Add(new AuditEntry
            {
                At = new DateTimeOffset(2020, 2, 2, 23, 59, 59, TimeSpan.Zero),
                Event = AuditEvents.Delete,
                ItemType = AuditItems.Credential,
                ItemId = 77,
                ActorName = "somebody",
                Address = "",
                UserAgent = "",
                Path = "",
                Fields = "",
                Changes = "",
            });
            await storage.SaveChangesAsync();
        }

        public ValueTask DisposeAsync() => Vault.DisposeAsync();
    }
}
