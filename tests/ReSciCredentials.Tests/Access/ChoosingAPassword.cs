using ReSciCredentials.Access;

namespace ReSciCredentials.Tests.Access;

public sealed class ChoosingAPassword
{
    [Theory]
    [InlineData("seven quiet lanterns over Riga")]
    [InlineData("xK9#mQ2$vL5&wZ8")]
    [InlineData("семь тихих фонарей над Ригой")]
    [InlineData("🏮🦜🌊🎻🧭🥨🪁🦉🍋🧩🚲🎈🌵🔭🧵")]
    public void May_be_anything_that_is_long_and_not_guessable(string password) => Assert.Null(PasswordRules.FaultOf(password));

    [Theory]
    [InlineData("", "Enter a password")]
    [InlineData("xK9#mQ2$vL5&wZ", "has 14 characters")]
    [InlineData("🏮🦜🌊🎻🧭🥨🪁🦉🍋🧩🚲🎈🌵🔭", "has 14 characters")]
    [InlineData("passwordpassword", "easy to guess")]
    [InlineData("123456789012345", "easy to guess")]
    [InlineData("aaaaaaaaaaaaaaaaaaaa", "easy to guess")]
    [InlineData("qwertyuiopasdfghjkl", "easy to guess")]
    [InlineData("olive@example.com", "easy to guess")]
    [InlineData("ReSciCredentials1", "easy to guess")]
    public void Is_told_why_it_is_refused(string password, string reason) =>
        Assert.Contains(reason, PasswordRules.FaultOf(password, "olive@example.com", "Olive Owner"), StringComparison.Ordinal);

    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void May_have_up_to_128_characters(int length, bool accepted)
    {
        var password = string.Concat(Enumerable.Range(0, 64).Select(i => (char)('!' + (i * 37 % 90)))).PadRight(length, '~');

        Assert.Equal(accepted, PasswordRules.FaultOf(password) is null);
    }

    [Fact]
    public async Task Is_the_same_on_keyboards_that_compose_letters_differently()
    {
        using var passwords = new Passwords(Microsoft.Extensions.Options.Options.Create(
            new Microsoft.AspNetCore.Identity.PasswordHasherOptions { IterationCount = 1 }));
        using var turn = await passwords.TryTakeTurnAsync(CancellationToken.None);

        Assert.Equal(PasswordVerdict.Right, turn!.Verify(turn.Hash("caf\u00e9"), "cafe\u0301"));
    }
}
