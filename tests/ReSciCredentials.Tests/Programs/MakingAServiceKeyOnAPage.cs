using System.Net;
using System.Text.Json;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Programs;

/// <summary>What the dialogs of the page post, and what a page shows. The clock goes on only when a test turns it.</summary>
public sealed class MakingAServiceKeyOnAPage : IAsyncLifetime
{
    private const string PagePath = "/settings/service-keys";

    private readonly TurnedClock _clock = new();
    private TestServer _server = null!;
    private Visitor _owner = null!;

    public async ValueTask InitializeAsync() => (_server, _owner) = await TestServer.StartOwnedAsync(time: _clock);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Shows_the_key_in_one_answer_that_nobody_keeps()
    {
        var answer = await MakeAsync();

        var key = answer.Body.GetProperty("token").GetString()!;
        Assert.True(ServiceKeys.Format.IsWellFormed(key));
        Assert.Equal("no-store", answer.Page.Headers["Cache-Control"]);
        Assert.DoesNotContain(key, (await _owner.GetAsync(PagePath)).Text, StringComparison.Ordinal);
        using var program = new SdkProgram(_server.Address, key);
        await program.CallAsync("GET", "/users/current");
    }

    [Fact]
    public async Task Makes_one_of_a_form_that_is_sent_twice_and_shows_it_once()
    {
        var operation = Guid.NewGuid().ToString();

        var first = await MakeAsync(("operation", operation));
        var second = await MakeAsync(("operation", operation));

        Assert.Equal("made", first.Body.GetProperty("outcome").GetString());
        Assert.Equal("madeBefore", second.Body.GetProperty("outcome").GetString());
        Assert.Equal(JsonValueKind.Null, second.Body.GetProperty("token").ValueKind);
    }

    [Theory]
    [InlineData("name", "")]
    [InlineData("scope", "everything")]
    [InlineData("expires", "2020-01-01")]
    public async Task Says_at_which_field_something_is_wrong(string field, string value)
    {
        var answer = await MakeAsync((field, value));

        Assert.Equal("invalid", answer.Body.GetProperty("outcome").GetString());
        Assert.True(answer.Body.GetProperty("errors").TryGetProperty(field, out _));
    }

    [Fact]
    public async Task Wants_a_recent_sign_in()
    {
        _clock.Advance(RecentSignIn.Limit + TimeSpan.FromSeconds(1));

        var answer = await SubmitAsync();

        Assert.Equal((HttpStatusCode.Redirect, RecentSignIn.ConfirmPath(PagePath)), (answer.Status, answer.Location));
    }

    [Fact]
    public async Task Says_on_the_settings_page_what_the_owner_runs_and_where()
    {
        var page = (await _owner.GetAsync("/settings")).Text;

        Assert.Contains(_server.Directory.Data, page, StringComparison.Ordinal);
        Assert.Matches("K-[0-9A-F]{4}-[0-9A-F]{4}", page);
        Assert.Contains("The sandbox", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tells_a_member_neither_where_the_data_is_nor_who_else_is_here()
    {
        var (_, member) = await _server.AddPersonAsync("Mia Member");

        Assert.DoesNotContain(_server.Directory.Data, (await member.GetAsync("/settings")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain(TestServer.OwnerEmail, (await member.GetAsync("/settings/people")).Text, StringComparison.Ordinal);
        Assert.Contains("mia@example.com", (await _owner.GetAsync("/settings/people")).Text, StringComparison.Ordinal);
    }

    private async Task<(PageAnswer Page, JsonElement Body)> MakeAsync(params (string Name, string Value)[] fields)
    {
        var answer = await SubmitAsync(fields);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return (answer, JsonDocument.Parse(answer.Text).RootElement);
    }

    private Task<PageAnswer> SubmitAsync(params (string Name, string Value)[] fields)
    {
        _owner.Headers["Referer"] = _server.Origin + PagePath;
        var filled = new Dictionary<string, string> { ["name"] = "Airflow", ["scope"] = "write", ["expires"] = "", ["operation"] = Guid.NewGuid().ToString() };
        foreach (var (name, value) in fields)
        {
            filled[name] = value;
        }

        return PostAsync(filled);
    }

    private async Task<PageAnswer> PostAsync(Dictionary<string, string> fields) => await _owner.PostAsync(
        "/service-keys/make",
        [("__RequestVerificationToken", await _owner.AntiforgeryTokenAsync()), .. fields.Select(field => (field.Key, field.Value))]);
}
