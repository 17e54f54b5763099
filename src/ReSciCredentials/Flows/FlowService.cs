using System.Globalization;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>Every use case of data sources and destinations. Each takes who asks, checks, and acts.</summary>
internal sealed class FlowService(IDbContextFactory<StorageContext> contexts, CredentialVault vault, AuditLog audit, TimeProvider time)
{
    private const string NoSuchCredential = "This credential does not exist any more, or is not shared with you. Choose another one.";

    /// <summary>Makes a source or destination. Sent twice with the same operation, it makes one.</summary>
    public async Task<FlowOutcome> CreateAsync(Person person, NewFlow input, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(person, input.OperationId, cancellationToken) is { } made)
        {
            return new FlowOutcome.Done(made);
        }

        var errors = input.Check();
        if (await CheckCredentialAsync(person, input.CredentialId, cancellationToken) is { } fault)
        {
            errors["credential"] = fault;
        }

        if (errors.Count > 0)
        {
            return new FlowOutcome.Invalid(errors);
        }

        var now = time.GetUtcNow();
        var flow = new Flow
        {
            Kind = input.Kind,
            OwnerId = person.Id,
            Name = input.Name!.Trim(),
            Description = TextRules.OrNull(input.Description),
            Endpoint = input.Endpoint!,
            CredentialId = input.CredentialId,
            Status = FlowStatus.Active,
            CreatedAt = now,
            UpdatedAt = now,
            OperationId = input.OperationId,
        };
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        storage.Flows.Add(flow);
        try
        {
            await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
            if (!await IsThereAsync(storage, person, input.CredentialId, cancellationToken))
            {
                errors["credential"] = NoSuchCredential;
                return new FlowOutcome.Invalid(errors);
            }

            await audit.SaveNewAsync(storage, person, ItemType(input.Kind), () => flow.Id, cancellationToken);
            NoteUse(storage, person, AuditEvents.BeginUse, flow, flow.CredentialId);
            await storage.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new FlowOutcome.Done(flow.Id);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            // The same form was saved by another request in the meantime.
            return new FlowOutcome.Done(await FindByOperationAsync(person, input.OperationId, cancellationToken) ?? throw new InvalidOperationException("A row is neither new nor there.", exception));
        }
    }

    /// <summary>The id of what this form made before, or null.</summary>
    public async Task<int?> FindByOperationAsync(Person person, Guid operation, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Flows
            .Where(flow => flow.OwnerId == person.Id && flow.OperationId == operation)
            .Select(flow => (int?)flow.Id)
            .SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>The newest first, at most <paramref name="limit"/> of each kind.</summary>
    public async Task<IReadOnlyList<FlowView>> ListAsync(Person person, FlowKind kind, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await Project(storage.Flows.AsNoTracking().VisibleTo(person)
                .Where(flow => flow.Kind == kind)
                .OrderByDescending(flow => flow.Id)
                .Take(limit))
            .ToListAsync(cancellationToken);
    }

    /// <summary>Null when there is none that the person may see.</summary>
    public async Task<FlowView?> FindAsync(Person person, FlowKind kind, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await Project(storage.Flows.AsNoTracking().VisibleTo(person).Where(flow => flow.Kind == kind && flow.Id == id))
            .SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>
    /// What was done with it and with its tokens, at most <paramref name="limit"/>. Calls that were refused are left out: there may be one a minute, and the
    /// tokens tell of them.
    /// </summary>
    public async Task<FlowActivity> ListActivityAsync(Person person, FlowKind kind, int id, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var flows = storage.Flows.VisibleTo(person).Where(flow => flow.Kind == kind && flow.Id == id);
        var tokens = storage.AccessTokens.Where(token => flows.Any(flow => flow.Id == token.FlowId));
        var itemType = ItemType(kind);
        // One by one, each from the end of an index.
        var ofFlow = await storage.AuditEntries.AsNoTracking()
            .Where(entry => entry.ItemType == itemType && entry.ItemId == id && flows.Any())
            .OrderByDescending(entry => entry.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var ofTokens = await storage.AuditEntries.AsNoTracking()
            .Where(entry => entry.ItemType == AccessTokens.ItemType && tokens.Any(token => token.Id == entry.ItemId) && entry.Event != AuditEvents.TokenRefused)
            .OrderByDescending(entry => entry.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var entries = ofFlow.Concat(ofTokens).OrderByDescending(entry => entry.Id).ToArray();
        var named = ofTokens.Select(entry => entry.ItemId).Distinct().ToArray();
        return new FlowActivity(
            [.. entries.Take(limit)],
            await tokens.Where(token => named.Contains(token.Id)).ToDictionaryAsync(token => token.Id, token => $"{token.Name} ({token.Beginning}…)", cancellationToken),
            HasMore: entries.Length > limit);
    }

    /// <summary>Pauses or activates. Doing it twice changes nothing more.</summary>
    public Task<FlowOutcome> SetStatusAsync(Person person, FlowKind kind, int id, FlowStatus status, CancellationToken cancellationToken) =>
        ChangeAsync(
            person,
            kind,
            id,
            revision: null,
            credentialId: null,
            status is FlowStatus.Active ? AuditEvents.Activate : AuditEvents.Pause,
            "status",
            flow =>
            {
                var changes = flow.Status != status;
                flow.Status = status;
                return changes;
            },
            cancellationToken);

    /// <summary>Lets it use another credential.</summary>
    /// <param name="revision">What the person saw; a change by somebody else since then is told instead of overwritten.</param>
    public async Task<FlowOutcome> ChangeCredentialAsync(
        Person person, FlowKind kind, int id, int revision, int credentialId, CancellationToken cancellationToken)
    {
        if (await CheckCredentialAsync(person, credentialId, cancellationToken) is { } fault)
        {
            return new FlowOutcome.Invalid(new Dictionary<string, string>(StringComparer.Ordinal) { ["credential"] = fault });
        }

        return await ChangeAsync(
            person,
            kind,
            id,
            revision,
            credentialId,
            AuditEvents.Update,
            "credential",
            flow =>
            {
                var changes = flow.CredentialId != credentialId;
                flow.CredentialId = credentialId;
                return changes;
            },
            cancellationToken);
    }

    /// <summary>The item type of the audit log.</summary>
    public static string ItemType(FlowKind kind) => kind switch
    {
        FlowKind.Source => "source",
        FlowKind.Destination => "destination",
    };

    private async Task<FlowOutcome> ChangeAsync(
        Person person,
        FlowKind kind,
        int id,
        int? revision,
        int? credentialId,
        string verb,
        string field,
        Func<Flow, bool> change,
        CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        var flow = await storage.Flows.VisibleTo(person).SingleOrDefaultAsync(row => row.Kind == kind && row.Id == id, cancellationToken);
        if (flow is null)
        {
            return new FlowOutcome.NotFound();
        }

        if (revision is { } seen && seen != flow.Revision)
        {
            return new FlowOutcome.ChangedMeanwhile();
        }

        if (credentialId is { } wanted && !await IsThereAsync(storage, person, wanted, cancellationToken))
        {
            return new FlowOutcome.Invalid(new Dictionary<string, string>(StringComparer.Ordinal) { ["credential"] = NoSuchCredential });
        }

        var usedBefore = flow.CredentialId;
        if (!change(flow))
        {
            return new FlowOutcome.Done(id);
        }

        if (flow.CredentialId != usedBefore)
        {
            NoteUse(storage, person, AuditEvents.EndUse, flow, usedBefore);
            NoteUse(storage, person, AuditEvents.BeginUse, flow, flow.CredentialId);
        }

        flow.UpdatedAt = time.GetUtcNow();
        audit.Add(storage, person, verb, ItemType(kind), id, field);
        try
        {
            await storage.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new FlowOutcome.Done(id);
        }
        catch (DbUpdateConcurrencyException)
        {
            return new FlowOutcome.ChangedMeanwhile();
        }
    }

    // Among what was done with the credential: after a leak one asks who used it, not only who does.
    private void NoteUse(StorageContext storage, Person person, string verb, Flow flow, int credentialId) => audit.Add(
        storage, person, verb, CredentialVault.ItemType, credentialId, string.Create(CultureInfo.InvariantCulture, $"{ItemType(flow.Kind)} {flow.Id}"));

    // Asked within the transaction that begins to use it, so that it cannot be deleted in between.
    private static Task<bool> IsThereAsync(StorageContext storage, Person person, int credentialId, CancellationToken cancellationToken) =>
        storage.Credentials.VisibleTo(person).AnyAsync(credential => credential.Id == credentialId, cancellationToken);

    private async Task<string?> CheckCredentialAsync(Person person, int credentialId, CancellationToken cancellationToken) =>
        await vault.FindAsync(person, credentialId, cancellationToken) switch
        {
            null => NoSuchCredential,
            { CannotBeDecrypted: true } => "The key of this credential cannot be opened. Choose another one.",
            _ => null,
        };

    private static IQueryable<FlowView> Project(IQueryable<Flow> flows) => flows.Select(flow => new FlowView(
        flow.Id,
        flow.Kind,
        flow.Name,
        flow.Description,
        flow.Endpoint,
        flow.Status,
        flow.CredentialId,
        flow.Credential!.Name,
        flow.Credential.VerifiedStatus,
        flow.Credential.DoubtedAt,
        flow.Owner!.Name,
        flow.CreatedAt,
        flow.Revision));
}
