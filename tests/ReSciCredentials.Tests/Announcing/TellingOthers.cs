using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using ReSciCredentials.Credentials;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Announcing;

/// <summary>A credential that turned FAILED, or a day of one that is near, told to a program and by e-mail.</summary>
public sealed class TellingOthers : IAsyncLifetime
{
    private readonly TurnedClock _time = new();
    private readonly TestDirectory _directory = new();
    private readonly MailServer _mail = new();
    private WebhookReceiver _receiver = null!;
    private Vault _vault = null!;

    public async ValueTask InitializeAsync()
    {
        _receiver = await WebhookReceiver.StartAsync();
        _vault = await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _vault.DisposeAsync();
        await _receiver.DisposeAsync();
        await _mail.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Posts_a_message_that_its_receiver_can_verify()
    {
        var id = await FailOneAsync("Shop key");
        await PassUntilAsync(() => !_receiver.Received.IsEmpty);

        Assert.True(_receiver.Received.TryDequeue(out var got));
        // As a receiver does it: https://www.standardwebhooks.com
        var key = Convert.FromBase64String(WebhookReceiver.Secret["whsec_".Length..]);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"{got.Headers["webhook-id"]}.{got.Headers["webhook-timestamp"]}."), .. got.Body];
        Assert.Equal($"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, signed))}", got.Headers["webhook-signature"]);
        var sent = DateTimeOffset.FromUnixTimeSeconds(long.Parse(got.Headers["webhook-timestamp"], CultureInfo.InvariantCulture));
        Assert.InRange(_time.GetUtcNow() - sent, TimeSpan.Zero, TimeSpan.FromMinutes(1));

