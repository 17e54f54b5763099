using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>Every call that makes something is sent three times at once, the server is killed with signal 9 amid them, and all are sent again to the next one.</summary>
public sealed class SendingACallAgainAfterAKill
{
    [Theory]
    [InlineData(1)]
    [InlineData(9)]
    public async Task Makes_one_of_each(int killAfter)
    {
        using var directory = new TestDirectory();
        string serviceKey;
        int credential, source, sink, sourceToken, sinkToken;
        await using (var server = await TestServer.StartWithOwnerAsync(directory))
        {
            serviceKey = await server.MakeServiceKeyAsync();
            using var program = new SdkProgram(server.Address, serviceKey);
            credential = SdkModels.IdOf(await program.CallAsync(
                "POST", "/data_credentials", new { name = "Original", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } }));
            source = SdkModels.IdOf(await program.CallAsync("POST", "/data_sources", new { name = "Source", data_credentials_id = credential }));
            sink = SdkModels.IdOf(await program.CallAsync("POST", "/data_sinks", new { name = "Sink", data_credentials_id = credential, data_set_id = 1 }));
            sourceToken = SdkModels.IdOf(await program.CallAsync("POST", $"/data_sources/{source}/access_tokens", new { name = "First" }));
            sinkToken = SdkModels.IdOf(await program.CallAsync("POST", $"/data_sinks/{sink}/access_tokens", new { name = "First" }));
        }

        (string Path, object Body)[] calls =
        [
            ("/data_credentials", new { name = "Thrice", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } }),
            ($"/data_credentials/{credential}/copy", new { }),
            ($"/data_credentials/{credential}/pending_key", new { credentials = new { api_key = NexlaServer.NewKey() } }),
            ("/data_sources", new { name = "Thrice", data_credentials_id = credential }),
            ("/data_sources", new { name = "With its own", data_credentials = new { name = "Inline", credentials_type = "resci", credentials = new { api_key = NexlaServer.NewKey() } } }),
            ($"/data_sources/{source}/copy", new { reuse_data_credentials = true }),
            ($"/data_sources/{source}/access_tokens", new { name = "Thrice" }),
            ($"/data_sources/{source}/access_tokens/{sourceToken}/rotate", new { }),
            ("/data_sinks", new { name = "Thrice", data_credentials_id = credential, data_set_id = 1 }),
            ($"/data_sinks/{sink}/copy", new { reuse_data_credentials = true }),
            ($"/data_sinks/{sink}/access_tokens", new { name = "Thrice" }),
            ($"/data_sinks/{sink}/access_tokens/{sinkToken}/rotate", new { }),
        ];
        var before = await CountAsync(directory);
        var made = new ConcurrentBag<(int Call, int Id)>();

        await SendAllAsync(directory, serviceKey, calls, made, killAfter);
        await SendAllAsync(directory, serviceKey, calls, made, killAfter: int.MaxValue);

        Assert.Equal(
            Enumerable.Range(0, calls.Length).Select(call => (calls[call].Path, 1)),
            Enumerable.Range(0, calls.Length).Select(call => (calls[call].Path, made.Where(one => one.Call == call).Distinct().Count())));
        var after = await CountAsync(directory);
        Assert.Equal(
            (3L, 4L, 5L, 4L),
            (after.Credentials - before.Credentials, after.Keys - before.Keys, after.Flows - before.Flows, after.Tokens - before.Tokens));
    }

    /// <summary>Sends every call three times at once, and kills the server when so many were answered; else it is killed when all were.</summary>
    private static async Task SendAllAsync(
        TestDirectory directory, string serviceKey, (string Path, object Body)[] calls, ConcurrentBag<(int Call, int Id)> made, int killAfter)
    {
        using var process = Executable.Start([.. directory.Settings, "--ReSci:Sandbox=true"]);
        try
        {
            using var program = new SdkProgram(await KillRound.AddressAsync(process), serviceKey);
            await program.ObtainTokenAsync();
            var answered = 0;
            var enough = new TaskCompletionSource();
            var running = Enumerable.Range(0, calls.Length * 3).Select(async number =>
            {
                var call = number % calls.Length;
                try
                {
                    var answer = await program.CallAsync("POST", calls[call].Path, calls[call].Body);
                    // What a pending key is called by is in the answer's own place.
                    made.Add((call, answer.TryGetProperty("id", out var id) ? id.GetInt32() : answer.GetProperty("credential_id").GetInt32()));
                    if (Interlocked.Increment(ref answered) >= killAfter)
                    {
                        enough.TrySetResult();
                    }
                }
                catch (Exception exception) when (exception is HttpRequestException or JsonException && killAfter < int.MaxValue)
                {
                    // Killed before it answered: whether this one was made is open.
                }
            }).ToArray();
            await Task.WhenAny(enough.Task, Task.WhenAll(running));
            process.Kill();
            await process.WaitForExitAsync();
            await Task.WhenAll(running);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }
    }

    private static async Task<(long Credentials, long Keys, long Flows, long Tokens)> CountAsync(TestDirectory directory)
    {
        async Task<long> RowsOfAsync(string table) =>
            Convert.ToInt64(await directory.SqlAsync($"SELECT count(*) FROM {table}"), CultureInfo.InvariantCulture);

        return (await RowsOfAsync("credentials"), await RowsOfAsync("credential_keys"), await RowsOfAsync("flows"), await RowsOfAsync("access_tokens"));
    }
}
