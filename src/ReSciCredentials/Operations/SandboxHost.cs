using ReSciSandbox;

namespace ReSciCredentials.Operations;

/// <summary>ReSci's stand-in, inside this process: for the demo and for tests.</summary>
internal static class SandboxHost
{
    /// <summary>Starts it when <c>ReSci:Sandbox</c> is on and points the client to it; it ends with the application.</summary>
    public static async Task UseSandboxAsync(this WebApplicationBuilder builder)
    {
        if (!builder.Configuration.GetValue<bool>("ReSci:Sandbox"))
        {
            return;
        }

        var sandbox = await Sandbox.StartAsync();
        builder.Configuration["ReSci:BaseAddress"] = sandbox.Address.AbsoluteUri;
        builder.Configuration["ReSci:AllowInsecureLoopback"] = "true";
        // Made by a factory, so that the container disposes it.
        builder.Services.AddSingleton(_ => sandbox);
    }
}
