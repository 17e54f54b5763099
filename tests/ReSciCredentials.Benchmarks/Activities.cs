using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Activity;
using ReSciCredentials.Audit;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// The audit log with a million entries: the median time of each list of the Activity page and the plan of its query, the time and memory of an export
/// and of a look at the whole chain, and what the chain costs a save, beside the same save without it.
/// </summary>
internal static class Activities
{
    private const int Size = 1_000_000;
    private const int PageSize = 50;
    private const int Repeats = 15;
    private const int Saves = 200;
    private const int Member = 2;
    private const int Rare = 3;

    private static readonly DateTimeOffset Begin = new(2025, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly (string Name, ActivityFilter Filter, bool Deep)[] Lists =
    [
        ("newest", new(), false),
        ("half a million back", new(), true),
        ("who: did most", new() { Who = 1 }, false),
        ("who: did little", new() { Who = Rare }, false),
        ("common event", new() { Event = AuditEvents.Probe }, false),
        ("rare event", new() { Event = AuditEvents.ReplaceKey }, false),
        ("rare kind", new() { Kind = AuditItems.Account }, false),
        ("one credential", new() { Kind = AuditItems.Credential, Item = 500 }, false),
        ("one day", new() { From = new(2026, 2, 3), To = new(2026, 2, 3) }, false),
        ("rare event of one day", new() { Event = AuditEvents.ReplaceKey, From = new(2026, 2, 3), To = new(2026, 2, 3) }, false),
        ("who did most, rare event", new() { Who = 1, Event = AuditEvents.ReplaceKey }, false),
        ("who did little, common", new() { Who = Rare, Event = AuditEvents.Probe }, false),
        ("who did most, rare kind", new() { Who = 1, Kind = AuditItems.Account }, false),
        ("rare event, common kind", new() { Event = AuditEvents.ReplaceKey, Kind = AuditItems.Credential }, false),
        ("event and kind: none", new() { Event = AuditEvents.Probe, Kind = AuditItems.Account }, false),
        ("changed field", new() { Event = AuditEvents.Update, Field = "name" }, false),
    ];

    /// <summary>Returns 0; the figures are for a person.</summary>
    public static async Task<int> RunAsync()
    {
        using var directory = new TestDirectory();
        await using var server = await TestServer.StartWithOwnerAsync(directory, null, "--Audit:KeptDays=0", "--Checks:Enabled=false");
        await server.StartSessionAsync();
        var owner = await server.OwnerAsync();
        await MeasureSavesAsync(server, owner, "with few entries");

        await FillAsync(server, directory);
        Console.WriteLine($"{Size:N0} entries, {new FileInfo(directory.Database).Length / 1024 / 1024:N0} MB");
        await ShowPlansAsync(server, owner);
        await MeasureListsAsync(server, owner);
        await MeasureSavesAsync(server, owner, "with a million entries");

        var started = Stopwatch.GetTimestamp();
        var report = await server.Service<AuditVerifier>().VerifyAsync(null, null, CancellationToken.None);
        Console.WriteLine($"verify: {report.Entries:N0} entries in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s, {report.Faults.Count} faults");
        await ExportAsync(server, owner);
        return report.IsWhole ? 0 : 1;
    }

    private static async Task MeasureListsAsync(TestServer server, Person owner)
    {
        var log = server.Service<ActivityLog>();
        var member = owner with { Id = Member, Role = AccountRole.Member };
        var half = new ActivityPosition(Begin + TimeSpan.FromSeconds(15) * (Size / 2), Size / 2);
        Console.WriteLine($"{"median, ms",-28}{"owner",10}{"member",10}");
        foreach (var (name, filter, deep) in Lists)
        {
            var times = new List<double>();
            foreach (var person in new[] { owner, member })
            {
                times.Add(await MedianAsync(Repeats, () => log.ListAsync(person, filter, deep ? half : null, PageSize, CancellationToken.None)));
            }

            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-28}{times[0],10:F2}{times[1],10:F2}"));
        }
    }

    private static async Task ShowPlansAsync(TestServer server, Person owner)
    {
        await using var storage = await server.StorageAsync();
        var parts = storage.AuditEntries.AsNoTracking().PartsVisibleTo(owner)
            .Concat(storage.AuditEntries.AsNoTracking().PartsVisibleTo(owner with { Id = Member, Role = AccountRole.Member }))
            .ToArray();
        foreach (var (name, filter, _) in Lists)
        {
            Console.WriteLine(name);
            foreach (var part in parts)
            {
                var query = filter.Of(part).OrderByDescending(entry => entry.At).ThenByDescending(entry => entry.Id).Take(PageSize + 1);
                await using var command = query.CreateDbCommand();
                command.CommandText = $"EXPLAIN QUERY PLAN {command.CommandText}";
                await storage.Database.OpenConnectionAsync();
                await using var rows = await command.ExecuteReaderAsync();
                while (await rows.ReadAsync())
                {
                    Console.WriteLine($"    {rows.GetString(3)}");
                }
            }
        }
    }

