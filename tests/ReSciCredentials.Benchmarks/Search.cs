using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Secrets;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Benchmarks;

/// <summary>
/// The Credentials screen with 100, 10,000 and 100,000 credentials: the median time of each page, search and filter side by side, the smallest size
/// being the baseline, for their owner and for somebody with whom all of them are shared; and how SQLite finds the pages of the largest.
/// </summary>
internal static partial class Search
{
    private const int PageSize = 50;
    private const int Repeats = 21;

    private static readonly int[] Sizes = [100, 10_000, 100_000];

    private static readonly (string Name, string Text, CredentialOrder Order, bool Deep)[] Lists =
    [
        ("first page", "", CredentialOrder.Newest, false),
        ("deep page", "", CredentialOrder.Newest, true),
        ("by name", "", CredentialOrder.Name, false),
        ("by name, deep", "", CredentialOrder.Name, true),
        ("by check", "", CredentialOrder.Checked, false),
        ("by check, deep", "", CredentialOrder.Checked, true),
        ("rare word", "zebra", CredentialOrder.Newest, false),
        ("common word", "warehouse", CredentialOrder.Newest, false),
        ("common word, by name", "warehouse", CredentialOrder.Name, false),
        ("one letter", "w", CredentialOrder.Newest, false),
        ("name:", "name:account", CredentialOrder.Newest, false),
        ("no match", "nowhere", CredentialOrder.Newest, false),
        ("status:failed", "status:failed", CredentialOrder.Newest, false),
        ("status:failed, by name", "status:failed", CredentialOrder.Name, false),
        ("status:verified", "status:verified", CredentialOrder.Newest, false),
        ("status:verified, by check", "status:verified", CredentialOrder.Checked, false),
        ("status:unverified", "status:unverified", CredentialOrder.Newest, false),
        ("used:no", "used:no", CredentialOrder.Newest, false),
        ("used:yes", "used:yes", CredentialOrder.Newest, false),
        ("expires:soon", "expires:soon", CredentialOrder.Newest, false),
        ("key:same", "key:same", CredentialOrder.Newest, false),
        ("key: fingerprint", "key:0000", CredentialOrder.Newest, false),
        ("failed and a word", "warehouse status:failed", CredentialOrder.Newest, false),
        ("owner:me", "owner:me", CredentialOrder.Newest, false),
        ("owner:others", "owner:others", CredentialOrder.Newest, false),
        ("owner:others, by name", "owner:others", CredentialOrder.Name, false),
        ("owner:olga", "owner:olga", CredentialOrder.Newest, false),
    ];

    /// <summary>Returns 0; the figures are for a person.</summary>
    public static async Task<int> RunAsync()
    {
        var (owned, shared) = (new List<double[]>(), new List<double[]>());
        var plans = new StringBuilder();
        foreach (var size in Sizes)
        {
            using var directory = new TestDirectory();
            await using var server = await TestServer.StartAsync(directory, settings: "--Logging:LogLevel:Microsoft.EntityFrameworkCore.Database.Command=Information");
            await server.CreateOwnerAsync();
            (await server.SignInAsync()).Dispose();
            var owner = await server.OwnerAsync();
            var (guest, _) = await server.AddPersonAsync("Grace Guest");
            await FillAsync(server, directory, owner, guest, size);
            owned.Add(await MeasureAsync(server, owner, size));
            shared.Add(await MeasureAsync(server, guest, size));
            if (size == Sizes[^1])
            {
                await ExplainAsync(server, directory, owner, size, plans.AppendLine("Their owner"));
                await ExplainAsync(server, directory, guest, size, plans.AppendLine("Shared with"));
            }
        }

        Print("their owner, median, ms", owned);
        Print("shared with, median, ms", shared);
        Console.WriteLine(plans);
        return 0;
    }

    private static void Print(string title, List<double[]> columns)
    {
        Console.WriteLine($"{title,-26}{string.Concat(Sizes.Select(size => string.Create(CultureInfo.InvariantCulture, $"{size,12:N0}")))}");
        for (var i = 0; i < Lists.Length; i++)
        {
            Console.WriteLine($"{Lists[i].Name,-26}{string.Concat(columns.Select(column => string.Create(CultureInfo.InvariantCulture, $"{column[i],12:F2}")))}");
        }

        Console.WriteLine();
    }

    private static async Task<double[]> MeasureAsync(TestServer server, Person person, int size)
    {
        var medians = new double[Lists.Length];
        for (var i = 0; i < Lists.Length; i++)
        {
            var times = new List<double>();
            for (var repeat = 0; repeat < Repeats; repeat++)
            {
                var started = Stopwatch.GetTimestamp();
                await ListAsync(server, person, i, size);
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }

            times.Sort();
            medians[i] = times[Repeats / 2];
        }

        return medians;
    }

    private static Task<CredentialListing> ListAsync(TestServer server, Person person, int list, int size)
    {
        var (_, text, order, deep) = Lists[list];
        var position = deep ? new CredentialPosition(size / 2, Backwards: false) : null;
        return server.Service<CredentialSearch>().ListAsync(person, CredentialFilter.Parse(text), order, position, PageSize, CancellationToken.None);
    }

