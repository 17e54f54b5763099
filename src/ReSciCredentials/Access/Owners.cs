using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

internal enum OwnerOutcome
{
    Done,

    /// <summary>There is an owner already.</summary>
    Exists,

    /// <summary>The token is wrong, used, too old, or was guessed at too often.</summary>
    LinkNotValid,

    /// <summary>See <see cref="PersonFaults"/>.</summary>
    NotAcceptable,
    Busy,
}

/// <summary>What the set-up page can be used for.</summary>
internal enum SetupStage
{
    FirstOwner,

    /// <summary>The sign-in was reset by the command line.</summary>
    NewPassword,
    Done,
}

/// <summary>Who owns the server: the first account, and the way back in for its owner.</summary>
internal sealed class Owners(
    StorageContext storage,
    People people,
    Accounts accounts,
    SetupLinks links,
    Passwords passwords,
    Sessions sessions,
    AuditLog audit)
{
    public Task<bool> ExistsAsync(CancellationToken cancellationToken) => storage.Users.AnyAsync(cancellationToken);

    public async Task<SetupStage> StageAsync(CancellationToken cancellationToken) =>
        !await ExistsAsync(cancellationToken) ? SetupStage.FirstOwner
        : await WithoutPassword().AnyAsync(cancellationToken) && await links.ExistsAsync(cancellationToken) ? SetupStage.NewPassword
        : SetupStage.Done;

    /// <summary>Makes the owner from the command line, without a link.</summary>
    public async Task<OwnerOutcome> CreateAsync(string email, string name, string password, CancellationToken cancellationToken)
    {
        if (await ExistsAsync(cancellationToken))
        {
            return OwnerOutcome.Exists;
        }

        if (PersonFaults.Of(name, email, password).Any)
        {
            return OwnerOutcome.NotAcceptable;
        }

        if (await TryHashAsync(password, cancellationToken) is not { } hash)
        {
            return OwnerOutcome.Busy;
        }

        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await ExistsAsync(cancellationToken))
        {
            return OwnerOutcome.Exists;
        }

        var account = await people.AddInAsync(email, name, hash, AccountRole.Owner);
        audit.Add(storage, Actor.CommandLine, AuditEvents.Create, AuditItems.Account, account.Id);
        await storage.SetupLinks.ExecuteDeleteAsync(cancellationToken);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        links.DeleteFile();
        return OwnerOutcome.Done;
    }

    /// <summary>Makes the owner with the token of the set-up link, and signs them in. Of many at once, one succeeds.</summary>
    public async Task<(OwnerOutcome Outcome, SignInSession? Session)> ClaimAsync(
        string token, string email, string name, string password, Client client, CancellationToken cancellationToken)
    {
        if (await ExistsAsync(cancellationToken))
        {
            return (OwnerOutcome.Exists, null);
        }

        // First the token: a stranger is not told anything else, and costs nothing.
        if (!await links.CheckAsync(token, cancellationToken))
        {
            return (OwnerOutcome.LinkNotValid, null);
        }

        if (PersonFaults.Of(name, email, password).Any)
        {
            return (OwnerOutcome.NotAcceptable, null);
        }

        if (await TryHashAsync(password, cancellationToken) is not { } hash)
        {
            return (OwnerOutcome.Busy, null);
        }

        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await ExistsAsync(cancellationToken))
        {
            return (OwnerOutcome.Exists, null);
        }

        if (!await links.UseInAsync(token, cancellationToken))
        {
            return (OwnerOutcome.LinkNotValid, null);
        }

        var account = await people.AddInAsync(email, name, hash, AccountRole.Owner);
        audit.Add(storage, client.As(account.Id, account.Email!), AuditEvents.Create, AuditItems.Account, account.Id);
        var session = sessions.Start(storage, account, client);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        links.DeleteFile();
        return (OwnerOutcome.Done, session);
    }

    /// <summary>
    /// For an owner who cannot sign in any more, or fears that somebody else can: ends all sessions, ends the lock-out, takes the old
    /// password away at once, and makes a link like the first one with which a new password is chosen.
    /// </summary>
    /// <param name="address">Where people reach this server.</param>
    /// <returns>The link; null when there is no owner.</returns>
    public async Task<string?> ResetSignInAsync(Uri address, CancellationToken cancellationToken)
    {
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await storage.Users.SingleOrDefaultAsync(a => a.Role == AccountRole.Owner, cancellationToken) is not { } owner)
        {
            return null;
        }

        owner.PasswordHash = null;
        await LockOut.ClearAsync(storage, owner.Id, cancellationToken);
        // Connections of the running server are cut when it notices, within seconds: this is another process.
        await sessions.EndAllInAsync(storage, owner.Id, cancellationToken);
        audit.Add(storage, Actor.CommandLine, AuditEvents.SignInReset, AuditItems.Account, owner.Id, "password");
        var link = await links.ReplaceInAsync(address, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await links.WriteFileAsync(link, cancellationToken);
        return link;
    }

    /// <summary>Sets the password of the owner whose sign-in was reset, and signs them in.</summary>
    public async Task<(OwnerOutcome Outcome, SignInSession? Session)> ChooseNewPasswordAsync(
        string token, string password, Client client, CancellationToken cancellationToken)
    {
        if (!await links.CheckAsync(token, cancellationToken)
            || await WithoutPassword().FirstOrDefaultAsync(cancellationToken) is not { } owner)
        {
            return (OwnerOutcome.LinkNotValid, null);
        }

        if (PasswordRules.FaultOf(password, owner.Email!, owner.Name) is not null)
        {
            return (OwnerOutcome.NotAcceptable, null);
        }

        if (await TryHashAsync(password, cancellationToken) is not { } hash)
        {
            return (OwnerOutcome.Busy, null);
        }

        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (!await links.UseInAsync(token, cancellationToken))
        {
            return (OwnerOutcome.LinkNotValid, null);
        }

        owner.PasswordHash = hash;
        // There are no sessions to cut: the reset ended them, and without a password none could start.
        var (session, _) = await accounts.SaveNewPasswordInAsync(owner, client.As(owner.Id, owner.Email!), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        links.DeleteFile();
        return (OwnerOutcome.Done, session);
    }

    private IQueryable<Account> WithoutPassword() => storage.Users.Where(a => a.Role == AccountRole.Owner && a.PasswordHash == null);

    private async Task<string?> TryHashAsync(string password, CancellationToken cancellationToken)
    {
        using var turn = await passwords.TryTakeTurnAsync(cancellationToken);
        return turn?.Hash(password);
    }
}
