using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.ReSci;

/// <summary>The real client with the real registrations, pointed at a stand-in by settings.</summary>
internal sealed class Asking : IAsyncDisposable
{
    /// <summary>For an answer that never comes: the shortest limit there is. Every other answer has time, however slow the machine.</summary>
    public static readonly (string Setting, string Value) Impatient = ("ReSci:Timeout", "00:00:01");

    private readonly ServiceProvider _services;

    private Asking(Dictionary<string, string?> settings)
    {
        settings.TryAdd("ReSci:AllowInsecureLoopback", "true");
        settings.TryAdd("ReSci:Timeout", "00:00:30");
        _services = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddFakeLogging())
            .AddReSci(new ConfigurationBuilder().AddInMemoryCollection(settings).Build())
            .BuildServiceProvider();
    }

    public ReSciClient Client => _services.GetRequiredService<ReSciClient>();

    public IReadOnlyList<FakeLogRecord> Log => _services.GetFakeLogCollector().GetSnapshot();

    public static Asking At(Uri address, params (string Setting, string Value)[] settings) =>
        new(settings
            .Append(("ReSci:BaseAddress", address.ToString()))
            .ToDictionary(pair => pair.Item1, pair => (string?)pair.Item2, StringComparer.Ordinal));

    public static Asking At(OddServer server, params (string Setting, string Value)[] settings) =>
        At(new Uri($"http://127.0.0.1:{server.Port}"), settings);

    /// <summary>The settings of somebody who expects this.</summary>
    public static (string Setting, string Value)[] Expecting(VerdictStep step) => step is VerdictStep.Timeout ? [Impatient] : [];

    public Task<Verdict> ProbeAsync(string key = "sandbox-accepted-1234567890") =>
        ProbeAsync(key, TestContext.Current.CancellationToken);

    public async Task<Verdict> ProbeAsync(string key, CancellationToken caller)
    {
        using var secret = new Secret(key);
        return await Client.ProbeAsync(secret, caller);
    }

    public async Task<SampleResult> FetchSampleAsync(string key = "sandbox-accepted-1234567890", string endpoint = "list_import_jobs")
    {
        using var secret = new Secret(key);
        return await Client.FetchSampleAsync(secret, ReSciEndpoints.Find(endpoint)!, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();
}
