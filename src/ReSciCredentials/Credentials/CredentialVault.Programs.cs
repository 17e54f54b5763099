using Microsoft.EntityFrameworkCore;
using ReSciCredentials.Access;
using ReSciCredentials.Audit;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>A source or destination that uses a credential, as far as a program that lists credentials wants to know.</summary>
internal sealed record UseReference(int CredentialId, FlowKind Kind, int Id, string Name, FlowStatus Status);

/// <summary>What ReSci said of a key, now or a moment ago.</summary>
/// <param name="IsCached">ReSci was not asked again.</param>
internal sealed record RecentVerdict(Verdict Verdict, DateTimeOffset At, bool IsCached);

/// <content>What programs ask for in another way than pages do.</content>
internal sealed partial class CredentialVault
{
    /// <summary>Within this time a program gets the last verdict instead of having ReSci asked again.</summary>
    public static readonly TimeSpan ProbeRest = TimeSpan.FromSeconds(5);

    /// <summary>More references than these are told by no answer.</summary>
    private const int MostReferences = 10_000;

    /// <summary>What the person's operations of these ids made, deleted credentials too.</summary>
    public async Task<IReadOnlyList<MadeBefore>> FindOperationsAsync(Person person, IReadOnlyCollection<Guid> operations, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        return await storage.Credentials.IgnoreQueryFilters().OwnedBy(person)
            .Where(credential => operations.Contains(credential.OperationId))
            .Select(credential => new MadeBefore(credential.OperationId, credential.Id, credential.CreatedAt, credential.DeletedAt != null))
            .ToListAsync(cancellationToken);
    }

    /// <summary>What of the person's, or shared with them, uses these credentials; by credential.</summary>
    public async Task<ILookup<int, UseReference>> ListReferencesAsync(Person person, IReadOnlyCollection<int> credentials, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        var references = await storage.Flows.AsNoTracking().VisibleTo(person)
            .Where(flow => flow.CredentialId != null && credentials.Contains(flow.CredentialId.Value))
            .OrderBy(flow => flow.Id)
            .Take(MostReferences)
            .Select(flow => new UseReference(flow.CredentialId!.Value, flow.Kind, flow.Id, flow.Name, flow.Status))
            .ToListAsync(cancellationToken);
        return references.ToLookup(reference => reference.CredentialId);
    }

    /// <summary>Changes several fields in one step. Sent twice, it is one change. For admins.</summary>
    /// <param name="revision">What the program saw; null when it does not care.</param>
    public async Task<ChangeOutcome> ChangeAsync(Person person, int id, int? revision, CredentialChange change, CancellationToken cancellationToken)
    {
        var errors = change.Check();
        if (errors.Count == 0)
        {
            foreach (var field in await FindKeyInAsync(
                person, id, [("name", change.Name), ("description", change.Description.Text), ("tags", change.TagsText)], cancellationToken))
            {
                errors.Add(field.Key, field.Value);
            }
        }

        while (true)
        {
            await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
            if (await storage.Credentials.Where(row => row.Id == id).SeenBy(person).SingleOrDefaultAsync(cancellationToken) is not { Row: var credential, Role: var role })
            {
                return new ChangeOutcome.NotFound();
            }

            if (!role.MayChange())
            {
                return new ChangeOutcome.Forbidden();
            }

            if (errors.Count > 0)
            {
                return new ChangeOutcome.Invalid(errors);
            }

            if (revision is { } seen && seen != credential.Revision)
            {
                return new ChangeOutcome.ChangedMeanwhile();
            }

            var changed = change.ApplyTo(credential);
            if (changed.Count == 0)
            {
                return new ChangeOutcome.Done();
            }

            credential.UpdatedAt = time.GetUtcNow();
            audit.AddChanges(storage, person, AuditEvents.Update, ItemType, id, changed);
            try
            {
                await storage.SaveChangesAsync(cancellationToken);
                return new ChangeOutcome.Done();
            }
            catch (DbUpdateConcurrencyException)
            {
                // Something else of it was changed in the same moment: look again.
            }
        }
    }

    /// <summary>Where texts that are to be shown hold the key of a credential that the person may see.</summary>
    /// <returns>Messages by field; empty also when there is no such credential, or its key does not open.</returns>
    internal async Task<IReadOnlyDictionary<string, string>> FindKeyInAsync(
        Person person, int id, (string Field, string? Text)[] texts, CancellationToken cancellationToken)
    {
        var found = await WithKeyAsync(
            person,
            id,
            AccessRole.Collaborator,
            (key, _) =>
            {
                var errors = new Dictionary<string, string>(StringComparer.Ordinal);
                NewCredential.NoteKeyIn(errors, key, texts);
                return Task.FromResult(errors);
            },
            cancellationToken);
        return found.ValueOrDefault ?? [];
    }

    /// <summary>As <see cref="CheckAsync"/>, but ReSci is asked at most once in <see cref="ProbeRest"/>, and by one program at a time. For operators.</summary>
    /// <returns>Granted is null when the key does not open.</returns>
    public async Task<Reply<RecentVerdict?>> ProbeAsync(Person person, int id, CancellationToken cancellationToken)
    {
        using var turn = await probes.TakeTurnAsync(id, cancellationToken);
        var since = time.GetUtcNow() - ProbeRest;
        await using (var storage = await contexts.CreateDbContextAsync(cancellationToken))
        {
            var found = await storage.Credentials.Where(credential => credential.Id == id).SeenBy(person)
                .Select(seen => new { seen.Role, seen.Row.CurrentKeyUid })
                .SingleOrDefaultAsync(cancellationToken);
            if (found is null)
            {
                return new Reply<RecentVerdict?>.NotFound();
            }

            if (!found.Role.MayOperate())
            {
                return new Reply<RecentVerdict?>.Forbidden();
            }

            var last = await storage.CredentialChecks.AsNoTracking()
                .Where(check => check.CredentialId == id && check.KeyUid == found.CurrentKeyUid && check.At > since)
                .OrderByDescending(check => check.Id)
                .FirstOrDefaultAsync(cancellationToken);
            if (Verdict.StepFrom(last?.Step) is { } step)
            {
                return new Reply<RecentVerdict?>.Granted(
                    new RecentVerdict(new Verdict(step, last!.HttpStatus, TimeSpan.FromMilliseconds(last.Latency)), last.At, IsCached: true));
            }
        }

        return await CheckAsync(person, id, cancellationToken) switch
        {
            Reply<Verdict?>.Granted { Value: { } verdict } => new Reply<RecentVerdict?>.Granted(new RecentVerdict(verdict, time.GetUtcNow(), IsCached: false)),
            Reply<Verdict?>.Granted => new Reply<RecentVerdict?>.Granted(null),
            Reply<Verdict?>.Forbidden => new Reply<RecentVerdict?>.Forbidden(),
            _ => new Reply<RecentVerdict?>.NotFound(),
        };
    }
}
