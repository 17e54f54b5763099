using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Operations;
using ReSciCredentials.Storage;
using ReSciSandbox;

namespace ReSciCredentials.Tests.Harness;

/// <summary>
/// The whole server, with its real registrations, on a real port with a real SQLite file; the sandbox is ReSci.
/// What a test changes are settings, the clock and where the log goes; and passwords are hashed cheaply.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    public const string OwnerEmail = "owner@example.com";
    public const string OwnerName = "Olga Owner";
    public const string OwnerPassword = "correct horse battery staple";

    /// <summary>The settings of somebody who looks for a fault: everything is logged that can be.</summary>
    public static readonly string[] LogsEverything = ["--Logging:LogLevel:Default=Trace", "--Logging:LogLevel:Microsoft=Trace"];

    private readonly ConcurrentBag<Visitor> _visitors = [];
    private readonly ConcurrentBag<SdkProgram> _programs = [];
    private readonly bool _keepDirectory;

    private TestServer(WebApplication app, TestDirectory directory, FakeLogCollector logs, bool keepDirectory)
    {
        (App, Directory, Logs, _keepDirectory) = (app, directory, logs, keepDirectory);
        Address = Addresses.Local(app.Services);
    }

    public WebApplication App { get; }

    public IServiceProvider Services => App.Services;

    public Uri Address { get; }

    /// <summary>The address as browsers send it in the header Origin.</summary>
    public string Origin => Address.GetLeftPart(UriPartial.Authority);

    public TestDirectory Directory { get; }

    /// <summary>What was logged at the levels of the settings: those that are shipped, or <see cref="LogsEverything"/>.</summary>
    public FakeLogCollector Logs { get; }

    public RunningSandbox ReSci => Service<RunningSandbox>();

    /// <summary>The disk under the database.</summary>
    public TestDisk Disk => Service<TestDisk>();

    /// <summary>The clock of a server that was started with one that the test turns.</summary>
    public TurnedClock Time => (TurnedClock)Service<TimeProvider>();

    /// <param name="directory">Where an earlier server lived, to start again on its data; the caller disposes it.</param>
    public static Task<TestServer> StartAsync(TestDirectory? directory = null, TimeProvider? time = null, params string[] settings) =>
        StartAsync(directory ?? new TestDirectory(), keepDirectory: directory is not null, time, settings);

    /// <summary>Starts a server that has its owner, who is signed in nowhere. A new server begins with a copy of <see cref="OwnedData"/>.</summary>
    public static async Task<TestServer> StartWithOwnerAsync(
        TestDirectory? directory = null, TimeProvider? time = null, params string[] settings)
    {
        var place = directory ?? new TestDirectory();
        if (!File.Exists(place.Database))
        {
            await OwnedData.CopyToAsync(place);
        }

        return await StartAsync(place, keepDirectory: directory is not null, time, settings);
    }

    /// <summary>Starts a server that has its owner, and a visitor who is signed in as the owner.</summary>
    public static async Task<(TestServer Server, Visitor Owner)> StartOwnedAsync(
        TestDirectory? directory = null, TimeProvider? time = null, params string[] settings)
    {
        var server = await StartWithOwnerAsync(directory, time, settings);
        return (server, await server.SignInAsync());
    }

    /// <summary>Makes the owner as the command line does.</summary>
    public Task<OwnerOutcome> CreateOwnerAsync() => WithAsync<Owners, OwnerOutcome>(
        owners => owners.CreateAsync(OwnerEmail, OwnerName, OwnerPassword, TestContext.Current.CancellationToken));

    /// <summary>A browser in which nobody is signed in; it is closed with the server.</summary>
    public Visitor NewVisitor()
    {
        var visitor = new Visitor(Address);
        _visitors.Add(visitor);
        return visitor;
    }

    /// <summary>A browser in which the owner has signed in before; <see cref="Visitor.SignInAsync"/> does it by the form.</summary>
    public async Task<Visitor> SignInAsync()
    {
        return await OpenBrowserAsync(await StartSessionAsync());
    }

    /// <summary>Signs the owner in without a browser.</summary>
    public async Task<SignInSession> StartSessionAsync()
    {
        var (outcome, session) = await WithAsync<Accounts, (SignInOutcome, SignInSession?)>(accounts => accounts.SignInAsync(
            OwnerEmail, OwnerPassword, new Client("127.0.0.1", "tests"), TestContext.Current.CancellationToken));
        Assert.Equal(SignInOutcome.SignedIn, outcome);
        return session!;
    }

    /// <summary>The owner as the services see them.</summary>
    public async Task<Person> OwnerAsync()
    {
        await using var storage = await StorageAsync();
        var account = await storage.Users.SingleAsync(user => user.Email == OwnerEmail);
        var session = await storage.Sessions.FirstAsync(row => row.AccountId == account.Id && row.EndedAt == null);
        return new Person(account.Id, account.Name, OwnerEmail, account.Role, session.Id, "127.0.0.1", "tests");
    }

    /// <summary>Makes a service key of the owner's, as the command line does, and gives the key itself.</summary>
    /// <param name="expiresOn">The last day on which it works.</param>
    public async Task<string> MakeServiceKeyAsync(string scope = "write", string? expiresOn = null, string owner = OwnerEmail, string name = "Nightly import")
    {
        var outcome = await WithAsync<ServiceKeys, ServiceKeyOutcome>(keys => keys.CreateForAsync(
            owner, new NewServiceKey(name, expiresOn, scope, Guid.NewGuid()), TestContext.Current.CancellationToken));
        return Assert.IsType<ServiceKeyOutcome.Made>(outcome).Key;
    }

    /// <summary>A program that has a new service key of the owner's; it is closed with the server.</summary>
    public async Task<SdkProgram> NewProgramAsync(string scope = "write")
    {
        var program = new SdkProgram(Address, await MakeServiceKeyAsync(scope));
        _programs.Add(program);
        return program;
    }

    /// <summary>
    /// One more person with an account, a member who is signed in: as the services see them, and a browser of theirs. The e-mail address is the first name,
    /// in small letters, at example.com.
    /// </summary>
    public async Task<(Person Person, Visitor Visitor)> AddPersonAsync(string name)
    {
        await using var storage = await StorageAsync();
        var email = $"{name.Split(' ')[0].ToLowerInvariant()}@example.com";
        var account = new Account
        {
            Name = name,
            Email = email,
            UserName = email,
            NormalizedEmail = email.ToUpperInvariant(),
            NormalizedUserName = email.ToUpperInvariant(),
            SecurityStamp = Guid.NewGuid().ToString(),
            Role = AccountRole.Member,
            CreatedAt = DateTimeOffset.UtcNow,
        };
        storage.Users.Add(account);
        await storage.SaveChangesAsync();
        var session = Service<Sessions>().Start(storage, account, new Client("127.0.0.1", "tests"));
        await storage.SaveChangesAsync();
        return (new Person(account.Id, name, email, account.Role, session.Id, "127.0.0.1", "tests"), await OpenBrowserAsync(session));
    }

    public T Service<T>()
        where T : notnull =>
        Services.GetRequiredService<T>();

    /// <summary>Uses a service in a scope of its own, as a request or a command would.</summary>
    public async Task<TResult> WithAsync<TService, TResult>(Func<TService, Task<TResult>> use)
        where TService : notnull
    {
        await using var scope = Services.CreateAsyncScope();
        return await use(scope.ServiceProvider.GetRequiredService<TService>());
    }

    public Task<StorageContext> StorageAsync() => Service<IDbContextFactory<StorageContext>>().CreateDbContextAsync();

    public Task<TResult> InStorageAsync<TResult>(Func<StorageContext, Task<TResult>> use) => WithAsync(use);

    /// <summary>The verbs of the audit log, the oldest first.</summary>
    public Task<List<string>> AuditAsync() =>
        InStorageAsync(storage => storage.AuditEntries.OrderBy(entry => entry.Id).Select(entry => entry.Event).ToListAsync());

    public async ValueTask DisposeAsync()
    {
        foreach (var visitor in _visitors)
        {
            visitor.Dispose();
        }

        foreach (var program in _programs)
        {
            program.Dispose();
        }

        await App.StopAsync();
        await App.DisposeAsync();
        if (!_keepDirectory)
        {
            Directory.Dispose();
        }
    }

    private async Task<Visitor> OpenBrowserAsync(SignInSession session)
    {
        var ticket = new AuthenticationTicket(SessionClaims.ForCookie(session.Id), SessionCookie.Scheme);
        var cookies = Service<IOptionsMonitor<CookieAuthenticationOptions>>().Get(SessionCookie.Scheme);
        var visitor = NewVisitor();
        visitor.Cookies.Add(Address, new Cookie(CookieNames.For(https: false, SessionCookie.Scheme), cookies.TicketDataFormat.Protect(ticket)));
        // As after a first page: whoever sends many forms at once has the cookie that belongs to their tokens.
        await visitor.AntiforgeryTokenAsync();
        return visitor;
    }

    private static async Task<TestServer> StartAsync(TestDirectory place, bool keepDirectory, TimeProvider? time, string[] settings)
    {
        var logs = new FakeLogCollector();
        try
        {
            var app = await Serve.StartAsync(
                [.. place.Settings, "--ReSci:Sandbox=true", .. settings],
                TestContext.Current.CancellationToken,
                builder =>
                {
                    // Static files lie in the source tree until the program is published.
                    builder.WebHost.UseStaticWebAssets();
                    builder.Logging.ClearProviders();
                    builder.Services.AddSingleton<ILoggerProvider>(new FakeLoggerProvider(logs));
                    builder.Services.AddSingleton<TestDisk>();
                    builder.Services.ConfigureDbContext<StorageContext>(
                        (provider, options) => options.AddInterceptors(provider.GetRequiredService<TestDisk>()));
                    // The real count is looked at where the executable hashes; here it would only make every test wait.
                    builder.Services.PostConfigure<PasswordHasherOptions>(options => options.IterationCount = 1_000);
                    if (time is not null)
                    {
                        builder.Services.Replace(ServiceDescriptor.Singleton(time));
                    }
                });
            return new TestServer(app, place, logs, keepDirectory);
        }
        catch when (!keepDirectory)
        {
            place.Dispose();
            throw;
        }
    }
}
