using System.Globalization;
using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Flows;

/// <summary>
/// Every use case of data sources and destinations. Each takes who asks, checks, and acts. A source or destination runs with what its owner may do:
/// the credential must be theirs or shared with them, whoever chooses it.
/// </summary>
internal sealed partial class FlowService(IDbContextFactory<StorageContext> contexts, CredentialVault vault, AuditLog audit, TimeProvider time)
{
    private const string OwnerMayNot = "The owner may not use this credential. Share it with them first, or choose another one.";
    private const string NoSuchCredential = "This credential does not exist any more, or is not shared with you. Choose another one.";
    private const string NoCredentialYet = "It has no credential yet. Give it one; with it, it is active.";

    /// <summary>Makes a source or destination. Sent twice with the same operation, it makes one.</summary>
    public async Task<FlowOutcome> CreateAsync(Person person, NewFlow input, CancellationToken cancellationToken)
    {
        if (await FindByOperationAsync(person, input.OperationId, cancellationToken) is { } made)
        {
            return new FlowOutcome.Done(made);
        }

        var errors = input.Check();
        await CheckCredentialAsync(person, input, errors, cancellationToken);
        if (errors.Count > 0)
        {
            return new FlowOutcome.Invalid(errors);
        }

        Credential? credential = null;
        if (input.Credential is { } inline)
        {
            (var refusal, credential) = await vault.PrepareAsync(person, inline, cancellationToken);
            if (refusal is not null)
            {
                return new FlowOutcome.CredentialRefused(refusal);
            }
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
            Status = input is { CredentialId: null, Credential: null } ? FlowStatus.Init : FlowStatus.Active,
            Type = input.Type,
            Config = input.Config,
            DataSetId = input.DataSetId,
            IngestMethod = TextRules.OrNull(input.IngestMethod),
            Tags = TagRules.Clean(input.Tags),
            CreatedAt = now,
            UpdatedAt = now,
            OperationId = input.OperationId,
        };
        return await StoreAsync(person, flow, credential, cancellationToken);
    }

