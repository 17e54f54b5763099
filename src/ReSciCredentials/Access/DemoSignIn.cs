using System.Net;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// Demo mode only: signs in the demo owner without a password. Registered in Development with the sandbox on, and even then only
/// for requests that cannot have come from anywhere but this machine. Everything else about a demo request is as for any other.
/// </summary>
internal sealed class DemoSignIn(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, DemoOwner owner, IServer server)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "demo";

    /// <summary>Two of the conditions; the others are looked at with each request.</summary>
    public static bool IsPossible(IConfiguration configuration, IHostEnvironment environment) =>
        environment.IsDevelopment() && configuration.GetValue<bool>("ReSci:Sandbox");

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync() =>
        IsThisMachine(Request) && IsBoundToLoopbackOnly()
        && await owner.SignInAsync(Client.Of(Context), Context.RequestAborted) is { } person
            ? AuthenticateResult.Success(new AuthenticationTicket(SessionClaims.For(person), Name))
            : await Context.AuthenticateAsync(SessionCookie.Scheme);

    private static bool IsThisMachine(HttpRequest request) =>
        Loopback.IsName(request.Host.Host)
        && request.HttpContext.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        // A tunnel to the world runs on this machine too, and says so.
        && !request.Headers.Keys.Any(name => name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase));

    private bool IsBoundToLoopbackOnly() =>
        server.Features.Get<IServerAddressesFeature>() is { Addresses: { Count: > 0 } addresses }
        && addresses.All(address => Loopback.IsName(BindingAddress.Parse(address).Host));
}

/// <summary>The demo's only person, made when first needed. Has no password, so cannot sign in anywhere else.</summary>
internal sealed class DemoOwner(
    IDbContextFactory<StorageContext> storages, Sessions sessions, AuditLog audit, TimeProvider time) : IDisposable
{
    private const string Email = "demo@localhost";

    private readonly SemaphoreSlim _starting = new(1);
    private Guid _session;

    /// <summary>The demo owner in a session that is alive; null when the server belongs to somebody else.</summary>
    public async Task<Person?> SignInAsync(Client client, CancellationToken cancellationToken)
    {
        if (await sessions.FindAsync(_session, client, cancellationToken) is { } signedIn)
        {
            return signedIn;
        }

        await _starting.WaitAsync(cancellationToken);
        try
        {
            return await sessions.FindAsync(_session, client, cancellationToken) ?? await StartAsync(client, cancellationToken);
        }
        finally
        {
            _starting.Release();
        }
    }

    public void Dispose() => _starting.Dispose();

    private async Task<Person?> StartAsync(Client client, CancellationToken cancellationToken)
    {
        await using var storage = await storages.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var owner = await storage.Users.OrderBy(a => a.Id).FirstOrDefaultAsync(cancellationToken) ?? await AddAsync(storage, cancellationToken);
        if (owner.Email != Email)
        {
            return null;
        }

        var session = sessions.Start(storage, owner, client);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        _session = session.Id;
        return new Person(owner.Id, owner.Name, Email, owner.Role, session.Id, client.Address, client.UserAgent);
    }

    private async Task<Account> AddAsync(StorageContext storage, CancellationToken cancellationToken)
    {
        var owner = new Account
        {
            Name = "Demo owner",
            Email = Email,
            NormalizedEmail = Email.ToUpperInvariant(),
            UserName = Email,
            NormalizedUserName = Email.ToUpperInvariant(),
            SecurityStamp = Guid.NewGuid().ToString(),
            CreatedAt = time.GetUtcNow(),
        };
        storage.Users.Add(owner);
        await storage.SaveChangesAsync(cancellationToken);
        audit.Add(storage, Actor.Server, AuditEvents.Create, AuditItems.Account, owner.Id);
        return owner;
    }
}
