using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Importing;

/// <summary>A file is sent as the import page sends it, to the real server.</summary>
public sealed class ImportingCredentials : IAsyncLifetime
{
    private const string First = "sandbox-accepted-first-4f0c1b7a";
    private const string Second = "sandbox-accepted-second-9e2d8b31";

    /// <summary>Rows that take half a minute at ten a second: however busy the machine is, something comes before the last.</summary>
    private const int Many = 300;

    private TestServer _server = null!;
    private Visitor _owner = null!;

    // Ten keys a second, and nothing but imports asks ReSci.
    public async ValueTask InitializeAsync() =>
        (_server, _owner) = await TestServer.StartOwnedAsync(settings: ["--Checks:Enabled=false", "--Checks:PerMinute=600"]);

    public ValueTask DisposeAsync()
    {
        _owner.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task Shows_beforehand_what_would_be_made_and_makes_nothing()
    {
        await _owner.AddCredentialAsync("Stored", First);
        var asked = _server.ReSci.Received.Count;

        var answer = await _owner.PreviewImportAsync($"name,description,key\nEU,For orders,{Second}\nAgain,,{First}\nTwice,,{Second}\nStored,,sandbox-accepted-third-1111\n,,k");

        Assert.Equal(["new", "duplicate", "duplicate", "new", "faulty"], answer.States);
        Assert.Equal(
            [null, "This key is stored already, as “Stored”.", "The same key is in line 2.", "You already have a credential named “Stored”, with another key.", "Enter a name."],
            answer.Rows.Select(row => row.Text));
        Assert.Equal(("EU", "For orders", "8b31", 2), (answer.Rows[0].Name, answer.Rows[0].Description, answer.Rows[0].LastFour, answer.Rows[0].Line));
        Assert.Equal((1, asked), (await CountAsync(), _server.ReSci.Received.Count));
    }

    [Fact]
    public async Task Saves_what_ReSci_accepts_and_tells_of_each_row_that_it_does_not()
    {
        var answer = await _owner.ImportAsync(Guid.NewGuid(), $"Good,,{First}\nBad,,{SandboxKeys.Refused}-1\nUnclear,,{SandboxKeys.Garbage}-1\nTwice,,{First}\nNo key,,");

        Assert.Equal(["saved", "refused", "cannotTell", "duplicate", "faulty"], answer.States);
        Assert.Equal("done", answer.End);
        Assert.StartsWith("ReSci refused this key (HTTP 401).", answer.Rows[1].Text, StringComparison.Ordinal);
        await using var storage = await _server.StorageAsync();
        var saved = await storage.Credentials.SingleAsync();
        Assert.Equal((answer.Rows[0].Id, "Good", VerifiedStatus.Verified), (saved.Id, saved.Name, saved.VerifiedStatus));
        Assert.Equal([("create", (int?)saved.Id)], await storage.AuditEntries
            .Where(entry => entry.ItemType == "credential").Select(entry => new ValueTuple<string, int?>(entry.Event, entry.ItemId)).ToListAsync());
    }

    [Fact]
    public async Task Saves_what_could_not_be_tested_only_on_request_and_what_is_refused_never()
    {
        var answer = await _owner.ImportAsync(Guid.NewGuid(), $"Bad,,{SandboxKeys.Refused}-1\nUnclear,,{SandboxKeys.Garbage}-1", unverified: true);

        Assert.Equal(["refused", "savedUnverified"], answer.States);
        await using var storage = await _server.StorageAsync();
        Assert.Equal(VerifiedStatus.Unverified, (await storage.Credentials.SingleAsync()).VerifiedStatus);
    }

    [Fact]
    public async Task Saves_each_row_once_however_often_the_same_import_is_sent()
    {
        var (import, file) = (Guid.NewGuid(), $"One,,{First}\nTwo,,{Second}\nTwo again,,{Second}");

        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => _owner.ImportAsync(import, file, duplicates: true)));
        var again = await _owner.ImportAsync(import, file, duplicates: true);

