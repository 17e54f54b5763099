using System.Collections;
using System.Reflection;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Permitting;

/// <summary>
/// Every public method that takes a person, as the owner, an admin, an operator, a collaborator and a stranger. A method without an entry in the table fails.
/// </summary>
public sealed class WhatEachRoleMayDo(WhatEachRoleMayDo.Place place) : IClassFixture<WhatEachRoleMayDo.Place>
{
    /// <summary>About the person alone: nothing of anybody else's can be reached by it.</summary>
    private static readonly string[] AboutOneself =
    [
        "Accounts.CheckPasswordAsync", "Accounts.HasPasswordAsync", "Accounts.ChangePasswordAsync",
        "Sessions.ListAsync", "Sessions.EndAsync", "Sessions.EndAllAsync", "RecentSignIn.IsAsync", "RecentSignIn.Confirm",
        "CredentialVault.SaveAsync", "CredentialVault.LookAheadAsync", "CredentialImport.PreviewAsync", "CredentialImport.RunAsync",
        "FlowService.FindByOperationAsync", "CredentialVault.FindOperationsAsync", "FlowService.FindOperationsAsync", "KeyRotation.FindOperationsAsync", "AccessTokens.FindOperationsAsync",
        "Repeats.BeginAsync", "ProgramProbes.Find", "ProgramProbes.Remember",
        "ServiceKeys.ListAsync", "ServiceKeys.CreateAsync", "ServiceKeys.RotateAsync", "ServiceKeys.RevokeAsync",
    ];

    /// <summary>What goes by the role on the server, or is only put in words for a program; what they answer to whom is tested where they are.</summary>
    private static readonly string[] AboutTheServer =
    [
        "People.ListAsync", "ActivityLog.FindHeadAsync", "ActivityLog.ListAsync", "ActivityLog.ListPeopleAsync", "ActivityLog.PageAsync",
        "ActivityExport.BeginAsync", "ActivityExport.WriteAsync", "AccessTokens.FindForeignAsync", "AccessTokens.ListRefusedAsync",
        "ServerCare.CheckSheet", "ServerCare.ListJobsAsync", "ServerCare.LookAsync", "ServerCare.OrderAsync",
        "CredentialAnswers.FindAsync", "CredentialAnswers.OfAsync", "CredentialAnswers.ShowAsync", "FlowAnswers.ShowAsync", "CopyRequest.Check",
        "CredentialSearch.ListNumberedAsync", "FlowService.ListNumberedAsync",
    ];