        var message = JsonDocument.Parse(got.Body).RootElement;
        Assert.Equal("credential.failed", message.GetProperty("type").GetString());
        var credential = message.GetProperty("data").GetProperty("credential");
        Assert.Equal((id, "Shop key", TestServer.OwnerName), (
            credential.GetProperty("id").GetInt32(), credential.GetProperty("name").GetString(), credential.GetProperty("owner").GetString()));
    }

    [Fact]
    public async Task Sends_an_e_mail_to_everybody_who_is_named()
    {
        await FailOneAsync("Shop “key”");
        await PassUntilAsync(() => !_mail.Received.IsEmpty);

        Assert.True(_mail.Received.TryDequeue(out var message));
        Assert.Equal("ReSci refuses the key of “Shop “key””", message.Subject);
        Assert.Equal(["ann@example.com", "bob@example.com"], message.To.Mailboxes.Select(to => to.Address));
        Assert.Contains("ReSci refused this key (HTTP 401).", message.TextBody, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HttpStatusCode.InternalServerError)]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.Redirect)]
    public async Task Tries_again_under_the_same_id_until_the_receiver_takes_it(HttpStatusCode refusal)
    {
        _receiver.Answer = refusal;
        await FailOneAsync("Shop key");
        await PassUntilAsync(() => _receiver.Received.Count >= 2);
        _receiver.Answer = HttpStatusCode.OK;
        await PassUntilEmptyAsync();

        Assert.Single(_receiver.Received.Select(got => got.Headers["webhook-id"]).Distinct());
        Assert.All(_receiver.Received, got => Assert.Equal("/hook", got.Path));
    }

    [Fact]
    public async Task Goes_on_after_a_restart()
    {
        _receiver.Answer = HttpStatusCode.ServiceUnavailable;
        _mail.Busy = true;
        await FailOneAsync("Shop key");
        await PassUntilAsync(() => !_receiver.Received.IsEmpty);
        await _vault.DisposeAsync();
        (_receiver.Answer, _mail.Busy) = (HttpStatusCode.OK, false);

        _vault = await StartAsync();
        await PassUntilEmptyAsync();

        Assert.Single(_mail.Received);
    }

    [Fact]
    public async Task Gives_up_in_the_end_with_a_line_in_the_log()
    {
        _receiver.Answer = HttpStatusCode.InternalServerError;
        await FailOneAsync("Shop key");

        await PassUntilEmptyAsync(step: TimeSpan.FromHours(1));

        Assert.Contains(
            _vault.Server.Logs.GetSnapshot(),
            record => record.Level == LogLevel.Error && record.Message.Contains("HTTP 500) and was given up", StringComparison.Ordinal));
        Assert.Equal(10, _receiver.Received.Count);
    }

    [Fact]
    public async Task Stops_at_once_when_the_receiver_is_gone()
    {
        _receiver.Answer = HttpStatusCode.Gone;
        await FailOneAsync("Shop key");
        await PassUntilEmptyAsync();

        Assert.Single(_receiver.Received);
    }

    [Fact]
    public async Task Tells_once_of_a_failure_however_often_it_is_found_again()
    {
        var id = await FailOneAsync("Shop key");
        await _vault.Credentials.CheckAsync(_vault.Owner, id, TestContext.Current.CancellationToken);
        await PassUntilEmptyAsync();

        Assert.Single(_receiver.Received);
    }

    [Fact]
    public async Task Tells_once_of_a_day_that_is_near_and_anew_of_one_that_was_moved()
    {
        var today = DateOnly.FromDateTime(_time.GetUtcNow().UtcDateTime);
        var id = await _vault.AddAsync("Shop key");
        var watch = _vault.Server.Service<DateWatch>();
        await SetDatesAsync(id, new(null, null), new(today.AddDays(14), today.AddDays(15)));
        var near = await watch.AnnounceNearAsync(TestContext.Current.CancellationToken);
        var again = await watch.AnnounceNearAsync(TestContext.Current.CancellationToken);
        await SetDatesAsync(id, new(today.AddDays(14), today.AddDays(15)), new(today.AddDays(3), null));
        var moved = await watch.AnnounceNearAsync(TestContext.Current.CancellationToken);

        Assert.Equal((1, 0, 1), (near, again, moved));
        await PassUntilEmptyAsync();
        Assert.All(_receiver.Received, got => Assert.Contains("credential.expires_soon", Encoding.UTF8.GetString(got.Body), StringComparison.Ordinal));
    }

    private async Task<Vault> StartAsync() => await Vault.StartAsync(
        _directory, _time, [.. await _receiver.SettingsAsync(_directory), .. _mail.Settings, "--Checks:Enabled=false"]);

    /// <summary>A key that ReSci refuses is stored unverified, and tested by a person.</summary>
    private async Task<int> FailOneAsync(string name)
    {
        var outcome = await _vault.Credentials.SaveAsync(
            _vault.Owner, new NewCredential(name, null, "sandbox-refused-1", Guid.NewGuid(), Unverified: true, Same: true), TestContext.Current.CancellationToken);
        var id = Assert.IsType<SaveOutcome.Saved>(outcome).Id;
        await _vault.Credentials.CheckAsync(_vault.Owner, id, TestContext.Current.CancellationToken);
        return id;
    }

    private async Task SetDatesAsync(int id, CredentialDates seen, CredentialDates dates) => Assert.IsType<DatesOutcome.Saved>(
        await _vault.Credentials.ChangeDatesAsync(
            _vault.Owner,
            id,
            seen,
            new TypedDates(TypedDates.Write(dates.ExpiresOn), TypedDates.Write(dates.ReviewOn)),
            TestContext.Current.CancellationToken));

    private Task PassUntilAsync(Func<bool> isSo) => PassAsync(() => Task.FromResult(isSo()), TimeSpan.FromSeconds(2));

    private Task PassUntilEmptyAsync(TimeSpan? step = null) => PassAsync(
        async () =>
        {
            await using var storage = await _vault.Server.StorageAsync();
            return !await storage.Announcements.AnyAsync();
        },
        step ?? TimeSpan.FromSeconds(2));

    private Task PassAsync(Func<Task<bool>> isSo, TimeSpan step) => Until.TrueAsync(
        async () =>
        {
            _time.AdvanceBetweenCalls(step);
            return await isSo();
        },
        TimeSpan.FromMinutes(1));
}
