using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>What the dialogs and links about access tokens get from the server, over real HTTP.</summary>
public sealed class TokensOfAPage(ABroker broker) : IClassFixture<ABroker>, IAsyncLifetime
{
    private Visitor _owner = null!;

    private BrokerHost Host => broker.Host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Host.Upstream.Answer = context => context.Response.WriteAsync("{}");
        _owner = await Host.Server.SignInAsync();
    }

    public ValueTask DisposeAsync()
    {
        _owner.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Are_shown_once_with_examples_that_hold_them_and_are_kept_by_no_cache()
    {
        var answer = await MakeAsync("destination", Host.Destination);

        Assert.Equal(("made", "Airflow", "no-store"), (answer.Outcome, answer.Name, answer.CacheControl));
        Assert.Equal(["curl", "Python requests", "C# HttpClient", "target-resci config.json"], answer.Snippets!.Select(snippet => snippet.Language));
        Assert.All(answer.Snippets!, snippet => Assert.Contains(answer.Token!, snippet.Text, StringComparison.Ordinal));
        using var config = JsonDocument.Parse(answer.Snippets![3].Text);
        Assert.Equal(
            (answer.Token, new Uri(Host.Server.Address, BrokerHost.Jobs).AbsoluteUri),
            (config.RootElement.GetProperty("api_key").GetString(), config.RootElement.GetProperty("api_url").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await Host.WriteAsync(answer.Token)).Status);
    }

    [Fact]
    public async Task Are_made_once_when_the_form_is_sent_twice_and_then_not_shown()
    {
        var operation = Guid.NewGuid();
        var first = await MakeAsync("source", Host.Source, operation);

        var second = await MakeAsync("source", Host.Source, operation);

        Assert.Equal(("madeBefore", first.Id, null), (second.Outcome, second.Id, second.Token));
    }

    [Theory]
    [InlineData("", "", "", "name")]
    [InlineData("x", "2001-01-01", "", "expires")]
    [InlineData("x", "", "nonsense", "addresses")]
    public async Task Are_not_made_of_a_form_with_a_fault_which_is_named(string name, string expires, string addresses, string field)
    {
        var answer = await MakeAsync("source", Host.Source, name: name, more: [("expires", expires), ("addresses", addresses)]);

        Assert.Equal(("invalid", field), (answer.Outcome, Assert.Single(answer.Errors!).Key));
    }

    [Fact]
    public async Task Are_not_made_of_a_destination_by_the_name_of_a_source() =>
        Assert.Equal("gone", (await MakeAsync("source", Host.Destination)).Outcome);

    [Fact]
    public async Task Take_the_place_of_one_that_goes_on_for_a_while()
    {
        var old = await MakeAsync("source", Host.Source);

        var answer = await _owner.PostDialogAsync("/access-tokens/rotate", new()
        {
            ["operation"] = Guid.NewGuid().ToString(),
            ["token"] = old.Id!.Value.ToString(CultureInfo.InvariantCulture),
            ["overlap"] = "1",
        });

        Assert.Equal("made", answer.Outcome);
        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK], [(await Host.ReadAsync(old.Token)).Status, (await Host.ReadAsync(answer.Token)).Status]);
    }

    [Fact]
    public async Task Want_a_sign_in_that_is_not_old()
    {
        using var visitor = await Host.Server.SignInAsync();
        await using (var storage = await Host.Server.StorageAsync())
        {
            await storage.Sessions.ExecuteUpdateAsync(session => session.SetProperty(row => row.CreatedAt, DateTimeOffset.UtcNow.AddHours(-1)), Cancellation);
        }

        var answer = await MakeAsync("source", Host.Source, by: visitor);

        Assert.Equal(HttpStatusCode.Forbidden, answer.Status);
    }

    [Fact]
    public async Task Export_their_calls_one_a_line_and_those_of_one_token_when_asked()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        var one = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source, Name = "=HYPERLINK(1)" });
        var other = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source, Name = "Other" });
        await Host.ReadAsync(one);
        await Host.ReadAsync(other);
        await Host.ReadAsync(other, "/resci/v3/items");
        await Host.Server.Service<Usage>().FlushAsync(Cancellation);

        var csv = (await _owner.GetAsync($"/usage/{source}.csv")).Text.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var ofOne = (await _owner.GetAsync($"/usage/{source}.jsonl?token={await Host.IdOfAsync(one)}")).Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal("at,token_id,token,method,endpoint,status,code,bytes_in,bytes_out,milliseconds", csv[0]);
        Assert.Equal(4, csv.Length);
        Assert.Contains("\"'=HYPERLINK(1)\"", csv[3], StringComparison.Ordinal);
        Assert.Contains(",GET,,404,no_such_endpoint,0,0,", csv[1], StringComparison.Ordinal);
        using var call = JsonDocument.Parse(Assert.Single(ofOne));
        Assert.Equal(("list_import_jobs", 200), (call.RootElement.GetProperty("endpoint").GetString(), call.RootElement.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task Export_nothing_of_what_is_not_there() =>
        Assert.Equal("at,token_id,token,method,endpoint,status,code,bytes_in,bytes_out,milliseconds\r\n", (await _owner.GetAsync("/usage/4711.csv")).Text);

    private Task<Answer> MakeAsync(
        string kind, int flow, Guid? operation = null, string name = "Airflow", (string Name, string Value)[]? more = null, Visitor? by = null)
    {
        var fields = new Dictionary<string, string>
        {
            ["operation"] = (operation ?? Guid.NewGuid()).ToString(),
            ["kind"] = kind,
            ["flow"] = flow.ToString(CultureInfo.InvariantCulture),
            ["name"] = name,
        };
        foreach (var (field, value) in more ?? [])
        {
            fields[field] = value;
        }

        return (by ?? _owner).PostDialogAsync("/access-tokens/make", fields);
    }
}

/// <summary>Tokens and their use, where people look at credentials, sources and destinations.</summary>
public sealed class TheUseOfTokens(ABroker broker) : IClassFixture<ABroker>, IAsyncLifetime
{
    private BrokerHost Host => broker.Host;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Host.Upstream.Answer = context => context.Response.WriteAsync("{}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Is_told_of_everything_that_uses_a_credential()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        var used = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });
        var revoked = await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source });
        await Host.Tokens.RevokeAsync(Host.Owner, await Host.IdOfAsync(revoked), Cancellation);
        await CallAsync(used);

        var use = (await Host.Server.Service<CredentialVault>().ListUsesAsync(Host.Owner, Host.Credential, 100, Cancellation)).Seen.Single(use => use.Id == source);

        Assert.Equal((1, true), (use.Tokens, use.LastUsedAt is not null));
        Assert.InRange((await Host.Server.Service<CredentialVault>().ListHoursAsync(Host.Owner, Host.Credential, Cancellation)).Sum(hour => hour.Calls), 1, long.MaxValue);
        Assert.Equal(0, (await Host.Server.Service<CredentialVault>().ListHoursAsync(Host.Owner with { Id = 4711 }, Host.Credential, Cancellation)).Sum(hour => hour.Calls));
    }

    [Fact]
    public async Task Is_in_the_report_of_a_key_by_the_key_that_went_out()
    {
        var first = await KeyAsync();
        var old = await Host.TokenAsync(FlowKind.Source, made => made with { Name = "Of the old key" });
        await CallAsync(old);
        await ReplaceKeyAsync();
        var later = await Host.TokenAsync(FlowKind.Source, made => made with { Name = "Of the new key" });
        await CallAsync(later);

        var ofFirst = await ReportAsync(first);
        var ofSecond = await ReportAsync(await KeyAsync());
        var ofAll = await ReportAsync(null);

        Assert.Contains(ofFirst.Tokens, token => token.Name == "Of the old key");
        Assert.DoesNotContain(ofFirst.Tokens, token => token.Name == "Of the new key");
        Assert.Equal(1, ofSecond.Tokens.Single(token => token.Name == "Of the new key").Calls);
        Assert.Superset(ofFirst.Tokens.Select(token => token.TokenId).ToHashSet(), ofAll.Tokens.Select(token => token.TokenId).ToHashSet());
        Assert.Contains("Of the new key", ofSecond.ToText(), StringComparison.Ordinal);
        Assert.Empty((await ReportAsync(first, DateTimeOffset.UtcNow.AddHours(2))).Tokens);
    }

    [Fact]
    public async Task Finds_the_credentials_that_were_called_with_lately()
    {
        var unused = await Host.AddCredentialAsync("another-key-0123456789-lately");
        await CallAsync(Host.ReadToken);

        var found = await Host.Server.Service<CredentialSearch>().ListAsync(
            Host.Owner, CredentialFilter.Parse("used:lately"), CredentialOrder.Newest, null, 100, Cancellation);

        Assert.Contains(found.Rows, row => row.Id == Host.Credential);
        Assert.DoesNotContain(found.Rows, row => row.Id == unused);
    }

    [Fact]
    public async Task After_a_revocation_is_an_alarm_on_the_token_and_among_what_needs_attention()
    {
        var token = await Host.TokenAsync(FlowKind.Source, made => made with { Name = "Left somewhere" });
        var id = await Host.IdOfAsync(token);
        await Host.Tokens.RevokeAsync(Host.Owner, id, Cancellation);
        Assert.DoesNotContain(await Host.Tokens.ListRefusedAsync(Host.Owner, 100, Cancellation), refused => refused.Id == id);

        await Host.ReadAsync(token);

        await Until.TrueAsync(
            async () => (await Host.Tokens.ListAsync(Host.Owner, Host.Source, Cancellation)).Single(row => row.Id == id).Refusal is { Fault: TokenFault.Revoked, From: "127.0.0.1" },
            TimeSpan.FromMinutes(1));
        var alarm = (await Host.Tokens.ListRefusedAsync(Host.Owner, 100, Cancellation)).Single(refused => refused.Id == id);
        Assert.Equal(("Left somewhere", FlowKind.Source, Host.Source), (alarm.Name, alarm.Kind, alarm.FlowId));
        Assert.Empty(await Host.Tokens.ListRefusedAsync(Host.Owner with { Id = 4711 }, 100, Cancellation));
    }

    [Fact]
    public async Task Of_a_foreign_token_concerns_who_runs_the_server_alone()
    {
        await Host.ReadAsync(TokenText.Format.Create());

        await Until.TrueAsync(async () => await Host.Tokens.FindForeignAsync(Host.Owner, Cancellation) is { From: "127.0.0.1" }, TimeSpan.FromMinutes(1));
        Assert.Null(await Host.Tokens.FindForeignAsync(Host.Owner with { Role = AccountRole.Member }, Cancellation));
    }

    [Fact]
    public async Task Is_in_the_activity_of_their_source_without_what_was_refused()
    {
        var source = await Host.AddFlowAsync(FlowKind.Source);
        var id = await Host.IdOfAsync(await Host.TokenAsync(FlowKind.Source, made => made with { FlowId = source }));
        await Host.Tokens.RevokeAsync(Host.Owner, id, Cancellation);
        await using (var storage = await Host.Server.StorageAsync())
        {
            Host.Server.Service<ReSciCredentials.Audit.AuditLog>().Add(
                storage, new Client("192.0.2.7", "").Broker(), "token_refused", AccessTokens.ItemType, id, "revoked");
            await storage.SaveChangesAsync(Cancellation);
        }

        var flows = Host.Server.Service<FlowService>();
        var activity = (await flows.ListActivityAsync(Host.Owner, FlowKind.Source, source, 2, Cancellation)).ValueOrDefault!;

        Assert.Equal(["revoke", "create"], activity.Entries.Select(entry => entry.Event));
        Assert.StartsWith("Nightly (rcat_", activity.Tokens[id], StringComparison.Ordinal);
        Assert.True(activity.HasMore);
        Assert.IsType<Reply<FlowActivity>.NotFound>(await flows.ListActivityAsync(Host.Owner with { Id = 4711 }, FlowKind.Source, source, 2, Cancellation));
    }

    private async Task CallAsync(string token)
    {
        Assert.Equal(HttpStatusCode.OK, (await Host.ReadAsync(token)).Status);
        await Host.Server.Service<Usage>().FlushAsync(Cancellation);
    }

    private async Task<Guid> KeyAsync() => (await Host.Server.Service<KeyRotation>().FindAsync(Host.Owner, Host.Credential, Cancellation))!.Current.Uid;

    private async Task ReplaceKeyAsync() => Assert.IsType<ReplaceOutcome.Promoted>(await Host.Server.Service<KeyRotation>().ReplaceAsync(
        Host.Owner, Host.Credential, new NewKey($"new-key-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: false, Same: true, Instead: null, OldKey.Wipe), Cancellation));

    private async Task<KeyUseReport> ReportAsync(Guid? key, DateTimeOffset since = default) =>
        (await Host.Server.Service<KeyUseReports>().ReportAsync(Host.Owner, Host.Credential, key, null, since, Cancellation)).ValueOrDefault!;
}
