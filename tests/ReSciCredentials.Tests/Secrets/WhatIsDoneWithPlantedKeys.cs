using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

/// <summary>Keys that can be recognised went through everything that can be done with one, once for all tests that look.</summary>
public sealed class WhatIsDoneWithPlantedKeys : IAsyncLifetime
{
    internal PlantedKey[] Keys { get; } =
        [new("sandbox-accepted"), new("sandbox-refused"), new("sandbox-not-allowed"), new("sandbox-failing"), new("sandbox-garbage"), new("sandbox-echo"), new("unknown")];

    internal List<string> Answers { get; } = [];

    internal List<HttpStatusCode> MultipartAnswers { get; } = [];

    internal TestDirectory Directory { get; } = new();

    internal MailServer Mail { get; } = new();

    internal WebhookReceiver Receiver { get; private set; } = null!;

    internal TestServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Receiver = await WebhookReceiver.StartAsync();
        (Server, var owner) = await TestServer.StartOwnedAsync(
            Directory, settings: [.. TestServer.LogsEverything, "--Checks:PerMinute=600", .. await Receiver.SettingsAsync(Directory), .. Mail.Settings]);
        using (owner)
        {
            foreach (var key in Keys)
            {
                await DoEverythingAsync(owner, key);
            }

            Answers.Add((await owner.GetAsync("/settings/safekeeping")).Text);
            Answers.Add((await owner.GetAsync("/health/ready")).Text);
        }

        // What is done for safe keeping: its files lie in the server's directory, and are looked through with the others.
        foreach (var words in new[] { "backup create", "secrets reencrypt --new-ring-key", "backup create --json", "backup drill", "backup list", "check", "secrets rotate-all --confirm" })
        {
            var ended = await CommandRun.RunAsync(Directory, words);
            Answers.Add(ended.Output + ended.Errors);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Receiver.DisposeAsync();
        await Mail.DisposeAsync();
        Directory.Dispose();
    }

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
        MultipartAnswers.Add(await NoteRawAsync(owner, new MultipartFormDataContent
        {
            { new StringContent(await owner.AntiforgeryTokenAsync()), "__RequestVerificationToken" },
            { file, "key", "key.txt" },
        }));

        await ImportAsync(owner, key);
        await ReplaceAsync(owner, key, unverified.Id);

        foreach (var page in new[] { "/", "/sources/new/resci/authenticate", "/account", "/activity", $"/credentials/{unverified.Id}/leaked?key=1c77ab02&step=report" })
        {
            Answers.Add(await owner.Http.GetStringAsync(page, TestContext.Current.CancellationToken));
        }

        foreach (var format in new[] { "csv", "jsonl" })
        {
            Answers.Add((await owner.SubmitAsync("/activity", "/activity/export", ("format", format))).Text);
        }

        // What pages do by themselves: test a stored key, and fetch a sample.
        var person = await Server.OwnerAsync();
        var vault = Server.Service<ReSciCredentials.Credentials.CredentialVault>();
        if (unverified.Id is { } id)
        {
            var verdict = await vault.CheckAsync(person, id, TestContext.Current.CancellationToken);
            var sample = (await vault.FetchSampleAsync(
                person, id, ReSciCredentials.ReSci.ReSciEndpoints.Find("list_import_jobs")!, TestContext.Current.CancellationToken)).ValueOrDefault;
            Answers.Add($"{verdict} {sample} {sample?.Sample?.Json} {string.Join('|', sample?.Sample?.Rows.SelectMany(row => row) ?? [])}");
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
            Answers.Add((await owner.PreviewImportAsync(file)).Raw);
            Answers.Add((await owner.ImportAsync(Guid.NewGuid(), file, duplicates: true, unverified: true)).Raw);
        }

        using var form = new MultipartFormDataContent { { new ByteArrayContent(Encoding.UTF8.GetBytes(key.Text + new string('x', 100_000))), "file", "keys.csv" } };
        var multipart = await owner.SendFileAsync("/credentials/import/preview", form);
        Answers.Add(multipart.Text);
        MultipartAnswers.Add(multipart.Status);
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
        Answers.Add(await owner.Http.GetStringAsync($"/credentials/{id}/replace", TestContext.Current.CancellationToken));

        // What the panel does: test both, promote, roll back, report.
        var person = await Server.OwnerAsync();
        var rotation = Server.Service<ReSciCredentials.Credentials.KeyRotation>();
        if (await rotation.FindAsync(person, id, TestContext.Current.CancellationToken) is { Pending.Key.Uid: var pending } keys)
        {
            var tested = await rotation.TestAsync(person, id, pending, TestContext.Current.CancellationToken);
            await rotation.PromoteAsync(person, id, pending, ReSciCredentials.Credentials.OldKey.Keep, TestContext.Current.CancellationToken);
            await rotation.RollBackAsync(person, id, keys.Current.Uid, TestContext.Current.CancellationToken);
            var report = await Server.Service<ReSciCredentials.Credentials.KeyUseReports>().ReportAsync(
                person, id, keys.Current.Uid, keys.Current.Fingerprint, default, TestContext.Current.CancellationToken);
            Answers.Add($"{keys} {tested} {report.ValueOrDefault?.ToText()}");
        }
    }

    private void Note(Answer answer) => Answers.Add(answer.ToString() + string.Join('|', answer.Errors?.Values.AsEnumerable() ?? []));

    private async Task<HttpStatusCode> NoteRawAsync(Visitor owner, HttpContent content, string address = "/credentials/save")
    {
        using (content)
        using (var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = content })
        {
            // As a script asks.
            request.Headers.Add("Accept", "application/json");
            using var answer = await owner.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Answers.Add($"{answer.StatusCode} {answer.Headers} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
            return answer.StatusCode;
        }
    }
}
