using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Saving;

/// <summary>Olga owns a credential; Bea and Carl have accounts too.</summary>
public sealed class SharingWithOthers : IAsyncLifetime
{
    private Vault _vault = null!;
    private Person _bea = null!;
    private Person _carl = null!;
    private SharedItem _item = null!;
    private int _id;

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    private ReSciCredentials.Access.Sharing Sharing => _vault.Server.Service<ReSciCredentials.Access.Sharing>();

    private FlowService Flows => _vault.Server.Service<FlowService>();

    public async ValueTask InitializeAsync()
    {
        _vault = await Vault.StartAsync();
        _id = await _vault.AddAsync("Production");
        _item = SharedItem.Credential(_id);
        (_bea, _) = await _vault.Server.AddPersonAsync("Bea");
        (_carl, _) = await _vault.Server.AddPersonAsync("Carl");
    }

    public ValueTask DisposeAsync() => _vault.DisposeAsync();

    [Fact]
    public async Task Lets_somebody_see_and_use_it_from_then_on_and_no_longer_when_it_ends()
    {
        Assert.Null(await _vault.Credentials.FindAsync(_bea, _id, Now));

        await ShareAsync(_bea, AccessRole.Collaborator);
        Assert.Equal(("Production", AccessRole.Collaborator), await _vault.Credentials.FindAsync(_bea, _id, Now) is { } tile ? (tile.Name, tile.Role) : default);
        Assert.IsType<FlowOutcome.Done>(await UseAsync(_bea));

        await Sharing.RemoveAsync(_vault.Owner, _item, [new PersonRef(_bea.Id, null)], Now);
        Assert.Null(await _vault.Credentials.FindAsync(_bea, _id, Now));
        Assert.IsType<FlowOutcome.Invalid>(await UseAsync(_bea));
    }

    [Fact]
    public async Task Finds_people_by_their_address_whatever_its_case_and_says_when_there_is_nobody()
    {
        var shared = Assert.IsType<ShareOutcome.Done>(await AddAsync(_vault.Owner, new Grant(new PersonRef(null, " BEA@Example.com "), AccessRole.Operator)));
        Assert.Equal(["owner@example.com Owner", "bea@example.com Operator"], shared.List.People.Select(person => $"{person.Email} {person.Role}"));

        var nobody = Assert.IsType<ShareOutcome.Invalid>(await AddAsync(_vault.Owner, new Grant(new PersonRef(null, "nobody@example.com"), AccessRole.Operator)));
        Assert.Equal("Nobody here has the e-mail address “nobody@example.com”.", nobody.Fault);
    }

    [Fact]
    public async Task Makes_of_several_people_all_or_none()
    {
        var outcome = await AddAsync(
            _vault.Owner, new Grant(new PersonRef(_bea.Id, null), AccessRole.Operator), new Grant(new PersonRef(99, null), AccessRole.Operator));

        Assert.IsType<ShareOutcome.Invalid>(outcome);
        Assert.Equal([_vault.Owner.Id], await PeopleAsync());
    }

    [Fact]
    public async Task Replaces_everybody_but_the_owner()
    {
        await ShareAsync(_bea, AccessRole.Admin);

        await Sharing.ReplaceAsync(
            _vault.Owner,
            _item,
            [new Grant(new PersonRef(_vault.Owner.Id, null), AccessRole.Owner), new Grant(new PersonRef(_carl.Id, null), AccessRole.Collaborator)],
            Now);

        Assert.Equal([_vault.Owner.Id, _carl.Id], await PeopleAsync());
    }

    [Fact]
    public async Task Removes_everybody_but_the_owner()
    {
        await ShareAsync(_bea, AccessRole.Admin);
        await ShareAsync(_carl, AccessRole.Admin);

        Assert.IsType<ShareOutcome.Done>(await Sharing.RemoveAsync(_vault.Owner, _item, people: null, Now));

        Assert.Equal([_vault.Owner.Id], await PeopleAsync());
    }