    /// <summary>The plan of the query that reads the rows of the page.</summary>
    private static async Task ExplainAsync(TestServer server, TestDirectory directory, Person person, int size, StringBuilder plans)
    {
        await using var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        await connection.OpenAsync();
        for (var i = 0; i < Lists.Length; i++)
        {
            server.Logs.Clear();
            await ListAsync(server, person, i, size);
            var sql = server.Logs.GetSnapshot()
                .Select(entry => entry.GetStructuredStateValue("commandText"))
                .First(text => text?.Contains("\"flows\"", StringComparison.Ordinal) == true)!;
            await using var command = connection.CreateCommand();
            // What it was run with does not change the plan, only that there is something.
            command.CommandText = $"EXPLAIN QUERY PLAN {sql}";
            foreach (var parameter in ParameterPattern().Matches(sql).Select(match => match.Value).Distinct())
            {
                command.Parameters.AddWithValue(parameter, 1);
            }

            plans.AppendLine(CultureInfo.InvariantCulture, $"  {Lists[i].Name}");
            await using var rows = await command.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                plans.AppendLine(CultureInfo.InvariantCulture, $"    {rows.GetString(3)}");
            }
        }
    }

    [GeneratedRegex(@"@\w+")]
    private static partial Regex ParameterPattern();

    // One real credential, then its like: 1 % refused, one in ten unused, three with the same key, one rare word.
    private static async Task FillAsync(TestServer server, TestDirectory directory, Person owner, Person guest, int size)
    {
        var protector = server.Service<SecretProtector>();
        await using var connection = new SqliteConnection($"Data Source={directory.Database};Pooling=False");
        await connection.OpenAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var credential = connection.CreateCommand();
        credential.CommandText = """
            INSERT INTO credentials (Id, Uid, OwnerId, Name, Description, CurrentKeyUid, Version, VerifiedStatus, CheckedAt, CreatedAt, UpdatedAt, OperationId,
                Revision, NextCheckAt, ChecksWithoutVerdict, ExpiresOn)
            VALUES ($id, $uid, $owner, $name, $description, $key, 1, $status, $checked, 0, 0, $uid, 1, 0, 0, $expires);
            INSERT INTO credential_keys (Uid, CredentialId, Ciphertext, Fingerprint, LastFour, SetAt) VALUES ($key, $id, $ciphertext, $fingerprint, $last, 0);
            """;
        await using var flow = connection.CreateCommand();
        flow.CommandText = """
            INSERT INTO flows (Kind, OwnerId, Name, Endpoint, CredentialId, Status, CreatedAt, UpdatedAt, OperationId, Revision)
            VALUES ('Source', $owner, 'Source', 'list_import_jobs', $id, 'Active', 0, 0, $uid, 1);
            """;
#pragma warning disable CA5394 // The same rows every time.
        var random = new Random(1);
        for (var id = 1; id <= size; id++)
        {
            var (uid, keyUid) = (Guid.NewGuid(), Guid.NewGuid());
            using var key = new Secret(System.Text.Encoding.ASCII.GetBytes($"sandbox-accepted-{id:D12}"));
            credential.Parameters.Clear();
            foreach (var (name, value) in new (string, object)[]
            {
                ("$id", id), ("$uid", uid.ToString().ToUpperInvariant()), ("$owner", owner.Id),
                ("$name", $"{(id == size / 2 ? "Zebra" : random.Next(2) == 0 ? "Production" : "Staging")} account {random.Next(size)}"),
                ("$description", "Customer data for the warehouse, refreshed every night."),
                ("$key", keyUid.ToString().ToUpperInvariant()),
                ("$status", random.Next(100) == 0 ? "Failed" : "Verified"),
                ("$checked", random.NextInt64(DateTime.UtcNow.Ticks)),
                ("$expires", random.Next(1000) == 0 ? DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) : DBNull.Value),
                ("$ciphertext", await protector.ProtectAsync(key, uid, keyUid, CancellationToken.None)),
                ("$fingerprint", id <= 3 ? "00000000" : string.Create(CultureInfo.InvariantCulture, $"{id + 0x10000000:x8}")),
                ("$last", string.Create(CultureInfo.InvariantCulture, $"{id % 10000:D4}")),
            })
            {
                credential.Parameters.AddWithValue(name, value);
            }

            await credential.ExecuteNonQueryAsync();
            if (random.Next(10) != 0)
            {
                flow.Parameters.Clear();
                flow.Parameters.AddWithValue("$owner", owner.Id);
                flow.Parameters.AddWithValue("$id", id);
                flow.Parameters.AddWithValue("$uid", uid.ToString().ToUpperInvariant());
                await flow.ExecuteNonQueryAsync();
            }
        }

#pragma warning restore CA5394
        await using var accessors = connection.CreateCommand();
        accessors.CommandText = "INSERT INTO accessors (CredentialId, AccountId, Role, CreatedAt, UpdatedAt) SELECT Id, $guest, 1, 0, 0 FROM credentials";
        accessors.Parameters.AddWithValue("$guest", guest.Id);
        await accessors.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
    }
}