    private static readonly Entry[] Table =
    [
        For("CredentialVault.FindAsync", AccessRole.Collaborator, c => c.Vault.FindAsync(c.Who, c.Credential, Now)),
        For("CredentialVault.FindChecksAsync", AccessRole.Collaborator, c => c.Vault.FindChecksAsync(c.Who, c.Credential, Now)),
        For("CredentialVault.ListNeedingAttentionAsync", AccessRole.Collaborator, async c =>
            Any(await c.Vault.ListNeedingAttentionAsync(c.Who, Many, Now), tile => tile.Id == c.Credential)),
        For("CredentialVault.ListUsesAsync", AccessRole.Collaborator, async c => Any((await c.Vault.ListUsesAsync(c.Who, c.Credential, Many, Now)).Count, count => count > 0), prepare: c => c.UseAsync()),
        For("CredentialVault.ListHoursAsync", AccessRole.Collaborator, async c =>
            Any(await c.Vault.ListHoursAsync(c.Who, c.Credential, Now), hour => hour.Calls > 0), prepare: c => c.CallAsync()),
        For("CredentialVault.ListReferencesAsync", AccessRole.Collaborator, async c =>
            Any(await c.Vault.ListReferencesAsync(c.Who, [c.Credential], Now), uses => uses.Key == c.Credential), ofSource: true),
        For("CredentialVault.ProbeAsync", AccessRole.Operator, c => c.Vault.ProbeAsync(c.Who, c.Credential, Now)),
        For("CredentialVault.ChangeAsync", AccessRole.Admin, c =>
            c.Vault.ChangeAsync(c.Who, c.Credential, null, new CredentialChange("Changed", default), Now)),
        For("CredentialVault.CheckAsync", AccessRole.Operator, c => c.Vault.CheckAsync(c.Who, c.Credential, Now)),
        For("CredentialVault.FetchSampleAsync", AccessRole.Operator, c => c.Vault.FetchSampleAsync(c.Who, c.Credential, ReSciEndpoints.For(FlowKind.Source)[0], Now)),
        For("CredentialVault.EditAsync", AccessRole.Admin, c => c.Vault.EditAsync(c.Who, c.Credential, CredentialField.Description, null, "Changed", Now)),
        For("CredentialVault.ChangeDatesAsync", AccessRole.Admin, c =>
            c.Vault.ChangeDatesAsync(c.Who, c.Credential, new CredentialDates(null, null), new TypedDates("2999-12-31", null), Now)),
        For("CredentialVault.CopyAsync", AccessRole.Admin, c => c.Vault.CopyAsync(c.Who, c.Credential, Guid.NewGuid(), Now)),
        For("CredentialVault.ListActivityAsync", AccessRole.Admin, c => c.Vault.ListActivityAsync(c.Who, c.Credential, null, 10, Now)),
        For("CredentialVault.DeleteAsync", AccessRole.Admin, c => c.Vault.DeleteAsync(c.Who, c.Credential, Now)),
        // What is deleted is gone for those who could not bring it back.
        For("CredentialVault.FindDeletedAsync", AccessRole.Admin, c => c.Vault.FindDeletedAsync(c.Who, c.Credential, Now), hides: true, prepare: c => c.DeleteAsync()),
        For("CredentialVault.RestoreAsync", AccessRole.Admin, c => c.Vault.RestoreAsync(c.Who, c.Credential, Now), hides: true, prepare: c => c.DeleteAsync()),

        For("KeyRotation.FindAsync", AccessRole.Collaborator, c => c.Rotation.FindAsync(c.Who, c.Credential, Now)),
        For("KeyRotation.ReplaceAsync", AccessRole.Admin, c => c.Rotation.ReplaceAsync(c.Who, c.Credential, NewKey(), Now)),
        For("KeyRotation.ExchangeAsync", AccessRole.Admin, c => c.Rotation.ExchangeAsync(c.Who, c.Credential, NewKey(), CredentialChange.None, Now)),
        For("KeyRotation.TestAsync", AccessRole.Operator, async c => await c.Rotation.TestAsync(c.Who, c.Credential, await c.PendingAsync(), Now), prepare: c => c.EnterKeyAsync()),
        For("KeyRotation.PromoteAsync", AccessRole.Admin, async c =>
            await c.Rotation.PromoteAsync(c.Who, c.Credential, await c.PendingAsync(), OldKey.Keep, Now), prepare: c => c.EnterKeyAsync()),
        For("KeyRotation.DropAsync", AccessRole.Admin, async c => await c.Rotation.DropAsync(c.Who, c.Credential, await c.PendingAsync(), Now), prepare: c => c.EnterKeyAsync()),
        For("KeyRotation.RollBackAsync", AccessRole.Admin, async c =>
            await c.Rotation.RollBackAsync(c.Who, c.Credential, await c.PreviousAsync(), Now), prepare: c => c.PromoteAsync()),
        For("KeyRotation.WipePreviousAsync", AccessRole.Admin, async c =>
            await c.Rotation.WipePreviousAsync(c.Who, c.Credential, await c.PreviousAsync(), Now), prepare: c => c.PromoteAsync()),

        For("CredentialSearch.ListAsync", AccessRole.Collaborator, async c =>
            Any((await c.Search.ListAsync(c.Who, new CredentialFilter(), CredentialOrder.Name, null, Many, Now)).Rows, tile => tile.Id == c.Credential)),
        For("CredentialSearch.PickAsync", AccessRole.Collaborator, async c =>
            Any((await c.Search.PickAsync(c.Who, "", c.Credential, 1, Now)).Tiles, tile => tile.Id == c.Credential)),
        For("KeyUseReports.ReportAsync", AccessRole.Admin, c => c.Service<KeyUseReports>().ReportAsync(c.Who, c.Credential, null, null, default, Now)),

        // Using a credential in a source of one's own.
        For("FlowService.CreateAsync", AccessRole.Collaborator, async c =>
            await c.Flows.CreateAsync(c.Who, NewSource(c.Credential), Now) is FlowOutcome.Done done ? done : null),
        For("FlowService.FindAsync", AccessRole.Collaborator, c => c.Flows.FindAsync(c.Who, FlowKind.Source, c.Source, Now), ofSource: true),
        For("FlowService.ListAsync", AccessRole.Collaborator, async c =>
            Any(await c.Flows.ListAsync(c.Who, FlowKind.Source, Many, Now), flow => flow.Id == c.Source), ofSource: true),
        For("FlowService.SetStatusAsync", AccessRole.Operator, c => c.Flows.SetStatusAsync(c.Who, FlowKind.Source, c.Source, FlowStatus.Paused, Now), ofSource: true),
        For("FlowService.ChangeCredentialAsync", AccessRole.Admin, async c =>
            await c.Flows.ChangeCredentialAsync(c.Who, FlowKind.Source, c.Source, 1, await c.AnotherCredentialAsync(), Now), ofSource: true),
        For("FlowService.UpdateAsync", AccessRole.Admin, c =>
            c.Flows.UpdateAsync(c.Who, FlowKind.Source, c.Source, null, new FlowChange { Name = "Changed" }, Now), ofSource: true),
        For("FlowService.CopyAsync", AccessRole.Admin, c =>
            c.Flows.CopyAsync(c.Who, FlowKind.Source, c.Source, reuseCredential: true, Guid.NewGuid(), Now), ofSource: true, prepare: c => c.ShareCredentialAsync()),
        For("FlowService.DeleteAsync", AccessRole.Admin, c => c.Flows.DeleteAsync(c.Who, FlowKind.Source, c.Source, Now), ofSource: true),
        For("FlowService.ListActivityAsync", AccessRole.Admin, c => c.Flows.ListActivityAsync(c.Who, FlowKind.Source, c.Source, 10, Now), ofSource: true),

        For("AccessTokens.ListAsync", AccessRole.Collaborator, c => c.Tokens.ListAsync(c.Who, c.Source, Now), ofSource: true),
        For("AccessTokens.CreateAsync", AccessRole.Admin, c => c.Tokens.CreateAsync(c.Who, NewToken(c.Source), Now), ofSource: true),
        For("AccessTokens.FindAsync", AccessRole.Collaborator, c => c.Tokens.FindAsync(c.Who, FlowKind.Source, c.Source, c.Token, Now), ofSource: true),
        For("AccessTokens.FindRoleAsync", AccessRole.Collaborator, c => c.Tokens.FindRoleAsync(c.Who, FlowKind.Source, c.Source, Now), ofSource: true),
        For("AccessTokens.RotateAsync", AccessRole.Admin, c => c.Tokens.RotateAsync(c.Who, c.Token, TimeSpan.Zero, Guid.NewGuid(), Now), ofSource: true),
        For("AccessTokens.RevokeAsync", AccessRole.Admin, c => c.Tokens.RevokeAsync(c.Who, c.Token, Now), ofSource: true),
        For("UsageReader.ReadAsync", AccessRole.Collaborator, c => c.Service<UsageReader>().ReadAsync(c.Who, c.Source, null, Now), ofSource: true),
        For("UsageReader.ExportAsync", AccessRole.Collaborator, async c =>
            Any(await c.Service<UsageReader>().ExportAsync(c.Who, c.Source, null, Now).CountAsync(Now), count => count > 0), ofSource: true),

        For("Sharing.ListAsync", AccessRole.Collaborator, c => c.Sharing.ListAsync(c.Who, c.Item, Now)),
        For("Sharing.AddAsync", AccessRole.Admin, c => c.Sharing.AddAsync(c.Who, c.Item, [c.ToAnother], Now)),
        For("Sharing.CopyAsync", AccessRole.Collaborator, async c =>
            await c.Sharing.CopyAsync(c.Who, c.Item, SharedItem.Credential(await c.OwnCredentialAsync()), Now)),
        For("Sharing.ReplaceAsync", AccessRole.Admin, c => c.Sharing.ReplaceAsync(c.Who, c.Item, [c.ToAnother], Now)),
        For("Sharing.RemoveAsync", AccessRole.Admin, c => c.Sharing.RemoveAsync(c.Who, c.Item, null, Now)),
        For("Sharing.ListAsync of a source", AccessRole.Collaborator, c => c.Sharing.ListAsync(c.Who, c.Item, Now), ofSource: true),
        For("Sharing.AddAsync of a source", AccessRole.Admin, c => c.Sharing.AddAsync(c.Who, c.Item, [c.ToAnother], Now), ofSource: true),
        For("Sharing.ReplaceAsync of a source", AccessRole.Admin, c => c.Sharing.ReplaceAsync(c.Who, c.Item, [c.ToAnother], Now), ofSource: true),
        For("Sharing.RemoveAsync of a source", AccessRole.Admin, c => c.Sharing.RemoveAsync(c.Who, c.Item, null, Now), ofSource: true),
    ];