    /// <summary>Stores a new one, and the credential that is made with it, in one transaction.</summary>
    private async Task<FlowOutcome> StoreAsync(Person person, Flow flow, Credential? credential, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        try
        {
            await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
            if (credential is not null)
            {
                storage.Credentials.Add(credential);
                await audit.SaveNewAsync(
                    storage, person, CredentialVault.ItemType, () => credential.Id, CredentialVault.BeginningOf(credential), cancellationToken);
                flow.CredentialId = credential.Id;
            }
            else if (flow.CredentialId is { } used && !await IsThereAsync(storage, person, used, cancellationToken))
            {
                return CredentialFault(NoSuchCredential);
            }

            storage.Flows.Add(flow);
            await audit.SaveNewAsync(
                storage,
                person,
                ItemType(flow.Kind),
                () => flow.Id,
                [
                    AuditChange.Of(AuditField.Name, null, flow.Name),
                    AuditChange.Of(AuditField.Description, null, flow.Description),
                    AuditChange.Of(AuditField.Endpoint, null, flow.Endpoint),
                    AuditChange.Of(AuditField.Credential, null, flow.CredentialId),
                    AuditChange.Of(AuditField.Status, null, Spell(flow.Status)),
                    .. flow.Tags.Length > 0 ? [AuditChange.Of(AuditField.Tags, [], flow.Tags)] : Array.Empty<AuditChange>(),
                ],
                cancellationToken);
            NoteUse(storage, person, AuditEvents.BeginUse, flow, flow.CredentialId);
            await storage.SaveChangesAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return new FlowOutcome.Done(flow.Id);
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            // The same form was saved by another request in the meantime.
            return new FlowOutcome.Done(await FindByOperationAsync(person, flow.OperationId, cancellationToken) ?? throw new InvalidOperationException("A row is neither new nor there.", exception));
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

    /// <summary>The newest first, at most <paramref name="limit"/> of what the person may see.</summary>
    public async Task<IReadOnlyList<FlowView>> ListAsync(Person person, FlowKind kind, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var flows = storage.Flows.AsNoTracking().Where(flow => flow.Kind == kind);
        var mine = flows.OwnedBy(person).OrderByDescending(flow => flow.Id).Take(limit);
        var shared = flows.SharedWith(storage, person).OrderByDescending(flow => flow.Id).Take(limit);
        return await Project(storage, mine.Concat(shared).OrderByDescending(flow => flow.Id).Take(limit), person).ToListAsync(cancellationToken);
    }

    /// <summary>Null when there is none that the person may see.</summary>
    public async Task<FlowView?> FindAsync(Person person, FlowKind kind, int id, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await Project(storage, storage.Flows.AsNoTracking().Where(flow => flow.Kind == kind && flow.Id == id), person)
            .SingleOrDefaultAsync(cancellationToken);
    }

    /// <summary>
    /// What was done with it and with its tokens, at most <paramref name="limit"/>. For admins. Calls that were refused are left out: there may be one a
    /// minute, and the tokens tell of them.
    /// </summary>
    public async Task<Reply<FlowActivity>> ListActivityAsync(Person person, FlowKind kind, int id, int limit, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Flows.Where(flow => flow.Kind == kind && flow.Id == id).RoleAsync(person, cancellationToken) switch
        {
            null => new Reply<FlowActivity>.NotFound(),
            { } role when !role.MayChange() => new Reply<FlowActivity>.Forbidden(),
            _ => new Reply<FlowActivity>.Granted(await ReadActivityAsync(storage, kind, id, limit, cancellationToken)),
        };
    }

    /// <summary>
    /// Pauses or activates. Doing it twice changes nothing more. What has no credential yet cannot be activated, and stands still already. For operators.
    /// </summary>
    public Task<FlowOutcome> SetStatusAsync(Person person, FlowKind kind, int id, FlowStatus status, CancellationToken cancellationToken) =>
        ChangeAsync(
            person,
            kind,
            id,
            AccessRole.Operator,
            revision: null,
            credentialId: null,
            status is FlowStatus.Active ? AuditEvents.Activate : AuditEvents.Pause,
            flow =>
            {
                var before = flow.Status;
                if (before is FlowStatus.Init)
                {
                    return status is FlowStatus.Active ? null : [];
                }

                flow.Status = status;
                return before == status ? [] : [AuditChange.Of(AuditField.Status, Spell(before), Spell(status))];
            },
            cancellationToken);

    /// <summary>Lets it use another credential, which both the person and the owner may use. For admins.</summary>
    /// <param name="revision">What the person saw; a change by somebody else since then is told instead of overwritten.</param>
    public Task<FlowOutcome> ChangeCredentialAsync(
        Person person, FlowKind kind, int id, int revision, int credentialId, CancellationToken cancellationToken) =>
        UpdateAsync(person, kind, id, revision, new FlowChange { CredentialId = credentialId }, cancellationToken);

    /// <summary>The item type of the audit log.</summary>
    public static string ItemType(FlowKind kind) => kind switch
    {
        FlowKind.Source => AuditItems.Source,
        FlowKind.Destination => AuditItems.Destination,
    };

    /// <param name="change">Returns the fields that are other ones now; null when it cannot be without a credential.</param>
    private async Task<FlowOutcome> ChangeAsync(
        Person person,
        FlowKind kind,
        int id,
        AccessRole atLeast,
        int? revision,
        int? credentialId,
        string verb,
        Func<Flow, IReadOnlyCollection<AuditChange>?> change,
        CancellationToken cancellationToken)
    {
        // Opening a key takes a while: not within the transaction.
        var fault = credentialId is { } another ? await CheckCredentialAsync(person, another, cancellationToken) : null;
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        await using var transaction = await storage.Database.BeginTransactionAsync(cancellationToken);
        if (await storage.Flows.Where(row => row.Kind == kind && row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var flow, Role: var role })
        {
            return new FlowOutcome.NotFound();
        }

        if (role < atLeast)
        {
            return new FlowOutcome.Forbidden();
        }

        if (revision is { } seen && seen != flow.Revision)
        {
            return new FlowOutcome.ChangedMeanwhile();
        }

        if (credentialId is { } wanted)
        {
            fault ??= !await IsThereAsync(storage, person, wanted, cancellationToken) ? NoSuchCredential
                : !await storage.Credentials.AnyAsync(
                    row => row.Id == wanted && (row.OwnerId == flow.OwnerId || row.Accessors.Any(accessor => accessor.AccountId == flow.OwnerId)),
                    cancellationToken) ? OwnerMayNot
                : null;
            if (fault is not null)
            {
                return CredentialFault(fault);
            }
        }

        var usedBefore = flow.CredentialId;
        if (change(flow) is not { } changed)
        {
            return CredentialFault(NoCredentialYet);
        }

        if (changed.Count == 0)
        {
            return new FlowOutcome.Done(id);
        }

        if (flow.CredentialId != usedBefore)
        {
            NoteUse(storage, person, AuditEvents.EndUse, flow, usedBefore);
            NoteUse(storage, person, AuditEvents.BeginUse, flow, flow.CredentialId);
        }

        flow.UpdatedAt = time.GetUtcNow();
        audit.AddChanges(storage, person, verb, ItemType(kind), id, changed);
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

    /// <summary>As the product spells it, on screen and in the REST API.</summary>
    internal static string Spell(FlowStatus status) => status switch
    {
        FlowStatus.Active => "ACTIVE",
        FlowStatus.Paused => "PAUSED",
        FlowStatus.Init => "INIT",
    };

    private static FlowOutcome.Invalid CredentialFault(string fault) => new(new Dictionary<string, string>(StringComparer.Ordinal) { ["credential"] = fault });

    // Among what was done with the credential: after a leak one asks who used it, not only who does.
    private void NoteUse(StorageContext storage, Person person, string verb, Flow flow, int? credentialId)
    {
        if (credentialId is { } used)
        {
            audit.Add(
                storage, person, verb, CredentialVault.ItemType, used, string.Create(CultureInfo.InvariantCulture, $"{ItemType(flow.Kind)} {flow.Id}"));
        }
    }

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

    /// <summary>Whether the credential may be used, and whether its key stands in a text that is shown.</summary>
    private async Task CheckCredentialAsync(Person person, NewFlow input, Dictionary<string, string> errors, CancellationToken cancellationToken)
    {
        if (input.Credential is not null)
        {
            // What is at fault with the key itself is told by the vault.
            using var key = PastedKey.Clean(input.Credential.Key, out _);
            if (key is not null)
            {
                NewCredential.NoteKeyIn(errors, key, input.Texts);
            }
        }
        else if (input.CredentialId is { } credential)
        {
            if (await CheckCredentialAsync(person, credential, cancellationToken) is { } fault)
            {
                errors["credential"] = fault;
                return;
            }

            foreach (var (field, message) in await vault.FindKeyInAsync(person, credential, input.Texts, cancellationToken))
            {
                errors[field] = message;
            }
        }
    }

    private static async Task<FlowActivity> ReadActivityAsync(
        StorageContext storage, FlowKind kind, int id, int limit, CancellationToken cancellationToken)
    {
        var itemType = ItemType(kind);
        var tokens = storage.AccessTokens.Where(token => token.FlowId == id);
        // One by one, each from the end of an index.
        var ofFlow = await storage.AuditEntries.AsNoTracking()
            .Where(entry => entry.ItemType == itemType && entry.ItemId == id)
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

    private static IQueryable<FlowView> Project(StorageContext storage, IQueryable<Flow> flows, Person person) =>
        from seen in flows.SeenBy(person)
        let flow = seen.Row
        let credential = storage.Credentials.VisibleTo(person).FirstOrDefault(row => row.Id == flow.CredentialId)
        select new FlowView
        {
            Id = flow.Id,
            Kind = flow.Kind,
            Name = flow.Name,
            Description = flow.Description,
            Endpoint = flow.Endpoint,
            Status = flow.Status,
            CredentialId = credential == null ? null : credential.Id,
            CredentialName = credential == null ? null : credential.Name,
            CredentialStatus = credential == null ? null : credential.VerifiedStatus,
            CredentialDoubtedAt = credential == null ? null : credential.DoubtedAt,
            OwnerMayUseCredential = flow.Credential!.OwnerId == flow.OwnerId
                || flow.Credential.Accessors.Any(accessor => accessor.AccountId == flow.OwnerId),
            Type = flow.Type,
            Config = flow.Config,
            DataSetId = flow.DataSetId,
            IngestMethod = flow.IngestMethod,
            Tags = flow.Tags,
            CopiedFromId = flow.CopiedFromId,
            UpdatedAt = flow.UpdatedAt,
            OwnerId = flow.OwnerId,
            OwnerEmail = flow.Owner!.Email!,
            OwnerName = flow.Owner.Name,
            Role = seen.Role,
            CreatedAt = flow.CreatedAt,
            Revision = flow.Revision,
        };
}
