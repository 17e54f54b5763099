using System.Text;
using ReSciCredentials.Credentials;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.Importing;

public sealed class ReadingAFile
{
    [Theory]
    [InlineData("Shop,For orders,k-1")]
    [InlineData("Shop;For orders;k-1")]
    [InlineData("Shop\tFor orders\tk-1\r\n")]
    [InlineData("sep=;\r\nShop;For orders;k-1")]
    [InlineData("\"Shop\",\"For orders\",\"k-1\"\n")]
    [InlineData("\uFEFFname,description,key\nShop,For orders,k-1")]
    [InlineData("API key;Credential Name;Owner;Credential Description\r\nk-1;Shop;Ann;For orders\r\n")]
    [InlineData("\n  \nShop,For orders,k-1\n\n")]
    public async Task Finds_name_description_and_key(string text)
    {
        var row = Assert.Single(await ReadAsync(text));

        Assert.Equal(("Shop", "For orders", "k-1", null), (row.Name, row.Description, row.Key, row.Fault));
    }

    [Fact]
    public async Task Keeps_separators_line_breaks_and_doubled_quotes_inside_quotes()
    {
        var rows = await ReadAsync("\"Shop, \"\"EU\"\"\",\"Two\r\nlines; here\",k-1\r\nNext,,k-2");

        Assert.Equal(("Shop, \"EU\"", "Two\r\nlines; here", 1), (rows[0].Name, rows[0].Description, rows[0].Line));
        Assert.Equal(("Next", "", "k-2", 3), (rows[1].Name, rows[1].Description, rows[1].Key, rows[1].Line));
    }

    [Theory]
    [InlineData("Shop,key", "The row has 2 of 3 columns")]
    [InlineData("Shop \"EU\",,k-1", "There is a quote amid a value")]
    [InlineData("\"Shop\" EU,,k-1", "There is a quote amid a value")]
    [InlineData("\"Shop,,k-1", "A quote is opened in this row and never closed")]
    public async Task Tells_a_fault_of_a_row_and_reads_the_others(string faulty, string told)
    {
        var rows = await ReadAsync($"First,,k-0\n{faulty}\nLast,,k-9\n");

        Assert.StartsWith(told, rows[1].Fault, StringComparison.Ordinal);
        Assert.Equal((2, "First", "Last", 3), (rows[1].Line, rows[0].Name, rows[^1].Name, rows[^1].Line));
    }

