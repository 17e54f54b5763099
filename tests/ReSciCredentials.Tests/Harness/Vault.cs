using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Secrets;

namespace ReSciCredentials.Tests.Harness;

/// <summary>A server, its owner, and the vault as a page or an endpoint would call it.</summary>
internal sealed class Vault : IAsyncDisposable
{
    private Vault(TestServer server, Person owner) => (Server, Owner) = (server, owner);

    public TestServer Server { get; }

    public Person Owner { get; }

    public CredentialVault Credentials => Server.Service<CredentialVault>();

    public KeyRotation Rotation => Server.Service<KeyRotation>();

    public ServerSeal Seal => Server.Service<ServerSeal>();

    /// <param name="directory">Where an earlier server lived, to start again on its data; the caller disposes it.</param>
    public static async Task<Vault> StartAsync(TestDirectory? directory = null, TimeProvider? time = null, params string[] settings)
    {
        var isNew = directory is null || !File.Exists(directory.Database);
        var server = await TestServer.StartWithOwnerAsync(directory, time, settings);
        if (isNew)
        {
            await server.StartSessionAsync();
        }

        return new Vault(server, await server.OwnerAsync());
    }

    /// <summary>Stores a credential with a key that ReSci accepts.</summary>
    public async Task<int> AddAsync(string name, string? key = null)
    {
        var outcome = await Credentials.SaveAsync(
            Owner,
            new NewCredential(name, null, key ?? $"sandbox-accepted-{Guid.NewGuid():N}", Guid.NewGuid(), Unverified: false, Same: true),
            TestContext.Current.CancellationToken);
        return Assert.IsType<SaveOutcome.Saved>(outcome).Id;
    }

    public async Task<CredentialTileView> TileAsync(int id) =>
        await Credentials.FindAsync(Owner, id, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("There is no such credential.");

    /// <summary>Whether the stored key opens and ReSci accepts it.</summary>
    public async Task<bool> WorksAsync(int id) =>
        (await Credentials.CheckAsync(Owner, id, TestContext.Current.CancellationToken)).ValueOrDefault is { Outcome: ReSciCredentials.ReSci.VerdictOutcome.Accepted };

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
