using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;

namespace ReSciCredentials.Tests.Harness;

/// <summary>Everything a database holds, as text: the same text means that not one row was changed.</summary>
internal static class StoredRows
{
    public static Task<string> ReadAsync(TestDirectory directory) => ReadAsync(directory.Database);

    public static async Task<string> ReadAsync(string database)
    {
        await using var connection = new SqliteConnection($"Data Source={database};Pooling=False;Default Timeout=30");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        var text = new StringBuilder();
        foreach (var table in await TablesAsync(connection))
        {
            text.AppendLine(table);
            await using var command = connection.CreateCommand();
            command.CommandText = $"SELECT * FROM \"{table}\" ORDER BY 1";
            await using var rows = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            while (await rows.ReadAsync(TestContext.Current.CancellationToken))
            {
                for (var column = 0; column < rows.FieldCount; column++)
                {
                    var value = rows.GetValue(column);
                    text.Append(value is byte[] bytes ? Convert.ToHexString(bytes) : Convert.ToString(value, CultureInfo.InvariantCulture)).Append('|');
                }

                text.AppendLine();
            }
        }

        return text.ToString();
    }

    private static async Task<List<string>> TablesAsync(SqliteConnection connection)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        await using var rows = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var tables = new List<string>();
        while (await rows.ReadAsync(TestContext.Current.CancellationToken))
        {
            tables.Add(rows.GetString(0));
        }

        return tables;
    }
}