    private static async Task ExportAsync(TestServer server, Person owner)
    {
        var export = server.Service<ActivityExport>();
        foreach (var format in Enum.GetValues<ActivityFormat>())
        {
            GC.Collect();
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var most = before;
            await using var counted = new CountingStream(() => most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false)));
            var started = Stopwatch.GetTimestamp();
            await export.WriteAsync(owner, new ActivityFilter(), format, new ActivityPosition(DateTimeOffset.MaxValue, int.MaxValue), counted, CancellationToken.None);
            Console.WriteLine(
                $"export as {format}: {counted.Length / 1024 / 1024:N0} MB in {Stopwatch.GetElapsedTime(started).TotalSeconds:F1} s, heap at most {(most - before) / 1024 / 1024:N0} MB more");
        }
    }

    // Each save changes a credential and writes one entry. Both kinds in turn, so that whatever else the machine does hits both.
    private static async Task MeasureSavesAsync(TestServer server, Person owner, string when)
    {
        using var elsewhere = new TestDirectory();
        await using var without = await TestServer.StartWithOwnerAsync(elsewhere, null, "--Checks:Enabled=false");
        var plain = new DbContextOptionsBuilder<StorageContext>()
            .UseSqlite($"Data Source={elsewhere.Database}")
            .AddInterceptors(new Pragmas())
            .Options;
        var ids = new List<int>();
        foreach (var target in new[] { server, without })
        {
            await using var storage = await target.StorageAsync();
            var account = await storage.Users.FirstAsync();
            var credential = new Credential { Uid = Guid.NewGuid(), OwnerId = account.Id, Name = "Saved often", OperationId = Guid.NewGuid() };
            storage.Credentials.Add(credential);
            await storage.SaveChangesAsync();
            ids.Add(credential.Id);
        }

        List<double>[] times = [[], []];
        for (var save = 0; save < Saves; save++)
        {
            for (var kind = 0; kind < 2; kind++)
            {
                await using var storage = kind == 0 ? await server.StorageAsync() : new StorageContext(plain);
                var credential = await storage.Credentials.FirstAsync(row => row.Id == ids[kind]);
                credential.Description = string.Create(CultureInfo.InvariantCulture, $"{save}");
                server.Service<AuditLog>().Add(storage, owner, AuditEvents.Update, AuditItems.Credential, credential.Id, "description");
                var started = Stopwatch.GetTimestamp();
                await storage.SaveChangesAsync();
                times[kind].Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }

        times[0].Sort();
        times[1].Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"save {when}: p50 {times[0][Saves / 2]:F2} ms, p95 {times[0][Saves * 95 / 100]:F2} ms; without chain and entries: p50 {times[1][Saves / 2]:F2} ms, p95 {times[1][Saves * 95 / 100]:F2} ms"));
    }

    // Entries as a busy server writes them over half a year, chained as it does: mostly checks by the server, little by one person, a rare event each 2,000.
    private static async Task FillAsync(TestServer server, TestDirectory directory)
    {
        var key = server.Service<ServerSeal>().AuditKey;
        await using var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = """
            INSERT INTO audit_entries (Id, At, Event, ItemType, ItemId, OwnerId, ActorId, ActorName, Address, UserAgent, Path, Fields, Changes, Mac)
            VALUES ($id, $at, $event, $type, $item, $owner, $actor, $name, '192.0.2.77', $agent, '/credentials', $fields, $changes, $mac)
            """;
        await using (var clear = connection.CreateCommand())
        {
            clear.CommandText = "DELETE FROM audit_entries";
            await clear.ExecuteNonQueryAsync();
        }

        string[] columns = ["$id", "$at", "$event", "$type", "$item", "$owner", "$actor", "$name", "$agent", "$fields", "$changes", "$mac"];
        var parameters = columns.Select(name => command.Parameters.AddWithValue(name, DBNull.Value)).ToArray();
        var mac = AuditMac.None;
        for (var id = 1; id <= Size; id++)
        {
            var (verb, type) = (id % 2000, id % 10) switch
            {
                (0, _) => (AuditEvents.ReplaceKey, AuditItems.Credential),
                (1, _) => (AuditEvents.SignIn, AuditItems.Account),
                (_, 7) => (AuditEvents.Update, AuditItems.Source),
                _ => (AuditEvents.Probe, AuditItems.Credential),
            };
            var entry = new AuditEntry
            {
                Id = id,
                At = Begin + TimeSpan.FromSeconds(15) * id,
                Event = verb,
                ItemType = type,
                ItemId = id % 1000,
                OwnerId = id % 1000 == 500 ? Member : 1,
                ActorId = id % 5000 == 0 ? Rare : id % 3 == 0 ? null : 1,
                ActorName = "olga@example.com",
                Address = "192.0.2.77",
                UserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
                Path = "/credentials",
                Fields = verb == AuditEvents.Update ? "name" : "Accepted",
                Changes = verb == AuditEvents.Update ? """{"name":["Nightly orders","Nightly orders of the shop"]}""" : "",
            };
            mac = AuditMac.Of(key, mac, id, entry);
            object?[] values =
            [
                id, entry.At.UtcTicks, entry.Event, entry.ItemType, entry.ItemId, entry.OwnerId, entry.ActorId, entry.ActorName, entry.UserAgent, entry.Fields, entry.Changes, mac,
            ];
            for (var i = 0; i < values.Length; i++)
            {
                parameters[i].Value = values[i] ?? DBNull.Value;
            }

            await command.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
        await using var storage = await server.StorageAsync();
        var head = await storage.AuditMarks.SingleAsync(mark => mark.Name == AuditMark.Head);
        AuditMac.Move(key, head, Size, mac);
        await storage.SaveChangesAsync();
    }

    private static async Task<double> MedianAsync(int repeats, Func<Task> run)
    {
        var times = new List<double>();
        for (var repeat = 0; repeat < repeats; repeat++)
        {
            var started = Stopwatch.GetTimestamp();
            await run();
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        times.Sort();
        return times[repeats / 2];
    }

    /// <summary>Takes everything, keeps nothing, and looks around at every write.</summary>
    private sealed class CountingStream(Action written) : Stream
    {
        private long _length;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position
        {
            get => _length;
            set => throw new NotSupportedException();
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count)
        {
            _length += count;
            written();
        }
    }
}
