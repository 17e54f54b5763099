using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Testing;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Secrets;

/// <summary>Keys that can be recognised go through everything that can be done with one, and all that the server keeps, says and logs is looked through.</summary>
public sealed class APlantedKeyOnTheServer(WhatIsDoneWithPlantedKeys done) : IClassFixture<WhatIsDoneWithPlantedKeys>
{
    [Fact]
    public void Is_in_no_answer() => Assert.DoesNotContain(done.Answers, answer => done.Keys.Any(key => key.IsIn(answer)));

    [Fact]
    public void Is_in_no_log_record_at_the_level_Trace()
    {
        var records = done.Server.Logs.GetSnapshot();

        Assert.NotEmpty(records);
        Assert.DoesNotContain(records, record => done.Keys.Any(key => key.IsIn(Written(record))));
    }

    [Fact]
    public async Task Is_in_no_file_of_the_server_while_it_runs()
    {
        var files = await done.Directory.ReadFilesAsync();

        Assert.Contains(done.Directory.Database, files);
        Assert.DoesNotContain(files, file => done.Keys.Any(key => key.IsIn(file.Value)));
    }

    /// <summary>The key that opens everything else is in its own file and nowhere else.</summary>
    [Fact]
    public async Task Nor_is_the_recovery_key_in_anything_but_its_file()
    {
        var traces = done.Server.Service<ReSciCredentials.Secrets.ServerSeal>().RecoveryKey.Traces();
        var files = await done.Directory.ReadFilesAsync();

        Assert.Equal([done.Directory.KeyFile], files.Where(file => traces.AreIn(file.Value)).Select(file => file.Key));
        Assert.DoesNotContain(done.Answers, answer => traces.AreIn(Encoding.UTF8.GetBytes(answer)));
        Assert.DoesNotContain(done.Server.Logs.GetSnapshot(), record => traces.AreIn(Encoding.UTF8.GetBytes(Written(record))));
    }

    /// <summary>Parts of a multipart form go to a temporary file, in clear, from 64 KB on; so such a form is not even read.</summary>
    [Fact]
    public void Is_not_read_from_a_form_that_would_be_spooled_to_disk() =>
        Assert.Equal(Enumerable.Repeat(HttpStatusCode.UnsupportedMediaType, 2 * done.Keys.Length), done.MultipartAnswers);

    /// <summary>Of the keys that are refused it is told outside.</summary>
    [Fact]
    public async Task Is_in_no_webhook_and_in_no_e_mail()
    {
        const int Refused = 3;
        await Until.TrueAsync(() => Task.FromResult(done.Receiver.Received.Count >= Refused && done.Mail.Received.Count >= Refused), TimeSpan.FromMinutes(1));

        Assert.DoesNotContain(done.Receiver.Received, got => done.Keys.Any(key => key.IsIn(got.Body) || key.IsIn(string.Join('|', got.Headers))));
        Assert.DoesNotContain(done.Mail.Received, message => done.Keys.Any(key => key.IsIn(message.ToString()) || key.IsIn(message.TextBody ?? "")));
    }

    [Fact]
    public void Reaches_ReSci_all_the_same() =>
        Assert.Contains(done.Server.ReSci.Received, request => request.Authorization == $"ApiKey {done.Keys[0].Text}");

    private static string Written(FakeLogRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}");
}
