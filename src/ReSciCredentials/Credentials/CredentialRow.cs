using ReSciCredentials.Access;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>What is read of a credential to be shown, and what it takes to know whether its key opens and what the last check means.</summary>
internal sealed record CredentialRow
{
    public required CredentialTileView View { private get; init; }

    public required Guid Uid { private get; init; }

    public required Guid KeyUid { private get; init; }

    public byte[]? Ciphertext { private get; init; }

    public string? CheckedStep { private get; init; }

    public int? CheckedHttpStatus { private get; init; }

    public int Id => View.Id;

    /// <summary>One row a credential that the person may see, in the order that it comes; a key row that is missing or belongs to another credential is left out.</summary>
    public static IQueryable<CredentialRow> Project(StorageContext storage, IQueryable<Credential> credentials, Person person) =>
        from seen in credentials.SeenBy(person)
        let credential = seen.Row
        join key in storage.CredentialKeys
            on new { Uid = credential.CurrentKeyUid, CredentialId = credential.Id } equals new { key.Uid, key.CredentialId } into keys
        from key in keys.DefaultIfEmpty()
        select new CredentialRow
        {
            Uid = credential.Uid,
            KeyUid = credential.CurrentKeyUid,
            Ciphertext = key == null ? null : key.Ciphertext,
            CheckedStep = credential.CheckedStep,
            CheckedHttpStatus = credential.CheckedHttpStatus,
            View = new CredentialTileView
            {
                Id = credential.Id,
                Name = credential.Name,
                Description = credential.Description,
                VerifiedStatus = credential.VerifiedStatus,
                VerifiedAt = credential.VerifiedAt,
                CheckedAt = credential.CheckedAt,
                DoubtedAt = credential.DoubtedAt,
                ExpiresOn = credential.ExpiresOn,
                ReviewOn = credential.ReviewOn,
                Version = credential.Version,
                CreatedAt = credential.CreatedAt,
                UpdatedAt = credential.UpdatedAt,
                Revision = credential.Revision,
                Type = credential.Type,
                Tags = credential.Tags,
                CopiedFromId = credential.CopiedFromId,
                LastUsedAt = storage.AccessTokens.Where(token => token.Flow!.CredentialId == credential.Id).Max(token => token.LastUsedAt),
                OwnerId = credential.OwnerId,
                OwnerEmail = credential.Owner!.Email!,
                OwnerName = credential.Owner.Name,
                Role = seen.Role,
                Fingerprint = key == null ? null : key.Fingerprint,
                LastFour = key == null ? null : key.LastFour,
                KeySetAt = key == null ? null : key.SetAt,
                HasPendingKey = credential.PendingKeyUid != null,
                UsedBySources = storage.Flows.Count(flow => flow.CredentialId == credential.Id && flow.Kind == FlowKind.Source),
                UsedByDestinations = storage.Flows.Count(flow => flow.CredentialId == credential.Id && flow.Kind == FlowKind.Destination),
            },
        };

    public CredentialTileView ToView(SecretProtector protector) => View with
    {
        LastCheck = Verdict.StepFrom(CheckedStep) is { } step ? $"{Verdict.TitleOf(step, CheckedHttpStatus)} {Verdict.AdviceOf(step)}" : null,
        CannotBeDecrypted = Ciphertext is null || !protector.CanOpen(Ciphertext, Uid, KeyUid),
    };
}
