using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

[assembly: HostingStartup(typeof(RotationLoad.Injection))]

namespace ReSciCredentials.Tests.Harness;

/// <summary>
/// Runs inside the program, in its own process, to be killed with it: readers that use a credential without a pause while its key is entered, promoted,
/// rolled back and wiped. Says on standard output what was done, one line a step, and everything that should not be.
/// </summary>
internal sealed class RotationLoad(
    IDbContextFactory<StorageContext> contexts, IServiceProvider services, SecretProtector protector, IConfiguration configuration) : BackgroundService
{
    /// <summary>The setting that names the credential.</summary>
    public const string CredentialSetting = "RotationLoad:Credential";

    /// <summary>The setting that says which version was acknowledged before the kill.</summary>
    public const string VersionSetting = "RotationLoad:Version";

    public const string Step = "STEP ";

    public const string Fault = "FAULT ";

    private const int Readers = 20;

    private readonly Lock _lock = new();
    private readonly List<Reign> _reigns = [];
    private readonly Dictionary<Guid, string> _fingerprints = [];
    private long _reads;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var id = configuration.GetValue<int>(CredentialSetting);
        var person = await OwnerAsync(stoppingToken);
        var keys = await LookAsync(person, id, stoppingToken);
        Remember(keys);
        Begin(keys.Current.Uid);
        var readers = Enumerable.Range(0, Readers).Select(_ => Task.Run(() => ReadAsync(person, id, stoppingToken), stoppingToken)).ToList();
        for (var round = 0; !stoppingToken.IsCancellationRequested; round++)
        {
            keys = await RotateAsync(person, id, keys, round, stoppingToken);
        }

        await Task.WhenAll(readers);
    }

    /// <summary>Everything that must hold at any moment, after a kill above all.</summary>
    private async Task<CredentialKeys> LookAsync(Person person, int id, CancellationToken cancellationToken)
    {
        var keys = await Rotation.FindAsync(person, id, cancellationToken) ?? throw new InvalidOperationException("The credential is gone.");
        if (keys.Version < configuration.GetValue<int>(VersionSetting))
        {
            Say(Fault, $"version {keys.Version} is older than what was acknowledged");
        }

        if (!keys.Current.Opens || keys.Pending is { Key.Opens: false } || keys.Previous is { Key.Opens: false })
        {
            Say(Fault, "a key that is pointed to is gone or does not open");
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var stored = await storage.CredentialKeys.CountAsync(key => key.CredentialId == id, cancellationToken);
        if (stored != 1 + (keys.Pending is null ? 0 : 1) + (keys.Previous is null ? 0 : 1))
        {
            Say(Fault, $"{stored} keys are stored");
        }

        var promotions = await storage.AuditEntries.CountAsync(
            entry => entry.ItemId == id && (entry.Event == "promote_key" || entry.Event == "roll_back_key"), cancellationToken);
        if (promotions != keys.Version - 1)
        {
            Say(Fault, $"version {keys.Version} has {promotions} changes written down");
        }

        return keys;
    }

    /// <summary>One step: enter, promote and keep, roll back, and so on; now and then the old key is wiped, or another is entered while one can be rolled back to.</summary>
    private async Task<CredentialKeys> RotateAsync(Person person, int id, CredentialKeys keys, int round, CancellationToken cancellationToken)
    {
        string step;
        if (keys.Pending is { } pending)
        {
            step = "promote";
            Begin(pending.Key.Uid);
            await Rotation.PromoteAsync(person, id, pending.Key.Uid, round % 5 == 2 ? OldKey.Wipe : OldKey.Keep, cancellationToken);
            End(keys.Current.Uid);
        }
        else if (keys.Previous is { } previous && round % 5 != 0)
        {
            step = "rollback";
            Begin(previous.Key.Uid);
            await Rotation.RollBackAsync(person, id, previous.Key.Uid, cancellationToken);
            End(keys.Current.Uid);
        }
        else
        {
            step = "enter";
            await Rotation.ReplaceAsync(person, id, new NewKey($"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid()), cancellationToken);
        }

        var after = await LookAsync(person, id, cancellationToken);
        Remember(after);
        Say(Step, $"{step} {after.Version} {Interlocked.Exchange(ref _reads, 0)}");
        return after;
    }

    private async Task ReadAsync(Person person, int id, CancellationToken cancellationToken)
    {
        var vault = services.GetRequiredService<CredentialVault>();
        var endpoint = ReSciEndpoints.For(FlowKind.Source)[0];
        while (!cancellationToken.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            try
            {
                var opened = await vault.WithKeyAsync(
                    person,
                    id,
                    AccessRole.Collaborator,
                    (key, row) =>
                    {
                        Judge(row.Uid, protector.FingerprintOf(key), began);
                        return Task.FromResult(true);
                    },
                    cancellationToken);
                if (!opened.ValueOrDefault)
                {
                    Say(Fault, "a reader found no key that opens");
                }

                if ((await vault.FetchSampleAsync(person, id, endpoint, cancellationToken)).ValueOrDefault is not { Sample: not null })
                {
                    Say(Fault, "a reader was not served with the key");
                }

                Interlocked.Increment(ref _reads);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Say(Fault, $"a reader met {exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}");
            }
        }
    }

    // The key that a reader got must be the one its row was made for, and one that was current at some time while it read.
    private void Judge(Guid row, string fingerprint, long began)
    {
        lock (_lock)
        {
            if (_fingerprints.TryGetValue(row, out var expected) && expected != fingerprint)
            {
                Say(Fault, "a reader got the key of another row");
            }

            if (!_reigns.Exists(reign => reign.Key == row && reign.To >= began))
            {
                Say(Fault, "a reader got a key that was not current");
            }
        }
    }

    private void Remember(CredentialKeys keys)
    {
        lock (_lock)
        {
            foreach (var key in new[] { keys.Current, keys.Pending?.Key, keys.Previous?.Key }.OfType<StoredKey>())
            {
                _fingerprints[key.Uid] = key.Fingerprint!;
            }
        }
    }

    // From before the step that makes it current …
    private void Begin(Guid key)
    {
        lock (_lock)
        {
            _reigns.Add(new Reign(key));
        }
    }

    // … until the step that makes another one current was acknowledged.
    private void End(Guid key)
    {
        lock (_lock)
        {
            _reigns.Last(reign => reign.Key == key && reign.To == long.MaxValue).To = Stopwatch.GetTimestamp();
        }
    }

    private async Task<Person> OwnerAsync(CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var account = await storage.Users.SingleAsync(cancellationToken);
        return new Person(account.Id, account.Name, account.Email!, account.Role, Guid.NewGuid(), "127.0.0.1", "rotation");
    }

    private KeyRotation Rotation => services.GetRequiredService<KeyRotation>();

    private static void Say(string what, FormattableString text) => Console.Out.WriteLine(what + text.ToString(CultureInfo.InvariantCulture));

    private static void Say(string what, string text) => Console.Out.WriteLine(what + text);

    /// <summary>Puts the load into the program, when its environment names this assembly.</summary>
    internal sealed class Injection : IHostingStartup
    {
        public void Configure(IWebHostBuilder builder) => builder.ConfigureServices(services => services.AddHostedService<RotationLoad>());
    }

    private sealed class Reign(Guid key)
    {
        public Guid Key { get; } = key;

        public long To { get; set; } = long.MaxValue;
    }
}
