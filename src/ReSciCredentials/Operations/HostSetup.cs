namespace ReSciCredentials.Operations;

/// <summary>The web host as this program wants it, before any feature.</summary>
internal static class HostSetup
{
    public static WebApplicationBuilder CreateBuilder(string[] args)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            Args = args,
            ApplicationName = typeof(Program).Assembly.GetName().Name,
            // Started from anywhere, a published program finds its settings and its relative paths beside itself.
            ContentRootPath = IsDevelopment() ? null : AppContext.BaseDirectory,
        });
        UnreadableSettings.SetAside(builder);
        // Started by systemd: it is told when the server is ready and when it stops, and may have opened the socket itself.
        builder.Services.AddSystemd();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.UseSystemd();
        });
        if (builder.Configuration["urls"] is null && builder.Configuration["http_ports"] is null)
        {
            builder.WebHost.UseUrls(Addresses.Default);
        }

        return builder;
    }

    private static bool IsDevelopment() =>
        string.Equals(Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT"), Environments.Development, StringComparison.OrdinalIgnoreCase);
}
