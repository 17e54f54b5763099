using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Tests.Harness;

/// <summary>What is found when a server opens what lies in a directory.</summary>
/// <param name="Names">Of the credentials, in their order.</param>
/// <param name="Unreadable">Keys that do not open.</param>
/// <param name="SessionsAlive">Sign-ins that have not ended.</param>
internal sealed record Found(IReadOnlyList<string> Names, int Secrets, int Unreadable, int SessionsAlive, long AuditHead)
{
    /// <summary>Opens the directory as a start would, without listening.</summary>
    public static async Task<Found> InAsync(TestDirectory directory)
    {
        // Connections that this process keeps would go on with a file that a command has replaced since.
        directory.CloseDatabase();
        try
        {
            return await OpenAsync(directory);
        }
        finally
        {
            directory.CloseDatabase();
        }
    }

    private static async Task<Found> OpenAsync(TestDirectory directory)
    {
        await using var app = await Program.BuildAsync([.. directory.Settings, "--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft=None"]);
        await app.Services.GetRequiredService<Opening>().StartAsync(CancellationToken.None);
        if (app.Services.GetRequiredService<ServerSeal>().Reason is { } reason)
        {
            throw new InvalidOperationException($"The server is sealed: {reason}");
        }

        await using var storage = await app.Services.GetRequiredService<IDbContextFactory<StorageContext>>().CreateDbContextAsync();
        var protector = app.Services.GetRequiredService<SecretProtector>();
        var rows = await storage.Credentials.AsNoTracking().Include(credential => credential.Keys).OrderBy(credential => credential.Id).ToListAsync();
        return new Found(
            [.. rows.Select(row => row.Name)],
            rows.Sum(row => row.Keys.Count),
            rows.Sum(row => row.Keys.Count(key => !protector.CanOpen(key.Ciphertext, row.Uid, key.Uid))),
            await storage.Sessions.CountAsync(session => session.EndedAt == null),
            await storage.AuditEntries.MaxAsync(entry => (long?)entry.Id) ?? 0);
    }
}
