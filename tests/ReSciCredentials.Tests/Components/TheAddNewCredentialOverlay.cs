using Bunit;
using Microsoft.AspNetCore.Components.Forms;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Credentials;

namespace ReSciCredentials.Tests.Components;

public sealed class TheAddNewCredentialOverlay : BunitContext
{
    private readonly IRenderedComponent<AddCredentialDialog> _overlay;

    public TheAddNewCredentialOverlay()
    {
        Services.AddSingleton<AntiforgeryStateProvider, NoToken>();
        _overlay = Render<AddCredentialDialog>();
    }

    [Theory]
    [InlineData("#add-credential-title", "Add New Credential")]
    [InlineData("fieldset:nth-of-type(1) legend", "Credential Name & Description")]
    [InlineData("fieldset:nth-of-type(2) legend", "API Key Authentication")]
    [InlineData("label[for=add-credential-name]", "Credential Name")]
    [InlineData("label[for=add-credential-description]", "Credential Description")]
    [InlineData("label[for=add-credential-key]", "API Key Value")]
    [InlineData("summary", "Where do I find my API key?")]
    public void Has_the_words_of_the_guide(string where, string words) => Assert.Equal(words, _overlay.Find(where).TextContent);

    [Theory]
    [InlineData("type", "password")]
    [InlineData("autocomplete", "off")]
    [InlineData("spellcheck", "false")]
    [InlineData("autocapitalize", "off")]
    [InlineData("data-1p-ignore", "")]
    [InlineData("data-lpignore", "true")]
    [InlineData("data-bwignore", "")]
    public void Keeps_the_key_from_password_managers_and_spelling_services(string attribute, string value) =>
        Assert.Equal(value, _overlay.Find("[name=key]").GetAttribute(attribute));

    [Fact]
    public void Marks_what_is_required() =>
        Assert.Equal(["name", "key"], _overlay.FindAll("[required]").Select(field => field.GetAttribute("name")));

    [Fact]
    public void Cannot_be_sent_before_its_script_is_there() =>
        Assert.All(_overlay.FindAll("[data-do=save], [data-do=test]"), button => Assert.True(button.HasAttribute("disabled")));

    [Fact]
    public void Is_left_alone_by_enhanced_navigation() => Assert.True(_overlay.Find("dialog").Closest("[data-permanent]") is not null);

    private sealed class NoToken : AntiforgeryStateProvider
    {
        public override AntiforgeryRequestToken? GetAntiforgeryToken() => null;
    }
}
