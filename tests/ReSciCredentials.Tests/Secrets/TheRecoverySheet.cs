using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.Secrets;

public sealed class TheRecoverySheet
{
    /// <summary>The bytes 0 to 31.</summary>
    private const string KnownSheet =
        """
        1 00010203-A4
        2 04050607-84
        3 08090A0B-80
        4 0C0D0E0F-B0
        5 10111213-2E
        6 14151617-83
        7 18191A1B-29
        8 1C1D1E1F-FB
        """;

    private readonly RecoveryKey _key = RecoveryKey.Create();

    [Fact]
    public void Gives_the_same_key_when_it_is_typed_in_again()
    {
        var typed = RecoveryKey.Parse(_key.ToFileText());

        Assert.Equal("known text"u8.ToArray(), typed.TryOpen("context", _key.Seal("context", "known text"u8)));
        Assert.Equal(_key.Id, typed.Id);
    }

    [Fact]
    public void May_be_typed_in_lower_case_without_numbers_and_hyphens()
    {
        var typed = string.Join('\n', _key.SheetGroups).Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();

        Assert.Equal(_key.Id, RecoveryKey.Parse(typed).Id);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void Names_the_group_with_a_slip_and_does_not_repeat_it(int index)
    {
        var groups = _key.SheetGroups.ToArray();
        groups[index] = (groups[index][0] == '0' ? '1' : '0') + groups[index][1..];

        // A check byte lets one slip in 256 through: another slip in the same group then stands for it.
        var fault = Record.Exception(() => RecoveryKey.Parse(string.Join('\n', groups)));
        if (fault is null)
        {
            groups[index] = "G" + groups[index][1..];
            fault = Record.Exception(() => RecoveryKey.Parse(string.Join('\n', groups)));
        }

        Assert.Equal($"Group {index + 1} of the recovery key is not right.", Assert.IsType<RecoveryKeyFormatException>(fault).Message);
    }

    [Fact]
    public void Is_refused_with_groups_in_another_order()
    {
        // Known groups, since one random pair in 65536 would pass its check bytes.
        var groups = RecoveryKey.Parse(KnownSheet).SheetGroups.ToArray();
        (groups[2], groups[5]) = (groups[5], groups[2]);

        Assert.Throws<RecoveryKeyFormatException>(() => RecoveryKey.Parse(string.Join('\n', groups)));
    }

    [Fact]
    public void Says_how_many_groups_are_missing() =>
        Assert.Equal(
            "A recovery key has 8 groups, here are 7.",
            Assert.Throws<RecoveryKeyFormatException>(() => RecoveryKey.Parse(string.Join('\n', _key.SheetGroups.Take(7)))).Message);

    [Fact]
    public void Opens_what_it_sealed_for_that_context_alone() =>
        Assert.Null(_key.TryOpen("other", _key.Seal("context", "known text"u8)));

    [Fact]
    public void Does_not_open_what_another_key_sealed() =>
        Assert.Null(_key.TryOpen("context", RecoveryKey.Create().Seal("context", "known text"u8)));
}