    private const int Many = 100_000;

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    public static TheoryData<string, AccessRole?> Cases()
    {
        var cases = new TheoryData<string, AccessRole?>();
        foreach (var entry in Table)
        {
            foreach (var role in Enum.GetValues<AccessRole>())
            {
                cases.Add(entry.Method, role);
            }

            cases.Add(entry.Method, null);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Is_what_the_table_says(string method, AccessRole? role)
    {
        var entry = Table.Single(row => row.Method == method);
        var c = await Case.MakeAsync(place.Vault, entry, role);
        var before = await c.CountChangesAsync();

        var answer = Read(await entry.Call(c));

        var expected = role is null ? Answer.NotFound : role >= entry.AtLeast ? Answer.Done : entry.Hides ? Answer.NotFound : Answer.Forbidden;
        Assert.Equal(expected, answer);
        if (expected is not Answer.Done)
        {
            Assert.Equal(before, await c.CountChangesAsync());
        }
    }

    [Fact]
    public void Has_an_entry_for_every_method_that_takes_a_person()
    {
        var methods =
            from type in typeof(Person).Assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            where type != typeof(Person) && !method.IsSpecialName && method.GetParameters().Any(parameter => parameter.ParameterType == typeof(Person))
            select $"{type.Name}.{method.Name}";

        var entries = Table.Select(entry => entry.Method.Split(' ')[0]).Concat(AboutOneself).Concat(AboutTheServer);
        Assert.Equal([], methods.Except(entries).Order(StringComparer.Ordinal));
        Assert.Equal([], entries.Except(methods).Order(StringComparer.Ordinal));
    }

    private static Entry For<T>(
        string method, AccessRole atLeast, Func<Case, Task<T>> call, bool hides = false, bool ofSource = false, Func<Case, Task>? prepare = null) =>
        new(method, atLeast, async c => await call(c), hides, ofSource, prepare);

    private static Answer Read(object? answer) => answer switch
    {
        null or false or ICollection { Count: 0 } => Answer.NotFound,
        _ => answer.GetType().Name switch
        {
            "NotFound" => Answer.NotFound,
            "Forbidden" => Answer.Forbidden,
            "Invalid" or "Conflict" or "ChangedMeanwhile" or "InUse" or "Refused" or "CannotTell" or "Same" or "AnotherWaits" =>
                throw new InvalidOperationException($"The table asks for something that cannot be done: {answer}"),
            _ => Answer.Done,
        },
    };

    private static bool Any<T>(IEnumerable<T> rows, Func<T, bool> isIt) => rows.Any(isIt);

    private static bool Any(int count, Func<int, bool> isIt) => isIt(count);

    private static NewKey NewKey() => new($"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: true);

    private static NewFlow NewSource(int credential) => new(FlowKind.Source, "Source", null, ReSciEndpoints.For(FlowKind.Source)[0].Name, credential, Guid.NewGuid());

    private static NewAccessToken NewToken(int source) => new(FlowKind.Source, source, "Token", null, null, null, null, null, Guid.NewGuid());

    private enum Answer
    {
        Done,
        Forbidden,
        NotFound,
    }

    /// <summary>One server for all cases; each has a credential, or a source, of its own.</summary>
    public sealed class Place : IAsyncLifetime
    {
        internal Vault Vault { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Vault = await Vault.StartAsync();

        public ValueTask DisposeAsync() => Vault.DisposeAsync();
    }

    /// <param name="AtLeast">The least role that may. Those below are told so, strangers that there is nothing.</param>
    /// <param name="Hides">Those below are told that there is nothing, too.</param>
    /// <param name="OfSource">The source is shared in the role, and its credential is not.</param>
    private sealed record Entry(
        string Method, AccessRole AtLeast, Func<Case, Task<object?>> Call, bool Hides, bool OfSource, Func<Case, Task>? Prepare);

    private sealed record Case(Vault Place, Person Who, Person Another, int Credential, int Source, int Token, SharedItem Item)
    {
        public CredentialVault Vault => Service<CredentialVault>();

        public KeyRotation Rotation => Service<KeyRotation>();

        public CredentialSearch Search => Service<CredentialSearch>();

        public FlowService Flows => Service<FlowService>();

        public AccessTokens Tokens => Service<AccessTokens>();

        public Sharing Sharing => Service<Sharing>();

        public Grant ToAnother => new(new PersonRef(Another.Id, null), AccessRole.Collaborator);

        public static async Task<Case> MakeAsync(Vault place, Entry entry, AccessRole? role)
        {
            var saved = await place.Credentials.SaveAsync(
                place.Owner, new NewCredential("Shop", null, $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: true, Same: true), Now);
            var credential = Assert.IsType<SaveOutcome.Saved>(saved).Id;
            var (source, token) = entry.OfSource ? await AddSourceAsync(place, credential) : default;
            var item = entry.OfSource ? SharedItem.Of(FlowKind.Source, source) : SharedItem.Credential(credential);
            var another = await PersonAsync(place, "Another");
            var who = role is AccessRole.Owner ? place.Owner : await PersonAsync(place, role?.ToString() ?? "Stranger");
            var made = new Case(place, who, another, credential, source, token, item);
            if (role is { } given and not AccessRole.Owner)
            {
                Assert.IsType<ShareOutcome.Done>(await made.Sharing.AddAsync(place.Owner, item, [new Grant(new PersonRef(who.Id, null), given)], Now));
            }

            if (entry.Prepare is { } prepare)
            {
                await prepare(made);
            }

            return made;
        }

        public T Service<T>()
            where T : notnull =>
            Place.Server.Service<T>();

        public async Task UseAsync() => Assert.IsType<FlowOutcome.Done>(await Flows.CreateAsync(Place.Owner, NewSource(Credential), Now));

        /// <summary>A program called with the credential, just now.</summary>
        public async Task CallAsync()
        {
            await using var storage = await Place.Server.StorageAsync();
            var now = Place.Server.Service<TimeProvider>().GetUtcNow();
            storage.BrokerHours.Add(new BrokerHour
            {
                TokenId = Credential,
                FlowId = Credential,
                CredentialId = Credential,
                KeyUid = Guid.NewGuid(),
                Hour = UsageHours.BeginningOf(now),
                Calls = 1,
                LastAt = now,
            });
            await storage.SaveChangesAsync(Now);
        }

        /// <summary>Whoever asks may use the credential of the source, whatever they may do with the source.</summary>
        public Task ShareCredentialAsync() => Who.Id == Place.Owner.Id
            ? Task.CompletedTask
            : Sharing.AddAsync(Place.Owner, SharedItem.Credential(Credential), [new Grant(new PersonRef(Who.Id, null), AccessRole.Collaborator)], Now);

        public async Task<int> OwnCredentialAsync() => Assert.IsType<SaveOutcome.Saved>(await Vault.SaveAsync(
            Who, new NewCredential("Own", null, $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: true, Same: true), Now)).Id;

        public async Task DeleteAsync() => Assert.IsType<DeleteOutcome.Done>(await Vault.DeleteAsync(Place.Owner, Credential, Now));

        public async Task EnterKeyAsync() => Assert.IsType<ReplaceOutcome.Waiting>(await Rotation.ReplaceAsync(Place.Owner, Credential, NewKey(), Now));

        public async Task PromoteAsync()
        {
            await EnterKeyAsync();
            Assert.IsType<RotationOutcome.Done>(await Rotation.PromoteAsync(Place.Owner, Credential, await PendingAsync(), OldKey.Keep, Now));
        }

        public async Task<Guid> PendingAsync() => (await Rotation.FindAsync(Place.Owner, Credential, Now))!.Pending!.Key.Uid;

        public async Task<Guid> PreviousAsync() => (await Rotation.FindAsync(Place.Owner, Credential, Now))!.Previous!.Key.Uid;

        /// <summary>One that both the owner and whoever asks may use.</summary>
        public async Task<int> AnotherCredentialAsync()
        {
            var id = await Place.AddAsync("Another");
            await Sharing.AddAsync(Place.Owner, SharedItem.Credential(id), [new Grant(new PersonRef(Who.Id, null), AccessRole.Collaborator)], Now);
            return id;
        }

        /// <summary>Every change of what is shared writes its entry in the same transaction.</summary>
        public async Task<int> CountChangesAsync()
        {
            await using var storage = await Place.Server.StorageAsync();
            return await storage.AuditEntries.CountAsync(
                entry => (entry.ItemType == Item.Noun && entry.ItemId == Item.Id) || (entry.ItemType == AccessTokens.ItemType && entry.ItemId == Token), Now);
        }

        private static async Task<(int Source, int Token)> AddSourceAsync(Vault place, int credential)
        {
            var source = Assert.IsType<FlowOutcome.Done>(
                await place.Server.Service<FlowService>().CreateAsync(place.Owner, NewSource(credential), Now)).Id;
            var token = Assert.IsType<TokenOutcome.Made>(
                await place.Server.Service<AccessTokens>().CreateAsync(place.Owner, NewToken(source), Now)).Id;
            await using var storage = await place.Server.StorageAsync();
            storage.BrokerCalls.Add(new BrokerCall { FlowId = source, TokenId = token, CredentialId = credential, Method = "GET", Status = 200, At = DateTimeOffset.UtcNow });
            await storage.SaveChangesAsync(Now);
            return (source, token);
        }

        private static async Task<Person> PersonAsync(Vault place, string name)
        {
            await using var storage = await place.Server.StorageAsync();
            return await storage.Users.SingleOrDefaultAsync(account => account.Name == name, Now) is { } account
                ? place.Owner with { Id = account.Id, Name = name, Email = account.Email!, Role = account.Role }
                : (await place.Server.AddPersonAsync(name)).Person;
        }
    }
}
