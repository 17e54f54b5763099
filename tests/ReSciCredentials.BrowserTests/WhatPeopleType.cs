using Microsoft.Playwright;
using ReSciCredentials.BrowserTests.Harness;

namespace ReSciCredentials.BrowserTests;

public sealed class HtmlInEveryField(Chromium chromium) : BrowserTest(chromium)
{
    private const string Image = "<img src=x onerror=window.ran=true>";
    private const string Script = "<script>window.ran=true</script>";

    [Fact]
    public async Task Is_shown_and_never_runs()
    {
        await Tab.OpenAuthenticateAsync();
        await Tab.AddCredentialAsync(Image, "sandbox-accepted-1", Script);
        await Expect(Tab.TileBody(Image)).ToContainTextAsync(Script);
        await Tab.GoOnToConfigureAsync();
        await Tab.FlowName.FillAsync(Script);
        await Tab.FlowDescription.FillAsync(Image);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading(Script)).ToBeVisibleAsync();
        await Tab.OpenAsync("/");
        await Expect(Tab.Link(Script)).ToBeVisibleAsync();

        Assert.False(await Page.EvaluateAsync<bool>("'ran' in window"));
    }
}

public sealed class NamesOfAllKinds(Chromium chromium) : BrowserTest(chromium)
{
    [Theory]
    [InlineData(320)]
    [InlineData(390)]
    public async Task Fit_on_a_narrow_screen(int width)
    {
        await Page.SetViewportSizeAsync(width, 844);
        string[] names = [new('W', 255), "مفتاح المتجر الرئيسي 12", "🔑 emoji 👩‍👩‍👧‍👧 key"];
        foreach (var name in names)
        {
            await Elsewhere.AddCredentialAsync(name);
        }

        await Tab.OpenAuthenticateAsync();
        await Expect(Page.GetByRole(AriaRole.Article)).ToHaveCountAsync(3);
        await Tab.FitsAsync();
        await Tab.Tile(names[0]).CheckAsync();
        await Tab.GoOnToConfigureAsync();
        await Tab.FitsAsync();
        await Tab.FlowName.FillAsync(names[0]);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Expect(Tab.Heading(names[0])).ToBeVisibleAsync();
        await Tab.FitsAsync();
        await Tab.OpenAsync("/");
        await Tab.FitsAsync();
    }

    [Theory]
    [InlineData("/sign-in")]
    [InlineData("/account")]
    [InlineData("/nowhere")]
    [InlineData("/sources/new")]
    public async Task Leave_the_other_pages_fitting_at_320(string path)
    {
        Tolerate("404");
        await Page.SetViewportSizeAsync(320, 640);
        await Tab.GoToAsync(path);
        await Tab.FitsAsync();
    }
}