        Assert.Equal(["saved", "saved", "saved"], again.States);
        Assert.Equal(3, await CountAsync());
    }

    [Fact]
    public async Task Goes_on_where_it_was_cut_off()
    {
        var import = Guid.NewGuid();
        var file = string.Concat(Enumerable.Range(0, 40).Select(number => $"Row {number},,sandbox-accepted-row-{number:D8}\n"));
        using var cut = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var sent = _owner.ImportAsync(import, file, cancellation: cut.Token);
        await Until.TrueAsync(async () => await CountAsync() >= 3, TimeSpan.FromMinutes(1));

        await cut.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        var before = await CountAsync();
        var answer = await _owner.ImportAsync(import, file);

        Assert.InRange(before, 3, 39);
        Assert.All(answer.States, state => Assert.Equal("saved", state));
        Assert.Equal(40, await CountAsync());
    }

    [Fact]
    public async Task Asks_ReSci_no_faster_than_the_settings_allow()
    {
        var started = TimeProvider.System.GetTimestamp();

        await Task.WhenAll(
            _owner.ImportAsync(Guid.NewGuid(), string.Concat(Enumerable.Range(0, 6).Select(number => $"A{number},,sandbox-accepted-a-{number:D8}\n"))),
            _owner.ImportAsync(Guid.NewGuid(), string.Concat(Enumerable.Range(0, 6).Select(number => $"B{number},,sandbox-accepted-b-{number:D8}\n"))));

        // The first goes at once, eleven wait a tenth of a second each.
        Assert.InRange(TimeProvider.System.GetElapsedTime(started), TimeSpan.FromSeconds(1.1), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task Spares_itself_the_wait_when_ReSci_is_down_and_tries_the_rest_later()
    {
        var (import, file) = (Guid.NewGuid(), string.Concat(Enumerable.Range(0, 6).Select(number => $"Row {number},,sandbox-accepted-{number:D8}\n")));
        _server.ReSci.Mode = SandboxMode.Down;

        var down = await _owner.ImportAsync(import, file);
        _server.ReSci.Mode = SandboxMode.Normal;
        var up = await _owner.ImportAsync(import, file);

        Assert.Equal(["cannotTell", "cannotTell", "cannotTell", "notAsked", "notAsked", "notAsked"], down.States);
        Assert.All(up.States, state => Assert.Equal("saved", state));
    }

    [Fact]
    public async Task Does_not_show_a_key_that_stands_in_the_wrong_column()
    {
        const string Key = "4f0c1b7a9e2d4c6f8a0b1c2d3e4f5a6b";

        var answer = await _owner.PreviewImportAsync($"{Key},For orders,Shop\nOrders,{Key},Shop\nShop,,{Key} {Key}\n\"{Key},Shop,x");

        Assert.Equal(["faulty", "faulty", "faulty", "faulty"], answer.States);
        Assert.DoesNotContain(Key, answer.Raw, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_nothing_of_a_key_that_somebody_else_stored()
    {
        var id = await _owner.AddCredentialAsync("Of another", First);
        await using (var storage = await _server.StorageAsync())
        {
            var other = new Account { UserName = "bob@example.com", Email = "bob@example.com", Name = "Bob", CreatedAt = DateTimeOffset.UtcNow };
            storage.Users.Add(other);
            await storage.SaveChangesAsync(TestContext.Current.CancellationToken);
            await storage.Credentials.Where(row => row.Id == id)
                .ExecuteUpdateAsync(row => row.SetProperty(credential => credential.OwnerId, other.Id), TestContext.Current.CancellationToken);
        }

        Assert.Equal(["new"], (await _owner.PreviewImportAsync($"Mine,,{First}")).States);
    }

    [Fact]
    public async Task Imports_nothing_more_once_the_session_has_ended()
    {
        var file = string.Concat(Enumerable.Range(0, Many).Select(number => $"Row {number},,sandbox-accepted-{number:D8}\n"));
        var running = _owner.ImportAsync(Guid.NewGuid(), file);
        await Until.TrueAsync(async () => await CountAsync() >= 1, TimeSpan.FromMinutes(1));

        await using (var storage = await _server.StorageAsync())
        {
            await storage.Sessions.ExecuteUpdateAsync(
                session => session.SetProperty(row => row.EndedAt, DateTimeOffset.UtcNow), TestContext.Current.CancellationToken);
        }

        Assert.Equal("ended", (await running).End);
        Assert.InRange(await CountAsync(), 1, Many - 1);
    }

    [Fact]
    public async Task Does_not_hold_up_a_server_that_stops()
    {
        var running = _owner.ImportAsync(Guid.NewGuid(), string.Concat(Enumerable.Range(0, Many).Select(number => $"Row {number},,sandbox-accepted-{number:D8}\n")));
        await Until.TrueAsync(async () => await CountAsync() >= 1, TimeSpan.FromMinutes(1));

        _server.Service<IHostApplicationLifetime>().StopApplication();

        Assert.Equal("unavailable", (await running).End);
        Assert.InRange(await CountAsync(), 1, Many - 1);
    }

    [Fact]
    public async Task Is_refused_without_the_token_of_a_form()
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes($"Forged,,{First}"));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        using var answer = await _owner.Http.PostAsync(new Uri($"/credentials/import/run?id={Guid.NewGuid()}", UriKind.Relative), content, TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.BadRequest, 0), (answer.StatusCode, await CountAsync()));
    }

    [Fact]
    public async Task Is_not_read_from_a_form_and_not_beyond_its_bound()
    {
        using var form = new MultipartFormDataContent { { new StringContent($"Shop,,{First}"), "file", "keys.csv" } };
        var multipart = await _owner.SendFileAsync("/credentials/import/preview", form);
        using var large = new ByteArrayContent(new byte[2 * 1024 * 1024]);
        large.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, multipart.Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await _owner.SendFileAsync("/credentials/import/preview", large)).Status);
    }

    [Theory]
    [InlineData("", "The file is empty.")]
    [InlineData("name,description\nShop,x", "The first line names the columns, but not all that are needed. There must be “name” and “key”; “description” is welcome.")]
    public async Task Tells_what_is_wrong_with_the_whole_file(string file, string told)
    {
        var answer = await _owner.ImportAsync(Guid.NewGuid(), file);

        Assert.Equal(("faulty", told, 0), (answer.End, answer.EndText, answer.Rows.Count));
    }

    private Task<int> CountAsync() => _server.InStorageAsync(storage => storage.Credentials.CountAsync());
}