    [Fact]
    public async Task Tells_that_a_row_is_too_long()
    {
        var rows = await ReadAsync($"First,,k-0\nLong,{new string('x', CsvReader.LongestRow)},k-1\nLast,,k-9\n");

        Assert.StartsWith("The row is longer", rows[1].Fault, StringComparison.Ordinal);
        Assert.Equal("Last", rows[2].Name);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    [InlineData("utf-16BE")]
    public async Task Understands_the_encodings_of_spreadsheets(string encoding)
    {
        var coding = Encoding.GetEncoding(encoding);
        var rows = await ReadAsync([.. coding.GetPreamble(), .. coding.GetBytes("Entrepôt,,k-1")]);

        Assert.Equal("Entrepôt", Assert.Single(rows).Name);
    }

    [Fact]
    public async Task Tells_a_row_whose_letters_cannot_be_read()
    {
        var rows = await ReadAsync([.. Encoding.Latin1.GetBytes("Entrepôt,,k-1\nShop,,k-2")]);

        Assert.Contains("CSV UTF-8", rows[0].Fault, StringComparison.Ordinal);
        Assert.Equal("Shop", rows[1].Name);
    }

    [Theory]
    [InlineData("""{"api_key":"k-1","site_id":42,"import_type":"singer_import_config"}""", "target-resci, site 42", "From target-resci’s config.json; its import type is singer_import_config.")]
    [InlineData("\uFEFF\n {\"api_key\": \"k-1\"}", "target-resci", "From target-resci’s config.json.")]
    public async Task Takes_the_key_of_a_config_json(string text, string name, string description)
    {
        var row = Assert.Single(await ReadAsync(text));

        Assert.Equal((name, description, "k-1", null), (row.Name, row.Description, row.Key, row.Fault));
    }

    [Theory]
    [InlineData("""{"api_kee":"k-1"}""", 1, "there is no “api_key” in it")]
    [InlineData("""{"api_key":{"a":1}}""", 1, "there is no “api_key” in it")]
    [InlineData("""["k-1"]""", 1, "there is no “api_key” in it")]
    [InlineData("{\n\"api_key\": \"k-1\"\n\"site_id\": 1}", 3, "not well-formed")]
    [InlineData("{\"api_key\": \"\\ud800\"}", 1, "not well-formed")]
    public async Task Tells_what_is_wrong_with_a_config_json_without_repeating_it(string text, int line, string told)
    {
        var row = Assert.Single(await ReadAsync(text));

        Assert.Equal(line, row.Line);
        Assert.Contains(told, row.Fault, StringComparison.Ordinal);
        Assert.DoesNotContain("k-1", row.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "The file is empty.")]
    [InlineData(" \r\n\n", "The file is empty.")]
    [InlineData("name,description\nShop,x", "The first line names the columns")]
    public async Task Tells_what_is_wrong_with_the_whole_file(string text, string told)
    {
        using var file = await OpenAsync(Encoding.UTF8.GetBytes(text));

        Assert.StartsWith(told, file!.FindFault(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Takes_no_more_rows_and_bytes_than_it_says()
    {
        using var most = await OpenAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("n,d,k\n", CredentialFile.MostRows))));
        using var tooMany = await OpenAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("n,d,k\n", CredentialFile.MostRows + 1))));
        using var tooLarge = await OpenAsync(new byte[CredentialFile.MostBytes + 1]);

        Assert.Null(most!.FindFault());
        Assert.StartsWith("There are more than 1,000 rows", tooMany!.FindFault(), StringComparison.Ordinal);
        Assert.Null(tooLarge);
    }

    private static Task<List<FileRow>> ReadAsync(string text) => ReadAsync(Encoding.UTF8.GetBytes(text));

    private static async Task<List<FileRow>> ReadAsync(byte[] bytes)
    {
        using var file = await OpenAsync(bytes);
        return [.. file!.ReadRows()];
    }

    private static async Task<CredentialFile?> OpenAsync(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        return await CredentialFile.ReadAsync(stream, TestContext.Current.CancellationToken);
    }
}

public sealed class TellingAKeyFromWords
{
    [Theory]
    [InlineData("4f0c1b7a9e2d4c6f8a0b1c2d3e4f5a6b")]
    [InlineData("550e8400-e29b-41d4-a716-446655440000")]
    [InlineData("Shop wJalrXUtnFEMI7K7MDENGbPxRfiCY2")]
    [InlineData("ApiKey aB3dE5fG7hJ9kL1mN3pQ")]
    public void Knows_random_letters_and_digits(string text) => Assert.True(KeyLikeText.IsIn(text));

    [Theory]
    [InlineData(null)]
    [InlineData("EU warehouse sync, refreshed every night at 02:00 UTC")]
    [InlineData("status:unverified expires:soon key:1c77ab02")]
    [InlineData("CustomerOrdersNightlyExport")]
    [InlineData("Production2024Q3WarehouseExport")]
    [InlineData("orders-2024-11-24-nightly-export")]
    [InlineData("Donaudampfschifffahrtsgesellschaft")]
    [InlineData("https://wiki.example.com/x/4f0c1b7a9e2d4c6f8a0b1c2d3e4f5a6b")]
    [InlineData("ann.example1b7a9e2d4c6f8a0b@keys.example.com")]
    [InlineData("+49 30 1234567890123456789012")]
    public void Leaves_what_people_write(string? text) => Assert.False(KeyLikeText.IsIn(text));
}
