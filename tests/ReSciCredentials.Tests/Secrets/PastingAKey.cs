using System.Text;
using System.Text.Json;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.Secrets;

public sealed class PastingAKey
{
    [Theory]
    [InlineData("abc-123")]
    [InlineData("  abc-123\r\n")]
    [InlineData("\"abc-123\"")]
    [InlineData("' abc-123 '")]
    [InlineData("“abc-123”")]
    [InlineData("ApiKey abc-123")]
    [InlineData("apikey   abc-123")]
    [InlineData("\"ApiKey abc-123\"\n")]
    [InlineData("Authorization: ApiKey abc-123")]
    [InlineData("\uFEFFabc-123\u200B")]
    public void Removes_what_does_not_belong_to_it(string pasted)
    {
        using var key = PastedKey.Clean(pasted, out _);

        Assert.Equal("abc-123", Encoding.ASCII.GetString(key!.Reveal()));
    }

    [Theory]
    [InlineData(null, KeyFault.Missing)]
    [InlineData(" \t\n", KeyFault.Missing)]
    [InlineData("\"\"", KeyFault.Missing)]
    [InlineData("ApiKey ", KeyFault.Missing)]
    [InlineData("abc 123", KeyFault.Spaces)]
    [InlineData("abc\n123", KeyFault.Spaces)]
    [InlineData("abc\u0007123", KeyFault.Characters)]
    [InlineData("schlüssel", KeyFault.Characters)]
    [InlineData("abc🔑", KeyFault.Characters)]
    [InlineData("ApiKey ApiKey abc", KeyFault.Prefix)]
    public void Says_what_is_wrong_with_it(string? pasted, KeyFault expected)
    {
        var key = PastedKey.Clean(pasted, out var fault);

        Assert.Equal((null, expected), (key, fault));
    }

    [Fact]
    public void Takes_4096_characters_and_no_more()
    {
        using var longest = PastedKey.Clean(new string('k', 4096), out _);
        var longer = PastedKey.Clean(new string('k', 4097), out var fault);

        Assert.Equal((4096, null, KeyFault.TooLong), (longest!.Length, longer, fault));
    }
}

public sealed class HoldingASecret
{
    [Fact]
    public void Prints_a_mask_that_does_not_tell_its_length()
    {
        using var brief = new Secret("k");
        using var extended = new Secret(new string('k', 300));

        Assert.Equal(brief.ToString(), $"{extended}");
    }

    [Fact]
    public void Refuses_to_be_written_as_json()
    {
        using var secret = new Secret("abc-123");

        Assert.Throws<JsonException>(() => JsonSerializer.Serialize(new { secret }));
    }

    [Fact]
    public void Reveals_nothing_once_it_is_disposed()
    {
        var secret = new Secret("abc-123");
        secret.Dispose();

        Assert.Throws<ObjectDisposedException>(() => secret.Reveal().Length);
    }

    [Fact]
    public void Does_not_repeat_a_bad_value_in_the_exception()
    {
        var exception = Assert.Throws<ArgumentException>(() => new Secret("planted secret"));

        Assert.DoesNotContain("planted", exception.ToString(), StringComparison.Ordinal);
    }
}
