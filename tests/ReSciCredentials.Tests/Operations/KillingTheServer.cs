using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Operations;

/// <summary>Small here; the long run is `dotnet run --project tests/ReSciCredentials.Benchmarks -- kills`.</summary>
public sealed class KillingTheServer
{
    [Fact]
    public async Task Loses_no_save_that_was_acknowledged_and_leaves_none_half_made()
    {
        using var directory = new TestDirectory();

        var result = await KillRound.AmidSavesAsync(settings => Executable.Start(settings), directory, saves: 40, killAfter: 10);

        Assert.True(result.IsGood, result.ToString());
        Assert.True(result.Acknowledged >= 10, result.ToString());
    }

    [Theory]
    [InlineData(150)]
    [InlineData(900)]
    public async Task Starts_again_after_a_kill_in_its_very_first_start(int milliseconds)
    {
        using var directory = new TestDirectory();

        var result = await KillRound.AmidTheFirstStartAsync(settings => Executable.Start(settings), directory, TimeSpan.FromMilliseconds(milliseconds));

        Assert.True(result.IsGood, result.ToString());
    }
}
