using Bunit;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Components;

public sealed class ATileOfACredential : BunitContext
{
    private static readonly DateTimeOffset Now = new(2026, 3, 4, 12, 0, 0, TimeSpan.Zero);

    private static readonly CredentialTileView Accepted = new()
    {
        Id = 7,
        Name = "ReSci – production",
        VerifiedStatus = VerifiedStatus.Verified,
        CheckedAt = Now.AddMinutes(-3),
        OwnerName = "Grace",
        Role = AccessRole.Operator,
        LastFour = "9b7e",
        UsedBySources = 1,
        UsedByDestinations = 2,
    };

    private static readonly CredentialTileView Refused =
        Accepted with { VerifiedStatus = VerifiedStatus.Failed, LastCheck = "ReSci refused this key. Replace it." };

    public ATileOfACredential() => JSInterop.Mode = JSRuntimeMode.Loose;

    [Fact]
    public void Tells_what_one_needs_to_choose()
    {
        var tile = Show(Accepted);

        Assert.Equal("Grace", tile.Find("footer bdi").TextContent);
        Assert.Equal("9b7e", tile.Find("footer code").TextContent);
        Assert.Contains("Used by 1 source and 2 destinations", tile.Find("footer").TextContent, StringComparison.Ordinal);
        Assert.Equal("3 minutes ago", tile.Find("time").TextContent);
    }

    [Fact]
    public void Is_one_radio_input_that_its_name_labels()
    {
        var tile = Show(Accepted);

        Assert.Equal("credential-7", tile.Find("label").GetAttribute("for"));
        Assert.Equal("7", tile.Find("input[type=radio][name=credential]#credential-7").GetAttribute("value"));
    }

    [Fact]
    public void Says_that_it_was_selected()
    {
        var selected = 0;
        var tile = Render<CredentialTile>(of => of.Add(t => t.Credential, Accepted).Add(t => t.Now, Now).Add(t => t.OnSelect, id => selected = id));

        tile.Find("input").Change("7");

        Assert.Equal(7, selected);
    }

    [Fact]
    public void Shows_a_name_as_text_whatever_is_in_it()
    {
        var tile = Show(Accepted with { Name = "<b>مفتاح</b>" });

        Assert.Equal("<b>مفتاح</b>", tile.Find("label bdi").TextContent);
        Assert.Empty(tile.FindAll("label b"));
    }

    [Fact]
    public void Cannot_be_chosen_by_accident_when_the_key_was_refused() =>
        Assert.True(Show(Refused).Find("input").HasAttribute("disabled"));

    [Fact]
    public void Gives_the_reason_for_a_refusal() =>
        Assert.Equal("ReSci refused this key. Replace it.", Show(Refused).Find(".reason").TextContent);

    [Fact]
    public void Can_be_chosen_after_a_refusal_by_saying_so()
    {
        var saidSo = 0;
        var tile = Render<CredentialTile>(of => of.Add(t => t.Credential, Refused).Add(t => t.Now, Now).Add(t => t.OnUseAnyway, id => saidSo = id));

        tile.FindAll("button").Single(button => button.TextContent == "Use it anyway").Click();
        tile.Render(of => of.Add(t => t.UseAnyway, saidSo == 7));

        Assert.False(tile.Find("input").HasAttribute("disabled"));
    }

    [Fact]
    public void Cannot_be_chosen_at_all_when_the_key_does_not_open()
    {
        var tile = Render<CredentialTile>(of => of.Add(t => t.Credential, Refused with { CannotBeDecrypted = true }).Add(t => t.Now, Now).Add(t => t.UseAnyway, true));

        Assert.True(tile.Find("input").HasAttribute("disabled"));
        Assert.Empty(tile.FindAll("button"));
    }

    [Fact]
    public void Shows_no_verdict_about_a_key_that_does_not_open() =>
        Assert.Empty(Show(Accepted with { CannotBeDecrypted = true }).FindAll(".badge"));

    [Fact]
    public void Has_a_test_button_that_says_which_credential() =>
        Assert.Equal("Test ReSci – production", Show(Accepted).Find("button").GetAttribute("aria-label"));

    [Fact]
    public void Starts_no_second_test_while_one_runs()
    {
        var tests = 0;
        var tile = Render<CredentialTile>(of => of.Add(t => t.Credential, Accepted).Add(t => t.Now, Now).Add(t => t.Testing, true).Add(t => t.OnTest, _ => tests++));

        tile.Find("button[aria-disabled=true]").Click();

        Assert.Equal(0, tests);
    }

    private IRenderedComponent<CredentialTile> Show(CredentialTileView credential) =>
        Render<CredentialTile>(of => of.Add(tile => tile.Credential, credential).Add(tile => tile.Now, Now));
}
