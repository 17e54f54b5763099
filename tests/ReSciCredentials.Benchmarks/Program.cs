namespace ReSciCredentials.Benchmarks;

/// <summary>Long runs and measurements, each beside a baseline in the same run. Without a name it lists them.</summary>
internal static class Program
{
    private static readonly Dictionary<string, (string What, Func<Task<int>> Run)> Scripts = new(StringComparer.Ordinal)
    {
        ["search"] = ("the Credentials screen with 100, 10,000 and 100,000 credentials", Search.RunAsync),
        ["api"] = ("the REST API with 10,000 credentials: list, get and create beside a bare endpoint, and what they allocate", ApiSpeed.RunAsync),
        ["activity"] = ("the audit log with 1,000,000 entries: lists, plans, export, verify, and what the chain costs a save", Activities.RunAsync),
        ["visit"] = ("the first visit of a published build, its start and its memory, beside a bare file and with ReadyToRun", Visit.RunAsync),
        ["faults"] = ("a full disk, failing calls and a jumping clock under a running server", Faults.RunAsync),
        ["kills"] = ("kill -9 amid 200 saves, 20 times, and 20 times in the very first start", Kills.RunAsync),
        ["rotation"] = ("a key promoted 200 times and rolled back 200 times amid 20 readers and kill -9", Rotations.RunAsync),
        ["backups"] = ("50 backups amid 20 writers, each restored; a drill of 100,000 credentials", Safekeeping.BackUpAsync),
        ["reencryption"] = ("100,000 credentials encrypted anew while others read", Safekeeping.ReencryptAsync),
        ["safekeeping-kills"] = ("kill -9 at 50 moments each in re-encryption, a change of the recovery key, a restore and a migration", Safekeeping.KillAsync),
        ["broker"] = ("the broker's speed beside a bare YARP forwarder, nginx and haproxy, by wrk; and an upload of 1 GB", BrokerSpeed.RunAsync),
        ["broker-faults"] = ("10,000 calls through the broker that go wrong, what they leave behind, and an upload of 2 GB", BrokerFaults.RunAsync),
    };

    private static async Task<int> Main(string[] args)
    {
        if (args is [var name] && Scripts.TryGetValue(name, out var script))
        {
            return await script.Run();
        }

        // Roles that scripts start this program in.
        switch (args)
        {
            case [Proxies.Bare, var address, var upstream]:
                await BareForwarder.RunAsync(address, upstream);
                return 0;
            case [Proxies.Sink, var address]:
                await BrokerSpeed.SinkAsync(address);
                return 0;
            case [BrokerFaults.Upstream, var address]:
                await BrokerFaults.UpstreamAsync(address);
                return 0;
        }

        foreach (var (known, (what, _)) in Scripts)
        {
            Console.WriteLine($"{known,-20} {what}");
        }

        return args.Length == 0 ? 0 : 2;
    }
}
