using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Credentials;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Rotation;

/// <summary>One server for all tests of a class; each has a credential of its own.</summary>
public sealed class RotatingServer : IAsyncLifetime
{
    internal Vault Vault { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Vault = await Vault.StartAsync();

    public ValueTask DisposeAsync() => Vault.DisposeAsync();
}

/// <summary>A credential whose keys have letters for names; it begins with the key A.</summary>
internal sealed class Rotating
{
    private readonly Dictionary<char, (string Text, Guid Operation)> _keys = [];
    private readonly Vault _vault;

    private Rotating(Vault vault) => _vault = vault;

    public int Id { get; private init; }

    public Dictionary<char, Guid> Uids { get; } = [];

    public static async Task<Rotating> StartAsync(Vault vault)
    {
        var first = NewKey('A');
        var rotating = new Rotating(vault) { Id = await vault.AddAsync($"Rotating {Guid.NewGuid():N}", first) };
        rotating._keys['A'] = (first, Guid.NewGuid());
        rotating.Uids['A'] = (await rotating.KeysAsync()).Current.Uid;
        return rotating;
    }

    public async Task<CredentialKeys> KeysAsync() =>
        await _vault.Rotation.FindAsync(_vault.Owner, Id, TestContext.Current.CancellationToken) ?? throw new InvalidOperationException("The credential is gone.");

    /// <summary>Enters the key of that name. The same name is the same dialog, sent once more.</summary>
    public async Task<ReplaceOutcome> ReplaceAsync(
        char name, bool unverified = false, bool same = false, OldKey? then = null, string? instead = null, string? key = null)
    {
        if (!_keys.TryGetValue(name, out var entered))
        {
            entered = _keys[name] = (key ?? NewKey(name), Guid.NewGuid());
        }

        var (text, operation) = entered;
        var outcome = await _vault.Rotation.ReplaceAsync(
            _vault.Owner, Id, new NewKey(text, operation, unverified, same, instead, then), TestContext.Current.CancellationToken);
        var keys = await KeysAsync();
        if (outcome is ReplaceOutcome.Waiting or ReplaceOutcome.Promoted && !Uids.ContainsKey(name))
        {
            Uids[name] = keys.Pending?.Key.Uid ?? keys.Current.Uid;
        }

        return outcome;
    }

    public Task<RotationOutcome> PromoteAsync(char name, OldKey oldKey = OldKey.Keep) =>
        _vault.Rotation.PromoteAsync(_vault.Owner, Id, Uids[name], oldKey, TestContext.Current.CancellationToken);

    public Task<RotationOutcome> RollBackAsync(char name) =>
        _vault.Rotation.RollBackAsync(_vault.Owner, Id, Uids[name], TestContext.Current.CancellationToken);

    public Task<RotationOutcome> DropAsync(char name) =>
        _vault.Rotation.DropAsync(_vault.Owner, Id, Uids[name], TestContext.Current.CancellationToken);

    public Task<RotationOutcome> WipeAsync(char name) =>
        _vault.Rotation.WipePreviousAsync(_vault.Owner, Id, Uids[name], TestContext.Current.CancellationToken);

    /// <summary>Does one step in words, e.g. <c>promote B</c>.</summary>
    public async Task DoAsync(string step)
    {
        var name = step[^1];
        await (step[..^2] switch
        {
            "enter" => ReplaceAsync(name),
            "enter instead" => ReplaceAsync(name, instead: (await KeysAsync()).Pending?.Key.Fingerprint),
            "promote" => PromoteAsync(name),
            "promote and wipe for" => PromoteAsync(name, OldKey.Wipe),
            "roll back to" => RollBackAsync(name),
            "drop" => DropAsync(name),
            "wipe" => (Task)WipeAsync(name),
            _ => throw new ArgumentException($"Nobody knows how to {step}.", nameof(step)),
        });
    }

    /// <summary>Which key is what, e.g. <c>B 2, waiting C, before A</c>. Fails when a key is stored that nothing points to, or one that is pointed to is not.</summary>
    public async Task<string> StateAsync()
    {
        await using var storage = await _vault.Server.StorageAsync();
        var credential = await storage.Credentials.Include(row => row.Keys).SingleAsync(row => row.Id == Id);
        Guid?[] pointers = [credential.CurrentKeyUid, credential.PendingKeyUid, credential.PreviousKeyUid];
        Assert.Equal(
            pointers.Where(uid => uid is not null).Order(),
            credential.Keys.Select(key => (Guid?)key.Uid).Order());
        Assert.Equal(credential.PreviousKeyUid is null, credential.PreviousKeyWipedAt is null);
        return $"{NameOf(credential, credential.CurrentKeyUid)} {credential.Version}"
            + (credential.PendingKeyUid is { } pending ? $", waiting {NameOf(credential, pending)}" : "")
            + (credential.PreviousKeyUid is { } previous ? $", before {NameOf(credential, previous)}" : "");
    }

    private static string NewKey(char name) => $"sandbox-accepted-{name}-{Guid.NewGuid():N}";

    // By what the stored key is when it is opened, not by what its row says.
    private char NameOf(Credential credential, Guid uid)
    {
        var protector = _vault.Server.Service<SecretProtector>();
        using var key = protector.Unprotect(credential.Keys.Single(row => row.Uid == uid).Ciphertext, credential.Uid, uid);
        var fingerprint = protector.FingerprintOf(key);
        return _keys.Where(known => Uids.ContainsKey(known.Key)).Single(known =>
        {
            using var secret = new Secret(known.Value.Text);
            return protector.FingerprintOf(secret) == fingerprint;
        }).Key;
    }
}