    [Fact]
    public async Task Gives_nobody_a_second_owner_and_never_removes_the_first()
    {
        await ShareAsync(_bea, AccessRole.Admin);

        Assert.IsType<ShareOutcome.Invalid>(await AddAsync(_bea, new Grant(new PersonRef(_carl.Id, null), AccessRole.Owner)));
        Assert.IsType<ShareOutcome.Invalid>(await Sharing.RemoveAsync(_bea, _item, [new PersonRef(_vault.Owner.Id, null)], Now));
        Assert.Equal([_vault.Owner.Id, _bea.Id], await PeopleAsync());
    }

    [Fact]
    public async Task Lets_an_admin_share_and_an_operator_not()
    {
        await ShareAsync(_bea, AccessRole.Operator);
        Assert.IsType<ShareOutcome.Forbidden>(await AddAsync(_bea, new Grant(new PersonRef(_carl.Id, null), AccessRole.Collaborator)));

        await ShareAsync(_bea, AccessRole.Admin);
        Assert.IsType<ShareOutcome.Done>(await AddAsync(_bea, new Grant(new PersonRef(_carl.Id, null), AccessRole.Admin)));
    }

    [Fact]
    public async Task Writes_down_with_whom_it_was_shared_and_no_longer_is_and_doing_it_twice_is_once()
    {
        await ShareAsync(_bea, AccessRole.Operator);
        await ShareAsync(_bea, AccessRole.Operator);
        await Sharing.RemoveAsync(_vault.Owner, _item, [new PersonRef(_bea.Id, null)], Now);

        var entries = (await _vault.Credentials.ListActivityAsync(_vault.Owner, _id, before: null, 10, Now)).ValueOrDefault!;
        Assert.Equal(["unshared bea@example.com", "shared bea@example.com as operator", "create "], entries.Select(entry => $"{entry.Event} {entry.Fields}"));
    }

    [Fact]
    public async Task Says_of_a_source_of_somebody_else_only_that_it_is_there()
    {
        await ShareAsync(_bea, AccessRole.Collaborator);
        await UseAsync(_bea);

        var uses = await _vault.Credentials.ListUsesAsync(_vault.Owner, _id, 10, Now);

        Assert.Equal((0, "1 source of somebody else"), (uses.Seen.Count, uses.Others));
        Assert.IsType<DeleteOutcome.InUse>(await _vault.Credentials.DeleteAsync(_vault.Owner, _id, Now));
    }

    [Fact]
    public async Task Shares_a_source_without_its_credential()
    {
        var source = Assert.IsType<FlowOutcome.Done>(await UseAsync(_vault.Owner)).Id;
        await Sharing.AddAsync(_vault.Owner, SharedItem.Of(FlowKind.Source, source), [new Grant(new PersonRef(_bea.Id, null), AccessRole.Operator)], Now);

        var seen = (await Flows.FindAsync(_bea, FlowKind.Source, source, Now))!;
        Assert.Equal((null, null, AccessRole.Operator), (seen.CredentialId, seen.CredentialName, seen.Role));
        Assert.IsType<FlowOutcome.Done>(await Flows.SetStatusAsync(_bea, FlowKind.Source, source, FlowStatus.Paused, Now));
        Assert.Null(await _vault.Credentials.FindAsync(_bea, _id, Now));
    }

    [Fact]
    public async Task Does_not_let_an_admin_of_a_source_give_it_a_credential_that_its_owner_may_not_use()
    {
        var source = Assert.IsType<FlowOutcome.Done>(await UseAsync(_vault.Owner)).Id;
        await Sharing.AddAsync(_vault.Owner, SharedItem.Of(FlowKind.Source, source), [new Grant(new PersonRef(_bea.Id, null), AccessRole.Admin)], Now);
        var saved = await _vault.Credentials.SaveAsync(_bea, new NewCredential("Bea's", null, $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), false, false), Now);
        var hers = Assert.IsType<SaveOutcome.Saved>(saved).Id;

        Assert.IsType<FlowOutcome.Invalid>(await Flows.ChangeCredentialAsync(_bea, FlowKind.Source, source, 1, hers, Now));

