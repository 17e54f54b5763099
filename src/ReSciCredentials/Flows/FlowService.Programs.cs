using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Api;
using ReSciCredentials.Audit;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>A numbered page of a list of sources or destinations.</summary>
/// <param name="Total">How many there are on all pages.</param>
internal sealed record FlowListing(IReadOnlyList<FlowView> Rows, int Total);

/// <summary>Which sources or destinations a program wants listed; null means any.</summary>
/// <param name="Name">A part of the name, whatever its case.</param>
/// <param name="Credential">Only those that use this credential.</param>
/// <param name="Tag">One of their tags, as it is written.</param>
internal sealed record FlowFilter(string? Name = null, int? Credential = null, string? Tag = null);

/// <content>What programs ask for in another way than pages do.</content>
internal sealed partial class FlowService
{
    /// <summary>A numbered page of the list, in an order that what is added meanwhile does not disturb.</summary>
    /// <param name="atLeast">The least role in which the person sees what is listed.</param>
    public async Task<FlowListing> ListNumberedAsync(
        Person person, FlowKind kind, FlowFilter filter, AccessRole atLeast, ApiSort sort, ApiPage page, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var flows = storage.Flows.AsNoTracking().Where(flow => flow.Kind == kind);
        var matching = atLeast is AccessRole.Owner ? flows.OwnedBy(person) : flows.VisibleTo(person, atLeast);
        if (filter.Name is { } name)
        {
            var pattern = TextRules.PatternOf(name);
            matching = matching.Where(flow => EF.Functions.Like(flow.Name, pattern, TextRules.PatternEscape));
        }

        if (filter.Credential is { } credential)
        {
            matching = matching.Where(flow => flow.CredentialId == credential);
        }

        if (filter.Tag is { } tag)
        {
            matching = matching.Where(flow => flow.Tags.Contains(tag));
        }

        var ordered = (sort.Field, sort.Descending) switch
        {
            ("name", false) => matching.OrderBy(flow => flow.Name).ThenBy(flow => flow.Id),
            ("name", true) => matching.OrderByDescending(flow => flow.Name).ThenByDescending(flow => flow.Id),
            ("updated_at", false) => matching.OrderBy(flow => flow.UpdatedAt).ThenBy(flow => flow.Id),
            ("updated_at", true) => matching.OrderByDescending(flow => flow.UpdatedAt).ThenByDescending(flow => flow.Id),
            // Ids are given in the order of creation.
            (_, false) => matching.OrderBy(flow => flow.Id),
            (_, true) => matching.OrderByDescending(flow => flow.Id),
        };
        return new FlowListing(
            await Project(storage, ordered.Skip(page.Skip).Take(page.Size), person).ToListAsync(cancellationToken),
            await matching.CountAsync(cancellationToken));
    }

    /// <summary>What the person's operations of these ids made.</summary>
    public async Task<IReadOnlyList<MadeBefore>> FindOperationsAsync(Person person, IReadOnlyCollection<Guid> operations, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Flows.OwnedBy(person)
            .Where(flow => operations.Contains(flow.OperationId))
            .Select(flow => new MadeBefore(flow.OperationId, flow.Id, flow.CreatedAt, false))
            .ToListAsync(cancellationToken);
    }

    /// <summary>Changes several fields in one step. Sent twice, it is one change. For admins.</summary>
    /// <param name="revision">What the program saw; null when it does not care.</param>
    public async Task<FlowOutcome> UpdateAsync(
        Person person, FlowKind kind, int id, int? revision, FlowChange change, CancellationToken cancellationToken)
    {
        var errors = change.Check();
        if (errors.Count == 0 && await FindAsync(person, kind, id, cancellationToken) is { } present && (change.CredentialId ?? present.CredentialId) is { } credential)
        {
            foreach (var (field, message) in await vault.FindKeyInAsync(person, credential, change.TextsOf(present), cancellationToken))
            {
                errors[field] = message;
            }
        }

        if (errors.Count > 0)
        {
            return await FindAsync(person, kind, id, cancellationToken) switch
            {
                null => new FlowOutcome.NotFound(),
                { Role: var role } when !role.MayChange() => new FlowOutcome.Forbidden(),
                _ => new FlowOutcome.Invalid(errors),
            };
        }

        while (true)
        {
            var outcome = await ChangeAsync(
                person, kind, id, AccessRole.Admin, revision, change.CredentialId, AuditEvents.Update, change.ApplyTo, cancellationToken);
            if (outcome is not FlowOutcome.ChangedMeanwhile || revision is not null)
            {
                return outcome;
            }

            // Something else of it was changed in the same moment: look again.
        }
    }

