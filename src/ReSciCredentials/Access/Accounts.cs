using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

internal enum SignInOutcome
{
    SignedIn,

    /// <summary>The account or the password is wrong; it is not told which.</summary>
    Refused,
    LockedOut,

    /// <summary>Too many sign-ins from this address have failed, see <see cref="FailedSignIns"/>; nothing was looked at.</summary>
    TooMany,
    Busy,
}

internal enum PasswordChangeOutcome
{
    Changed,

    /// <summary>The present password is wrong.</summary>
    WrongPassword,

    /// <summary>The new password breaks <see cref="PasswordRules"/>.</summary>
    NotAcceptable,
    LockedOut,
    Busy,
}

/// <summary>Signing in with a password, and changing it.</summary>
internal sealed class Accounts(
    StorageContext storage,
    UserManager<Account> users,
    Passwords passwords,
    LockOut lockOut,
    FailedSignIns failedSignIns,
    Sessions sessions,
    LiveConnections live,
    AuditLog audit)
{
    /// <summary>Checks the password and starts a session. A name without an account takes as long and gets the same answers.</summary>
    public async Task<(SignInOutcome Outcome, SignInSession? Session)> SignInAsync(
        string email, string password, Client client, CancellationToken cancellationToken)
    {
        if (failedSignIns.WaitOf(client.Address) is not null)
        {
            return (SignInOutcome.TooMany, null);
        }

        var name = users.NormalizeEmail(email.Trim());
        var account = await users.FindByEmailAsync(email.Trim());

        using var turn = await passwords.TryTakeTurnAsync(cancellationToken);
        if (turn is null)
        {
            return (SignInOutcome.Busy, null);
        }

        if (!await lockOut.TakeTryAsync(storage, account?.Id, name, cancellationToken))
        {
            failedSignIns.Count(client.Address);
            return (SignInOutcome.LockedOut, null);
        }

        var verdict = turn.Verify(account?.PasswordHash, password);
        if (account is null || verdict is PasswordVerdict.Wrong)
        {
            failedSignIns.Count(client.Address);
            await NoteFailureAsync(account, client.Stranger(), cancellationToken);
            return (SignInOutcome.Refused, null);
        }

        if (verdict is PasswordVerdict.RightButWeaklyHashed)
        {
            account.PasswordHash = turn.Hash(password);
        }

        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        await LockOut.ClearAsync(storage, account.Id, cancellationToken);
        var session = sessions.Start(storage, account, client);
        await storage.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (SignInOutcome.SignedIn, session);
    }

    /// <summary>Whether the password is the person's own. Wrong ones count as failed sign-ins do.</summary>
    public async Task<SignInOutcome> CheckPasswordAsync(Person person, string password, CancellationToken cancellationToken)
    {
        var account = await storage.Users.FindAsync([person.Id], cancellationToken)
            ?? throw new SignedOutException();
        using var turn = await passwords.TryTakeTurnAsync(cancellationToken);
        if (turn is null)
        {
            return SignInOutcome.Busy;
        }

        if (!await lockOut.TakeTryAsync(storage, account.Id, account.NormalizedEmail!, cancellationToken))
        {
            return SignInOutcome.LockedOut;
        }

        if (turn.Verify(account.PasswordHash, password) is PasswordVerdict.Wrong)
        {
            await NoteFailureAsync(account, person, cancellationToken);
            return SignInOutcome.Refused;
        }

        await LockOut.ClearAsync(storage, account.Id, cancellationToken);
        return SignInOutcome.SignedIn;
    }

    /// <summary>Whether the person has a password at all; the demo's owner has none.</summary>
    public Task<bool> HasPasswordAsync(Person person, CancellationToken cancellationToken) =>
        storage.Users.AnyAsync(account => account.Id == person.Id && account.PasswordHash != null, cancellationToken);

    /// <summary>Changes the password and ends all sessions; the caller's browser gets a new one.</summary>
    public async Task<(PasswordChangeOutcome Outcome, SignInSession? Session)> ChangePasswordAsync(
        Person person, string password, string newPassword, CancellationToken cancellationToken)
    {
        if (PasswordRules.FaultOf(newPassword, person.Email, person.Name) is not null)
        {
            return (PasswordChangeOutcome.NotAcceptable, null);
        }

        using var turn = await passwords.TryTakeTurnAsync(cancellationToken);
        if (turn is null)
        {
            return (PasswordChangeOutcome.Busy, null);
        }

        var account = await storage.Users.FindAsync([person.Id], cancellationToken)
            ?? throw new SignedOutException();

        // Whoever found an open browser must not guess here either.
        if (!await lockOut.TakeTryAsync(storage, account.Id, account.NormalizedEmail!, cancellationToken))
        {
            return (PasswordChangeOutcome.LockedOut, null);
        }

        if (turn.Verify(account.PasswordHash, password) is PasswordVerdict.Wrong)
        {
            await NoteFailureAsync(account, person, cancellationToken);
            return (PasswordChangeOutcome.WrongPassword, null);
        }

        account.PasswordHash = turn.Hash(newPassword);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var (session, ended) = await SaveNewPasswordInAsync(account, person, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        live.End(ended);
        return (PasswordChangeOutcome.Changed, session);
    }

    /// <summary>
    /// Saves, within the caller's transaction, the password hash that was set on <paramref name="account"/>; no session survives it but
    /// a new one for the actor's browser.
    /// </summary>
    /// <returns>The new session, and those whose connections the caller cuts after the commit.</returns>
    internal async Task<(SignInSession Session, IReadOnlyCollection<Guid> Ended)> SaveNewPasswordInAsync(
        Account account, Actor actor, CancellationToken cancellationToken)
    {
        await LockOut.ClearAsync(storage, account.Id, cancellationToken);
        var ended = await sessions.EndAllInAsync(storage, account.Id, cancellationToken);
        audit.Add(storage, actor, AuditEvents.PasswordChanged, AuditItems.Account, account.Id, "password");
        var session = sessions.Start(storage, account, new Client(actor.Address, actor.UserAgent) { Path = actor.Path });
        await storage.SaveChangesAsync(cancellationToken);
        return (session, ended);
    }

    private async Task NoteFailureAsync(Account? account, Actor actor, CancellationToken cancellationToken)
    {
        // What was typed as a name is not kept: people type their password there.
        audit.Add(storage, actor, AuditEvents.SignInFailed, AuditItems.Account, account?.Id ?? 0);
        await storage.SaveChangesAsync(cancellationToken);
    }
}