        await Sharing.AddAsync(_bea, SharedItem.Credential(hers), [new Grant(new PersonRef(_vault.Owner.Id, null), AccessRole.Collaborator)], Now);
        Assert.IsType<FlowOutcome.Done>(await Flows.ChangeCredentialAsync(_bea, FlowKind.Source, source, 1, hers, Now));
    }

    [Fact]
    public async Task Goes_with_the_credential_and_with_the_account()
    {
        await ShareAsync(_bea, AccessRole.Collaborator);
        await ShareAsync(_carl, AccessRole.Collaborator);
        await using var storage = await _vault.Server.StorageAsync();

        await storage.Users.Where(account => account.Id == _carl.Id).ExecuteDeleteAsync(Now);
        Assert.Equal([_bea.Id], await storage.Accessors.Select(accessor => accessor.AccountId).ToListAsync(Now));

        await storage.Credentials.ExecuteDeleteAsync(Now);
        Assert.Empty(await storage.Accessors.ToListAsync(Now));
    }

    [Fact]
    public async Task Lists_what_is_mine_and_what_is_shared_in_one_order_page_by_page()
    {
        var search = _vault.Server.Service<CredentialSearch>();
        foreach (var name in new[] { "b", "D" })
        {
            await _vault.Credentials.SaveAsync(_bea, new NewCredential(name, null, $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), false, true), Now);
        }

        foreach (var name in new[] { "A", "c", "e" })
        {
            var id = await _vault.AddAsync(name);
            await Sharing.AddAsync(_vault.Owner, SharedItem.Credential(id), [new Grant(new PersonRef(_bea.Id, null), AccessRole.Collaborator)], Now);
        }

        async Task<CredentialListing> ListAsync(string text, CredentialPosition? position, int limit) =>
            await search.ListAsync(_bea, CredentialFilter.Parse(text), CredentialOrder.Name, position, limit, Now);
        static string Names(CredentialListing page) => string.Concat(page.Rows.Select(row => row.Name));

        var first = await ListAsync("", null, 2);
        var second = await ListAsync("", new CredentialPosition(first.Rows[^1].Id, Backwards: false), 2);
        var back = await ListAsync("", new CredentialPosition(second.Rows[0].Id, Backwards: true), 2);
        Assert.Equal(("Ab", "cD", "Ab", 5), (Names(first), Names(second), Names(back), first.Count));
        Assert.Equal(("bD", "Ace", "Ace", "bD"), (
            Names(await ListAsync("owner:me", null, 9)),
            Names(await ListAsync("owner:others", null, 9)),
            Names(await ListAsync("owner:olga", null, 9)),
            Names(await ListAsync("owner:BEA@", null, 9))));
        Assert.Equal(("c", "", "D"), (Names(await ListAsync("c owner:others", null, 9)), Names(await ListAsync("c owner:me", null, 9)), Names(await ListAsync("d", null, 9))));
        Assert.Equal("eDcbA", string.Concat((await search.PickAsync(_bea, "", null, 9, Now)).Tiles.Select(tile => tile.Name).OrderDescending(StringComparer.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task Tells_those_whom_it_concerns_and_nobody_else()
    {
        var told = new List<ChangeNotice>();
        using var subscription = _vault.Server.Service<ChangeNotices>().Subscribe(told.Add);

        await ShareAsync(_bea, AccessRole.Collaborator);
        await _vault.Credentials.EditAsync(_vault.Owner, _id, CredentialField.Name, "Production", "Renamed", Now);
        await UseAsync(_bea);
        await Sharing.RemoveAsync(_vault.Owner, _item, people: null, Now);

        Assert.Equal(["Credential", "Credential", "Flow", "Credential"], told.Select(notice => notice.Kind.Name));
        Assert.All(told, notice => Assert.Equal([_vault.Owner.Id, _bea.Id], notice.Audience.Order()));
    }

    private Task<ShareOutcome> AddAsync(Person who, params Grant[] grants) => Sharing.AddAsync(who, _item, grants, Now);

    private async Task ShareAsync(Person person, AccessRole role) =>
        Assert.IsType<ShareOutcome.Done>(await AddAsync(_vault.Owner, new Grant(new PersonRef(person.Id, null), role)));

    private async Task<IEnumerable<int>> PeopleAsync() => (await Sharing.ListAsync(_vault.Owner, _item, Now))!.People.Select(person => person.AccountId);

    private Task<FlowOutcome> UseAsync(Person person) =>
        Flows.CreateAsync(person, new NewFlow(FlowKind.Source, $"Source of {person.Name}", null, "list_import_jobs", _id, Guid.NewGuid()), Now);
}
