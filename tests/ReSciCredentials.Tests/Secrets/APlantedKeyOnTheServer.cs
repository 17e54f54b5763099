using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging.Testing;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

/// <summary>Keys that can be recognised go through everything that can be done with one, and all that the server keeps, says and logs is looked through.</summary>
public sealed class APlantedKeyOnTheServer : IAsyncLifetime
{
    private readonly PlantedKey[] _keys =
        [new("sandbox-accepted"), new("sandbox-refused"), new("sandbox-not-allowed"), new("sandbox-failing"), new("sandbox-garbage"), new("sandbox-echo"), new("unknown")];

    private readonly List<string> _answers = [];
    private readonly List<HttpStatusCode> _multipartAnswers = [];
    private readonly TestDirectory _directory = new();
    private readonly MailServer _mail = new();
    private WebhookReceiver _receiver = null!;
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _receiver = await WebhookReceiver.StartAsync();
        (_server, var owner) = await TestServer.StartOwnedAsync(
            _directory, settings: [.. TestServer.LogsEverything, "--Checks:PerMinute=600", .. await _receiver.SettingsAsync(_directory), .. _mail.Settings]);
        using (owner)
        {
            foreach (var key in _keys)
            {
                await DoEverythingAsync(owner, key);
            }

            _answers.Add((await owner.GetAsync("/settings/safekeeping")).Text);
            _answers.Add((await owner.GetAsync("/health/ready")).Text);
        }

        // What is done for safe keeping: its files lie in the server's directory, and are looked through with the others.
        foreach (var words in new[] { "backup create", "secrets reencrypt --new-ring-key", "backup create --json", "backup drill", "backup list", "check", "secrets rotate-all --confirm" })
        {
            var ended = await CommandRun.RunAsync(_directory, words);
            _answers.Add(ended.Output + ended.Errors);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _receiver.DisposeAsync();
        await _mail.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public void Is_in_no_answer() => Assert.DoesNotContain(_answers, answer => _keys.Any(key => key.IsIn(answer)));

    [Fact]
    public void Is_in_no_log_record_at_the_level_Trace()
    {
        var records = _server.Logs.GetSnapshot();

        Assert.NotEmpty(records);
        Assert.DoesNotContain(records, record => _keys.Any(key => key.IsIn(Written(record))));
    }

    [Fact]
    public async Task Is_in_no_file_of_the_server_while_it_runs()
    {
        // The lock holds nothing, and is held.
        string[] files = [.. Directory.GetFiles(_server.Directory.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) != ".lock")];
        var holding = new List<string>();
        foreach (var file in files)
        {
            var bytes = await ReadSharedAsync(file);
            holding.AddRange(_keys.Where(key => key.IsIn(bytes)).Select(_ => Path.GetFileName(file)));
        }

        Assert.Contains(files, file => file.EndsWith(".db", StringComparison.Ordinal));
        Assert.Empty(holding);
    }

