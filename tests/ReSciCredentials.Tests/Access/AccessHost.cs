using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Components;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Access;

/// <summary>The real door on a real Kestrel with a real SQLite file, and nothing behind it but one page.</summary>
internal sealed class AccessHost : IAsyncDisposable
{
    public const string Email = "owner@example.com";
    public const string Name = "Olive Owner";
    public const string Password = "seven quiet lanterns over Riga";

    private readonly WebApplication _app;
    private readonly DirectoryInfo _directory;

    private AccessHost(WebApplication app, DirectoryInfo directory, FakeTimeProvider time)
    {
        _app = app;
        _directory = directory;
        Time = time;
    }

    public FakeTimeProvider Time { get; }

    public IServiceProvider Services => _app.Services;

    public Uri Address { get; private set; } = null!;

    public string SetupLinkFile => Path.Combine(_directory.FullName, SetupLinks.FileName);

    public static async Task<AccessHost> StartAsync(params (string Key, string Value)[] settings)
    {
        var directory = Directory.CreateTempSubdirectory("resci-access-");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions
        {
            // Watching files costs an inotify instance a host, of which there are few.
            Args = ["--hostBuilder:reloadConfigOnChange=false"],
            ApplicationName = typeof(Program).Assembly.GetName().Name,
            EnvironmentName = settings.FirstOrDefault(s => s.Key == "environment").Value ?? Environments.Production,
        });
        builder.Configuration.AddInMemoryCollection(
            settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)).Append(new("Storage:Directory", directory.FullName)));
        builder.WebHost.UseUrls(settings.FirstOrDefault(s => s.Key == "listen").Value ?? "http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<TimeProvider>(time);
        builder.Services.AddStorage(builder.Configuration);
        builder.Services.AddSecrets(builder.Configuration);
        builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
        builder.Services.AddSingleton<AuditLog>();
        builder.Services.AddAccess(builder.Configuration, builder.Environment);
        // The real count is measured elsewhere; here it would only make every test wait.
        builder.Services.PostConfigure<PasswordHasherOptions>(options => options.IterationCount = 1_000);
        builder.Services.AddRazorComponents().AddInteractiveServerComponents();
        // The key file is not what is tested here.
        builder.Services.Remove(builder.Services.Single(service => service.ImplementationType == typeof(SealWatch)));

        var app = builder.Build();
        app.Services.GetRequiredService<StorageFiles>().Prepare();
        var seal = app.Services.GetRequiredService<ServerSeal>();
        seal.Open(RecoveryKey.Create(), new byte[32]);
        await using (var storage = await app.Services.GetRequiredService<IDbContextFactory<StorageContext>>().CreateDbContextAsync())
        {
            // The look whether it exists would open it for reading only, where the journal mode cannot be set.
            await storage.Database.OpenConnectionAsync();
            await storage.Database.EnsureCreatedAsync();
        }

        app.UseRequestChecks();
        app.UseRouting();
        app.UseAccess();
        app.MapAccess();
        app.MapGet("/welcome", async (CurrentPerson current, CancellationToken cancellationToken) =>
            $"Welcome {(await current.GetAsync(cancellationToken)).Name}");
        app.MapPost("/change", () => "changed").WithMetadata(new Microsoft.AspNetCore.Antiforgery.RequireAntiforgeryTokenAttribute());
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
        await app.StartAsync();

        var listening = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new AccessHost(app, directory, time)
        {
            Address = new UriBuilder("http", "localhost", BindingAddress.Parse(listening).Port).Uri,
        };
    }

    /// <summary>A host whose owner exists.</summary>
    public static async Task<AccessHost> StartOwnedAsync(params (string Key, string Value)[] settings)
    {
        var host = await StartAsync(settings);
        Assert.Equal(OwnerOutcome.Done, await host.CreateOwnerAsync());
        return host;
    }

    public Browser NewBrowser() => new(this);

    public async Task<Browser> SignInAsync()
    {
        var browser = NewBrowser();
        var answer = await browser.SubmitAsync("/sign-in", "sign-in", ("Email", Email), ("Password", Password));
        Assert.Equal(HttpStatusCode.Redirect, answer.Status);
        return browser;
    }

    public Task<OwnerOutcome> CreateOwnerAsync() =>
        WithAsync<Owners, OwnerOutcome>(owners => owners.CreateAsync(Email, Name, Password, CancellationToken.None));

    /// <summary>Issues a set-up link and returns its token.</summary>
    public async Task<string> IssueTokenAsync()
    {
        var link = await WithAsync<SetupLinks, string?>(links => links.IssueAsync(Address, CancellationToken.None));
        return link!.Split("#token=")[1];
    }

    /// <summary>Uses a service in a scope of its own, as a request or a command would.</summary>
    public async Task<TResult> WithAsync<TService, TResult>(Func<TService, Task<TResult>> use)
        where TService : notnull
    {
        await using var scope = Services.CreateAsyncScope();
        return await use(scope.ServiceProvider.GetRequiredService<TService>());
    }

    public Task<TResult> InStorageAsync<TResult>(Func<StorageContext, Task<TResult>> use) => WithAsync(use);

    public Task<List<string>> AuditAsync() =>
        InStorageAsync(storage => storage.AuditEntries.OrderBy(e => e.Id).Select(e => e.Event).ToListAsync());

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