    /// <summary>Deletes it, and its access tokens with it: from then on they are refused. Sent twice, the second finds nothing. For admins.</summary>
    public async Task<FlowOutcome> DeleteAsync(Person person, FlowKind kind, int id, CancellationToken cancellationToken)
    {
        while (true)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
            if (await storage.Flows.Where(row => row.Kind == kind && row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var flow, Role: var role })
            {
                return new FlowOutcome.NotFound();
            }

            if (!role.MayChange())
            {
                return new FlowOutcome.Forbidden();
            }

            // One by one, so that each is announced: the broker forgets it at once.
            storage.AccessTokens.RemoveRange(await storage.AccessTokens.Where(token => token.FlowId == id).ToListAsync(cancellationToken));
            storage.Flows.Remove(flow);
            audit.Add(storage, person, AuditEvents.Delete, ItemType(kind), id);
            NoteUse(storage, person, AuditEvents.EndUse, flow, flow.CredentialId);
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return new FlowOutcome.Done(id);
            }
            catch (DbUpdateConcurrencyException)
            {
                // It, or a token of it, was changed in the same moment: look again.
            }
        }
    }

    /// <summary>
    /// Makes another one like it, without its access tokens. The copy belongs to whoever made it. Sent twice with the same operation, it makes one. For admins.
    /// </summary>
    /// <param name="reuseCredential">The copy uses the same credential; otherwise a copy of it, made in the same step.</param>
    /// <exception cref="Secrets.ServerSealedException"/>
    public async Task<FlowOutcome> CopyAsync(Person person, FlowKind kind, int id, bool reuseCredential, Guid operation, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(person, operation, cancellationToken) is { } made)
        {
            return new FlowOutcome.Done(made);
        }

        if (await FindAsync(person, kind, id, cancellationToken) is not { } original)
        {
            return new FlowOutcome.NotFound();
        }

        if (!original.Role.MayChange())
        {
            return new FlowOutcome.Forbidden();
        }

        if (original is { CredentialId: null, Status: not FlowStatus.Init })
        {
            return CredentialFault(NoSuchCredential);
        }

        Credential? credential = null;
        if (!reuseCredential && original.CredentialId is { } credentialId)
        {
            switch (await vault.PrepareCopyAsync(person, credentialId, Guid.NewGuid(), cancellationToken))
            {
                case Reply<Credential?>.Granted { Value: { } copy }:
                    credential = copy;
                    break;
                case Reply<Credential?>.Granted:
                    return new FlowOutcome.Undecryptable(credentialId);
                case Reply<Credential?>.Forbidden:
                    return new FlowOutcome.CredentialForbidden(credentialId);
                default:
                    return new FlowOutcome.NotFound();
            }
        }

        var now = time.GetUtcNow();
        var flow = new Flow
        {
            Kind = original.Kind,
            OwnerId = person.Id,
            Name = TextRules.CopyOf(original.Name, Flow.NameLength),
            Description = original.Description,
            Endpoint = original.Endpoint,
            CredentialId = original.CredentialId,
            Status = original.Status is FlowStatus.Init ? FlowStatus.Init : FlowStatus.Active,
            Type = original.Type,
            Config = original.Config,
            DataSetId = original.DataSetId,
            IngestMethod = original.IngestMethod,
            Tags = [.. original.Tags],
            CopiedFromId = original.Id,
            CreatedAt = now,
            UpdatedAt = now,
            OperationId = operation,
        };
        return await StoreAsync(person, flow, credential, cancellationToken);
    }
}
