using ReSciCredentials.BrowserTests.Harness;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;

namespace ReSciCredentials.BrowserTests;

/// <summary>A program made a source without a credential; a person gives it one.</summary>
public sealed class ChoosingTheFirstCredential(Chromium chromium) : AccessibleToEveryone(chromium)
{
    [Fact]
    public async Task Leads_from_the_list_to_an_active_source()
    {
        await Server.Service<FlowService>().CreateAsync(
            await Server.OwnerAsync(),
            new NewFlow(FlowKind.Source, "Nightly orders", null, "list_import_jobs", CredentialId: null, Guid.NewGuid()) { Tags = ["nightly", "warehouse"] },
            TestContext.Current.CancellationToken);
        await Elsewhere.AddCredentialAsync("Shop key", "sandbox-accepted-first-0001");
        await Tab.OpenAsync("/");
        await InspectAsync("Integrate, with a source that waits");

        await Tab.Link("choose one for Nightly orders").ClickAsync();
        await Expect(Tab.Heading("Nightly orders")).ToBeVisibleAsync();
        await Expect(Page.GetByText("INIT")).ToBeVisibleAsync();
        await Expect(Page.GetByText("nightly, warehouse")).ToBeVisibleAsync();
        await Expect(Tab.Button("Activate")).ToHaveCountAsync(0);
        await Expect(Tab.Button("New access token")).ToHaveCountAsync(0);
        await InspectAsync("Source that waits");
        await Page.SetViewportSizeAsync(390, 800);
        await Tab.FitsAsync();
        await InspectAsync("Source that waits, narrow");

        await Tab.IsLiveAsync();
        await Tab.Tile("Shop key").CheckAsync();
        await Tab.Button("Use this credential").ClickAsync();
        await Expect(Page.GetByText("The credential is changed")).ToBeVisibleAsync();
        await Expect(Page.GetByText("It has no credential yet")).ToHaveCountAsync(0);
        await Expect(Tab.Button("Pause")).ToBeVisibleAsync();
        await Expect(Tab.Button("New access token")).ToBeVisibleAsync();
        FoundNothing();
    }
}
