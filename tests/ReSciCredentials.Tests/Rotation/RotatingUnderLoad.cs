using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Rotation;

/// <summary>Small here; the long run is `dotnet run --project tests/ReSciCredentials.Benchmarks -- rotation`.</summary>
public sealed class RotatingUnderLoad
{
    [Fact]
    public async Task Never_shows_a_reader_an_error_or_a_mix_and_loses_no_current_key_to_a_kill()
    {
        using var directory = new TestDirectory();

        var result = await RotationRound.RunAsync(
            settings => Executable.Start(settings, inside: typeof(RotationLoad).Assembly), directory, promotions: 8, rollBacks: 4, stepsUntilKill: 8);

        Assert.True(result.IsGood, result.ToString());
        Assert.True(result.Reads > 0, result.ToString());
    }
}