    /// <summary>The key that opens everything else is in its own file and nowhere else.</summary>
    [Fact]
    public async Task Nor_is_the_recovery_key_in_anything_but_its_file()
    {
        var traces = _server.Service<ReSciCredentials.Secrets.ServerSeal>().RecoveryKey.Traces();
        var files = Directory.GetFiles(_directory.Path, "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) != ".lock");
        var holding = new List<string>();
        foreach (var file in files)
        {
            if (traces.AreIn(await ReadSharedAsync(file)))
            {
                holding.Add(file);
            }
        }

        Assert.Equal([_directory.KeyFile], holding);
        Assert.DoesNotContain(_answers, answer => traces.AreIn(Encoding.UTF8.GetBytes(answer)));
        Assert.DoesNotContain(_server.Logs.GetSnapshot(), record => traces.AreIn(Encoding.UTF8.GetBytes(Written(record))));
    }

    /// <summary>Parts of a multipart form go to a temporary file, in clear, from 64 KB on; so such a form is not even read.</summary>
    [Fact]
    public void Is_not_read_from_a_form_that_would_be_spooled_to_disk() =>
        Assert.Equal(Enumerable.Repeat(HttpStatusCode.UnsupportedMediaType, 2 * _keys.Length), _multipartAnswers);

    /// <summary>Of the keys that are refused it is told outside.</summary>
    [Fact]
    public async Task Is_in_no_webhook_and_in_no_e_mail()
    {
        const int Refused = 3;
        await Until.TrueAsync(() => Task.FromResult(_receiver.Received.Count >= Refused && _mail.Received.Count >= Refused), TimeSpan.FromSeconds(20));

        Assert.DoesNotContain(_receiver.Received, got => _keys.Any(key => key.IsIn(got.Body) || key.IsIn(string.Join('|', got.Headers))));
        Assert.DoesNotContain(_mail.Received, message => _keys.Any(key => key.IsIn(message.ToString()) || key.IsIn(message.TextBody ?? "")));
    }

    [Fact]
    public void Reaches_ReSci_all_the_same() =>
        Assert.Contains(_server.ReSci.Received, request => request.Authorization == $"ApiKey {_keys[0].Text}");

    private async Task DoEverythingAsync(Visitor owner, PlantedKey key)
    {
        Note(await owner.TestCredentialAsync(key.Text));
        var saved = await owner.SaveCredentialAsync("Planted", key.Text, same: true);
        Note(saved);
        Note(await owner.SaveCredentialAsync("Planted, told that it is there", key.Text));
        var unverified = await owner.SaveCredentialAsync("Planted, unverified", key.Text, unverified: true, same: true);
        Note(unverified);

        // Malformed: the key inside something that cannot be accepted.
        Note(await owner.SaveCredentialAsync("", key.Text));
        Note(await owner.SaveCredentialAsync("Two keys", $"{key.Text} {key.Text}"));
        Note(await owner.SaveCredentialAsync("Too long", key.Text + new string('x', 5000)));
        await NoteRawAsync(owner, new StringContent($"key={Uri.EscapeDataString(key.Text)}", Encoding.UTF8, "application/x-www-form-urlencoded"));
        await NoteRawAsync(owner, new StringContent($$"""{"key":"{{key.Text}}"}""", Encoding.UTF8, "application/json"));
        await NoteRawAsync(owner, new StringContent($"key={key.Text}{new string('x', 300_000)}", Encoding.UTF8, "application/x-www-form-urlencoded"));
        using var file = new ByteArrayContent(Encoding.UTF8.GetBytes(key.Text + new string('x', 100_000)));
        file.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        _multipartAnswers.Add(await NoteRawAsync(owner, new MultipartFormDataContent
        {
            { new StringContent(await owner.AntiforgeryTokenAsync()), "__RequestVerificationToken" },
            { file, "key", "key.txt" },
        }));

        await ImportAsync(owner, key);
        await ReplaceAsync(owner, key, unverified.Id);

        foreach (var page in new[] { "/", "/sources/new/resci/authenticate", "/account", "/activity", $"/credentials/{unverified.Id}/leaked?key=1c77ab02&step=report" })
        {
            _answers.Add(await owner.Http.GetStringAsync(page, TestContext.Current.CancellationToken));
        }

        foreach (var format in new[] { "csv", "jsonl" })
        {
            _answers.Add((await owner.SubmitAsync("/activity", "/activity/export", ("format", format))).Text);
        }

        // What pages do by themselves: test a stored key, and fetch a sample.
        var person = await _server.OwnerAsync();
        var vault = _server.Service<ReSciCredentials.Credentials.CredentialVault>();
        if (unverified.Id is { } id)
        {
            var verdict = await vault.CheckAsync(person, id, TestContext.Current.CancellationToken);
            var sample = (await vault.FetchSampleAsync(
                person, id, ReSciCredentials.ReSci.ReSciEndpoints.Find("list_import_jobs")!, TestContext.Current.CancellationToken)).ValueOrDefault;
            _answers.Add($"{verdict} {sample} {sample?.Sample?.Json} {string.Join('|', sample?.Sample?.Rows.SelectMany(row => row) ?? [])}");
        }
    }

    // In a file: as it should be, in the wrong column, twice, in rows and files that cannot be read, and in a form that would be spooled.
    private async Task ImportAsync(Visitor owner, PlantedKey key)
    {
        string[] files =
        [
            $"name,description,key\nPlanted in a file,,{key.Text}\nTwice,,{key.Text}",
            $"{key.Text},Planted,Shop\nShop,{key.Text},Planted\n\"{key.Text},open quote,",
            $"Two,,{key.Text} {key.Text}\nStray,,{key.Text}\"\nColumns,{key.Text}\nLong,,{key.Text}{new string('x', 20_000)}",
            $$"""{"api_key":"{{key.Text}}","site_id":"{{key.Text}}"}""",
            $$"""{"api_key":"{{key.Text}}" {{key.Text}}}""",
        ];
        foreach (var file in files)
        {
            _answers.Add((await owner.PreviewImportAsync(file)).Raw);
            _answers.Add((await owner.ImportAsync(Guid.NewGuid(), file, duplicates: true, unverified: true)).Raw);
        }

        using var form = new MultipartFormDataContent { { new ByteArrayContent(Encoding.UTF8.GetBytes(key.Text + new string('x', 100_000))), "file", "keys.csv" } };
        var multipart = await owner.SendFileAsync("/credentials/import/preview", form);
        _answers.Add(multipart.Text);
        _multipartAnswers.Add(multipart.Status);
    }

    // As the new key of a credential with another one: refused, accepted, in the place of one that waits, told twice, and malformed.
    private async Task ReplaceAsync(Visitor owner, PlantedKey key, int? planted)
    {
        var id = await owner.AddCredentialAsync("To be replaced");
        Note(await owner.ReplaceKeyAsync(id, key.Text));
        Note(await owner.ReplaceKeyAsync(id, key.Text, unverified: true, instead: "1c77ab02"));
        var waits = await owner.ReplaceKeyAsync(id, key.Text);
        Note(waits);
        Note(await owner.ReplaceKeyAsync(id, key.Text, then: "keep", unverified: true, instead: waits.Instead ?? ""));
        Note(await owner.ReplaceKeyAsync(id, $"{key.Text} {key.Text}", then: "wipe"));
        if (planted is { } itself)
        {
            Note(await owner.ReplaceKeyAsync(itself, key.Text));
        }

        await NoteRawAsync(owner, new StringContent($"key={Uri.EscapeDataString(key.Text)}", Encoding.UTF8, "application/x-www-form-urlencoded"), $"/credentials/{id}/replace");
        await NoteRawAsync(owner, new StringContent($"key={key.Text}{new string('x', 300_000)}", Encoding.UTF8, "application/x-www-form-urlencoded"), $"/credentials/{id}/replace");
        _answers.Add(await owner.Http.GetStringAsync($"/credentials/{id}/replace", TestContext.Current.CancellationToken));

        // What the panel does: test both, promote, roll back, report.
        var person = await _server.OwnerAsync();
        var rotation = _server.Service<ReSciCredentials.Credentials.KeyRotation>();
        if (await rotation.FindAsync(person, id, TestContext.Current.CancellationToken) is { Pending.Key.Uid: var pending } keys)
        {
            var tested = await rotation.TestAsync(person, id, pending, TestContext.Current.CancellationToken);
            await rotation.PromoteAsync(person, id, pending, ReSciCredentials.Credentials.OldKey.Keep, TestContext.Current.CancellationToken);
            await rotation.RollBackAsync(person, id, keys.Current.Uid, TestContext.Current.CancellationToken);
            var report = await _server.Service<ReSciCredentials.Credentials.KeyUseReports>().ReportAsync(
                person, id, keys.Current.Uid, keys.Current.Fingerprint, default, TestContext.Current.CancellationToken);
            _answers.Add($"{keys} {tested} {report.ValueOrDefault?.ToText()}");
        }
    }

    private void Note(Answer answer) => _answers.Add(answer.ToString() + string.Join('|', answer.Errors?.Values.AsEnumerable() ?? []));

    private async Task<HttpStatusCode> NoteRawAsync(Visitor owner, HttpContent content, string address = "/credentials/save")
    {
        using (content)
        using (var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content })
        {
            // As a script asks.
            request.Headers.Add("Accept", "application/json");
            using var answer = await owner.Http.SendAsync(request, TestContext.Current.CancellationToken);
            _answers.Add($"{answer.StatusCode} {answer.Headers} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
            return answer.StatusCode;
        }
    }

    private static string Written(FakeLogRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}");

    // SQLite holds its files open.
    private static async Task<byte[]> ReadSharedAsync(string path)
    {
        await using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var bytes = new MemoryStream();
        await stream.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return bytes.ToArray();
    }
}
