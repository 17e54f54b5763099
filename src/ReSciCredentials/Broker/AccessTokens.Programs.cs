using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <content>What programs ask for in another way than pages do.</content>
internal sealed partial class AccessTokens
{
    /// <summary>What the person may do with the source or destination, and so with its tokens; null when there is none that they may see.</summary>
    public async Task<AccessRole?> FindRoleAsync(Person person, FlowKind kind, int flow, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Flows.Where(row => row.Kind == kind && row.Id == flow).RoleAsync(person, cancellationToken);
    }

    /// <summary>Null when there is none of this source or destination that the person may see.</summary>
    public async Task<AccessTokenView?> FindAsync(Person person, FlowKind kind, int flow, int id, CancellationToken cancellationToken)
    {
        if (await FindRoleAsync(person, kind, flow, cancellationToken) is null)
        {
            return null;
        }

        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return (await ReadAsync(storage, storage.AccessTokens.Where(token => token.FlowId == flow && token.Id == id), cancellationToken)).SingleOrDefault();
    }

    /// <summary>What the person's operations of these ids made, revoked tokens too.</summary>
    public async Task<IReadOnlyList<MadeBefore>> FindOperationsAsync(Person person, IReadOnlyCollection<Guid> operations, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.AccessTokens.OwnedBy(person)
            .Where(token => operations.Contains(token.OperationId))
            .Select(token => new MadeBefore(token.OperationId, token.Id, token.CreatedAt, token.RevokedAt != null))
            .ToListAsync(cancellationToken);
    }
}
