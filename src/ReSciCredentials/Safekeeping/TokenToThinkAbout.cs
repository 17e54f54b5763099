using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>A token that works and of which somebody else holds a copy: after a restore it may be one that was revoked since, after a theft one that was stolen.</summary>
/// <param name="Kind">What it is, for people.</param>
/// <param name="Beginning">How it begins.</param>
/// <param name="BelongsTo">What it gives access to.</param>
internal sealed record TokenToThinkAbout(string Kind, string Name, string Beginning, string BelongsTo, DateTimeOffset? LastUsedAt)
{
    public override string ToString() => $"{Kind} {Name} ({Beginning}…) of {BelongsTo}";

    /// <summary>All that work now.</summary>
    public static async Task<IReadOnlyList<TokenToThinkAbout>> ListAsync(StorageContext storage, DateTimeOffset now, CancellationToken cancellationToken) =>
    [
        .. await storage.AccessTokens
            .Where(token => token.RevokedAt == null && (token.ExpiresAt == null || token.ExpiresAt > now))
            .OrderBy(token => token.Flow!.Name).ThenBy(token => token.Id)
            .Select(token => new TokenToThinkAbout(
                "access token",
                token.Name,
                token.Beginning,
                (token.Flow!.Kind == FlowKind.Source ? "source " : "destination ") + token.Flow.Name,
                token.LastUsedAt))
            .ToListAsync(cancellationToken),
        .. await storage.ServiceKeys
            .Where(key => key.RevokedAt == null && (key.ExpiresAt == null || key.ExpiresAt > now))
            .OrderBy(key => key.Owner!.Email).ThenBy(key => key.Id)
            .Select(key => new TokenToThinkAbout("service key", key.Name, key.Beginning, key.Owner!.Email!, key.LastUsedAt))
            .ToListAsync(cancellationToken),
    ];
}
