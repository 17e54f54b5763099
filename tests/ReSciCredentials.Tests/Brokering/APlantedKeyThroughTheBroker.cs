using System.Globalization;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>A key and a token that can be recognised go through the broker in every way that can go wrong, and all that it keeps, says, logs and measures is looked through.</summary>
public sealed class APlantedKeyThroughTheBroker(WhatIsDoneThroughTheBroker done) : IClassFixture<WhatIsDoneThroughTheBroker>
{
    [Fact]
    public void Reaches_ReSci() => Assert.Contains(done.Host.Upstream.Arrived, request => request.Headers["Authorization"] == $"ApiKey {done.Key.Text}");

    [Fact]
    public void Is_in_no_answer_activity_or_measurement()
    {
        Assert.Contains(done.Seen, text => text.StartsWith("broker.errors", StringComparison.Ordinal));
        Assert.DoesNotContain(done.Seen, text => done.Key.IsIn(text));
        Assert.DoesNotContain(done.Seen, done.HoldsToken);
        Assert.DoesNotContain(done.Host.Upstream.Arrived, request => request.Headers.Values.Append(request.Target).Any(done.HoldsToken));
    }

    [Fact]
    public void Is_in_no_log_record_at_the_level_Trace_and_neither_is_the_query()
    {
        var records = done.Host.Server.Logs.GetSnapshot().Select(record => string.Create(
            CultureInfo.InvariantCulture, $"{record.Message} {record.Exception} {string.Join(' ', record.StructuredState ?? [])} {string.Join(' ', record.Scopes)}")).ToArray();

        Assert.NotEmpty(records);
        Assert.DoesNotContain(records, record => done.Key.IsIn(record) || done.HoldsToken(record) || record.Contains("secret%20of", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Is_in_no_file()
    {
        var token = System.Text.Encoding.ASCII.GetBytes(done.Host.ReadToken);
        var files = await done.Host.Server.Directory.ReadFilesAsync();

        Assert.DoesNotContain(files, file => done.Key.IsIn(file.Value) || file.Value.AsSpan().IndexOf(token) >= 0);
    }
}
