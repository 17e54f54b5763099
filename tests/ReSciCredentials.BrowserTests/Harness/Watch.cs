using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace ReSciCredentials.BrowserTests.Harness;

/// <summary>Everything a window complains of: scripts that fail, errors on the console, and what the content security policy stopped.</summary>
internal sealed class Watch
{
    private const string PolicyMark = "Stopped by the policy: ";

    private readonly ConcurrentQueue<string> _complaints = [];
    private string[] _tolerated = [];

    public static async Task<Watch> StartAsync(IBrowserContext window)
    {
        var watch = new Watch();
        window.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                watch._complaints.Enqueue(message.Text);
            }
        };
        window.WebError += (_, error) => watch._complaints.Enqueue(error.Error);
        window.Dialog += async (_, dialog) =>
        {
            if (dialog.Type is not DialogType.BeforeUnload)
            {
                watch._complaints.Enqueue($"{dialog.Type}: {dialog.Message}");
            }

            await dialog.AcceptAsync();
        };
        await window.AddInitScriptAsync(
            $"addEventListener('securitypolicyviolation', e => console.error('{PolicyMark}' + e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sample));");
        return watch;
    }

    /// <summary>What a test brings about itself, such as a lost connection. A breach of the policy is never tolerated.</summary>
    public void Tolerate(params string[] complaints) => _tolerated = complaints;

    public void FindsNothing() => Assert.DoesNotContain(
        _complaints,
        text => text.StartsWith(PolicyMark, StringComparison.Ordinal)
            || !_tolerated.Any(tolerated => text.Contains(tolerated, StringComparison.Ordinal)));
}
