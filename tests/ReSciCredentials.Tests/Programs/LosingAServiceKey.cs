using System.Globalization;
using System.Net;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Programs;

/// <summary>Service keys and tokens end: by a person, by the calendar, by a newer one. The clock goes on only when a test turns it.</summary>
public sealed class LosingAServiceKey : IAsyncLifetime
{
    private readonly TurnedClock _clock = new();
    private TestServer _server = null!;
    private Person _owner = null!;

    public async ValueTask InitializeAsync()
    {
        (_server, _) = await TestServer.StartOwnedAsync(time: _clock);
        _owner = await _server.OwnerAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Gets_a_new_token_by_itself_when_the_old_one_has_expired()
    {
        var program = await _server.NewProgramAsync();
        await program.CallAsync("GET", "/users/current");

        _clock.Advance(ApiTokens.Lifetime);
        await program.CallAsync("GET", "/users/current");

        Assert.Equal(
            [("POST /token", HttpStatusCode.OK), ("GET /users/current", HttpStatusCode.OK), ("GET /users/current", HttpStatusCode.Unauthorized),
                ("POST /token", HttpStatusCode.OK), ("GET /users/current", HttpStatusCode.OK)],
            program.Calls);
    }

    [Fact]
    public async Task Ends_its_tokens_at_once_when_it_is_revoked()
    {
        var program = await _server.NewProgramAsync();
        await program.CallAsync("GET", "/users/current");

        Assert.IsType<ServiceKeyOutcome.Revoked>(await InKeysAsync(async keys => await keys.RevokeAsync(_owner, (await OnlyAsync()).Id, Cancellation)));

        var refused = await Assert.ThrowsAsync<SdkException>(() => program.CallAsync("GET", "/users/current"));
        Assert.Equal(SdkError.Authentication, refused.Error);
        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized], program.Calls.Skip(2).Select(call => call.Status));
        Assert.Equal(0, await _server.InStorageAsync(storage => storage.ApiTokens.CountAsync(Cancellation)));
    }

    [Fact]
    public async Task Ends_its_tokens_when_its_last_day_is_over()
    {
        var today = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime);
        using var program = new SdkProgram(_server.Address, await _server.MakeServiceKeyAsync(expiresOn: today.ToString("O", CultureInfo.InvariantCulture)));
        await program.CallAsync("GET", "/users/current");

        _clock.Advance(today.AddDays(1).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) - _clock.GetUtcNow().UtcDateTime);

        var refused = await Assert.ThrowsAsync<SdkException>(() => program.CallAsync("GET", "/users/current"));
        Assert.Equal(SdkError.Authentication, refused.Error);
    }

    [Fact]
    public async Task Goes_on_beside_its_successor_until_the_overlap_is_over()
    {
        var old = await _server.NewProgramAsync();
        await old.CallAsync("GET", "/users/current");
        var id = (await OnlyAsync()).Id;

        var rotated = Assert.IsType<ServiceKeyOutcome.Made>(
            await InKeysAsync(keys => keys.RotateAsync(_owner, id, TimeSpan.FromHours(1), Guid.NewGuid(), Cancellation)));

        using var successor = new SdkProgram(_server.Address, rotated.Key);
        await old.CallAsync("GET", "/users/current");
        await successor.CallAsync("GET", "/users/current");
        _clock.Advance(TimeSpan.FromHours(1));
        await Assert.ThrowsAsync<SdkException>(() => old.CallAsync("GET", "/users/current"));
        await successor.CallAsync("GET", "/users/current");
    }

    [Fact]
    public async Task Ends_at_once_when_its_successor_is_made_without_an_overlap()
    {
        var old = await _server.NewProgramAsync();
        await old.CallAsync("GET", "/users/current");
        var id = (await OnlyAsync()).Id;

        await InKeysAsync(keys => keys.RotateAsync(_owner, id, TimeSpan.Zero, Guid.NewGuid(), Cancellation));

        await Assert.ThrowsAsync<SdkException>(() => old.CallAsync("GET", "/users/current"));
    }

    [Fact]
    public async Task Makes_one_successor_however_often_the_form_is_sent()
    {
        await _server.MakeServiceKeyAsync();
        var (id, operation) = ((await OnlyAsync()).Id, Guid.NewGuid());

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ =>
            InKeysAsync(keys => keys.RotateAsync(_owner, id, TimeSpan.FromHours(1), operation, Cancellation))));

        Assert.Single(outcomes.OfType<ServiceKeyOutcome.Made>());
        Assert.Equal(2, outcomes.OfType<ServiceKeyOutcome.MadeBefore>().Count());
        Assert.Equal(2, await _server.InStorageAsync(storage => storage.ServiceKeys.CountAsync(Cancellation)));
    }

    [Fact]
    public async Task Is_nothing_that_another_person_could_see_rotate_or_revoke()
    {
        await _server.MakeServiceKeyAsync();
        var id = (await OnlyAsync()).Id;
        var stranger = _owner with { Id = _owner.Id + 1, Role = AccountRole.Member };

        Assert.Empty(await InKeysAsync(keys => keys.ListAsync(stranger, Cancellation)));
        Assert.IsType<ServiceKeyOutcome.NotFound>(await InKeysAsync(keys => keys.RevokeAsync(stranger, id, Cancellation)));
        Assert.IsType<ServiceKeyOutcome.NotFound>(await InKeysAsync(keys => keys.RotateAsync(stranger, id, TimeSpan.Zero, Guid.NewGuid(), Cancellation)));
    }

    [Fact]
    public async Task Is_known_to_have_been_used_a_few_seconds_later()
    {
        var program = await _server.NewProgramAsync();
        await program.CallAsync("GET", "/users/current");
        var used = _clock.GetUtcNow();
        await _clock.RingsForAsync<ServiceKeyUse>();

        _clock.Advance(ServiceKeyUse.Interval);

        await Until.TrueAsync(async () => (await OnlyAsync()).LastUsedAt == used, TimeSpan.FromMinutes(1));
        // So that a page that is open does not lose its change to a program that calls.
        Assert.Equal(1, await _server.InStorageAsync(storage => storage.ServiceKeys.Select(key => key.Revision).SingleAsync(Cancellation)));
    }

    [Fact]
    public async Task Leaves_no_expired_token_behind()
    {
        var program = await _server.NewProgramAsync();
        await program.ObtainTokenAsync();
        await _clock.RingsForAsync<ServiceKeyUse>();

        _clock.Advance(ApiTokens.Lifetime + TimeSpan.FromHours(2));

        await Until.TrueAsync(async () => await _server.InStorageAsync(storage => storage.ApiTokens.CountAsync(Cancellation)) == 0, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Is_made_rotated_and_revoked_with_an_entry_in_the_audit_log_each()
    {
        await _server.MakeServiceKeyAsync();
        var id = (await OnlyAsync()).Id;
        await InKeysAsync(keys => keys.RotateAsync(_owner, id, TimeSpan.FromHours(1), Guid.NewGuid(), Cancellation));
        await InKeysAsync(keys => keys.RevokeAsync(_owner, id, Cancellation));
        await InKeysAsync(keys => keys.RevokeAsync(_owner, id, Cancellation));

        var entries = await _server.InStorageAsync(storage => storage.AuditEntries
            .Where(entry => entry.ItemType == ServiceKeys.ItemType).OrderBy(entry => entry.Id)
            .Select(entry => new { entry.Event, entry.ItemId, entry.ActorName }).ToListAsync(Cancellation));

        Assert.Equal(
            [("create", id, "command line"), ("create", id + 1, TestServer.OwnerEmail), ("rotate", id, TestServer.OwnerEmail), ("revoke", id, TestServer.OwnerEmail)],
            entries.Select(entry => (entry.Event, entry.ItemId, entry.ActorName)));
    }

    [Fact]
    public async Task Is_noted_when_somebody_tries_a_wrong_one_but_not_each_time()
    {
        using var program = new SdkProgram(_server.Address, ServiceKeys.Format.Create());
        for (var tries = 0; tries < 5; tries++)
        {
            await Assert.ThrowsAsync<SdkException>(() => program.CallAsync("GET", "/users/current"));
        }

        Assert.Single(await _server.AuditAsync(), entry => entry == "sign_in_failed");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private Task<T> InKeysAsync<T>(Func<ServiceKeys, Task<T>> use) => _server.WithAsync(use);

    private async Task<ServiceKeyView> OnlyAsync() => Assert.Single(await InKeysAsync(keys => keys.ListAsync(_owner, Cancellation)));
}
