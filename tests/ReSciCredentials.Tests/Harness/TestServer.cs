using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using ReSciCredentials.Access;
using ReSciCredentials.Operations;
using ReSciCredentials.Storage;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Harness;

/// <summary>
/// The whole server, with its real registrations, on a real port with a real SQLite file; the sandbox is ReSci.
/// What a test changes are settings, the clock and where the log goes.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    public const string OwnerEmail = "owner@example.com";
    public const string OwnerName = "Olga Owner";
    public const string OwnerPassword = "correct horse battery staple";

    private readonly bool _keepDirectory;

    private TestServer(WebApplication app, TestDirectory directory, FakeLogCollector logs, bool keepDirectory)
    {
        (App, Directory, Logs, _keepDirectory) = (app, directory, logs, keepDirectory);
        Address = Addresses.Local(app.Services);
    }

    public WebApplication App { get; }

    public Uri Address { get; }

    public TestDirectory Directory { get; }

    public FakeLogCollector Logs { get; }

    public RunningSandbox ReSci => App.Services.GetRequiredService<RunningSandbox>();

    /// <param name="directory">Where an earlier server lived, to start again on its data; the caller disposes it.</param>
    public static async Task<TestServer> StartAsync(TestDirectory? directory = null, TimeProvider? time = null, params string[] settings)
    {
        var place = directory ?? new TestDirectory();
        var logs = new FakeLogCollector();
        var app = await Serve.StartAsync(
            [.. place.Settings, "--ReSci:Sandbox=true", .. settings],
            TestContext.Current.CancellationToken,
            builder =>
            {
                // Static files lie in the source tree until the program is published.
                builder.WebHost.UseStaticWebAssets();
                builder.Logging.ClearProviders();
                builder.Logging.SetMinimumLevel(LogLevel.Trace);
                builder.Logging.AddFilter(null, LogLevel.Trace);
                builder.Services.AddSingleton<ILoggerProvider>(new FakeLoggerProvider(logs));
                if (time is not null)
                {
                    builder.Services.Replace(ServiceDescriptor.Singleton(time));
                }
            });
        return new TestServer(app, place, logs, keepDirectory: directory is not null);
    }

    /// <summary>Starts a server that has its owner, and a visitor who is signed in as the owner.</summary>
    public static async Task<(TestServer Server, Visitor Owner)> StartOwnedAsync(
        TestDirectory? directory = null, TimeProvider? time = null, params string[] settings)
    {
        var server = await StartAsync(directory, time, settings);
        await server.CreateOwnerAsync();
        return (server, await server.SignInAsync());
    }

    public async Task CreateOwnerAsync()
    {
        await using var scope = App.Services.CreateAsyncScope();
        var outcome = await scope.ServiceProvider.GetRequiredService<Owners>()
            .CreateAsync(OwnerEmail, OwnerName, OwnerPassword, TestContext.Current.CancellationToken);
        Assert.Equal(OwnerOutcome.Done, outcome);
    }

    public async Task<Visitor> SignInAsync(string password = OwnerPassword)
    {
        var visitor = new Visitor(Address);
        await visitor.SignInAsync(OwnerEmail, password);
        return visitor;
    }

    /// <summary>The owner as the services see them.</summary>
    public async Task<Person> OwnerAsync()
    {
        await using var storage = await StorageAsync();
        var account = await storage.Users.SingleAsync(user => user.Email == OwnerEmail);
        var session = await storage.Sessions.FirstAsync(row => row.AccountId == account.Id && row.EndedAt == null);
        return new Person(account.Id, account.Name, OwnerEmail, session.Id, "127.0.0.1", "tests");
    }

    public T Service<T>()
        where T : notnull =>
        App.Services.GetRequiredService<T>();

    public Task<StorageContext> StorageAsync() => Service<IDbContextFactory<StorageContext>>().CreateDbContextAsync();

    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        if (!_keepDirectory)
        {
            Directory.Dispose();
        }
    }
}
