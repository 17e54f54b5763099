using ReSciCredentials.Access;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>What is read of a credential to be shown, before it is known whether its key opens.</summary>
internal sealed record CredentialRow
{
    public required int Id { get; init; }

    public required Guid Uid { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public required VerifiedStatus VerifiedStatus { get; init; }

    public DateTimeOffset? VerifiedAt { get; init; }

    public DateTimeOffset? CheckedAt { get; init; }

    public string? CheckedStep { get; init; }

    public int? CheckedHttpStatus { get; init; }

    public DateOnly? ExpiresOn { get; init; }

    public DateOnly? ReviewOn { get; init; }

    public required int Version { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required string OwnerName { get; init; }

    public required bool IsMine { get; init; }

    public required Guid KeyUid { get; init; }

    public string? Fingerprint { get; init; }

    public string? LastFour { get; init; }

    public DateTimeOffset? KeySetAt { get; init; }

    public byte[]? Ciphertext { get; init; }

    public required bool HasPendingKey { get; init; }

    public required int Sources { get; init; }

    public required int Destinations { get; init; }

    /// <summary>One row a credential, in the order that it comes; a key row that is missing or belongs to another credential is left out.</summary>
    public static IQueryable<CredentialRow> Project(StorageContext storage, IQueryable<Credential> credentials, Person person) =>
        from credential in credentials
        join key in storage.CredentialKeys
            on new { Uid = credential.CurrentKeyUid, CredentialId = credential.Id } equals new { key.Uid, key.CredentialId } into keys
        from key in keys.DefaultIfEmpty()
        select new CredentialRow
        {
            Id = credential.Id,
            Uid = credential.Uid,
            Name = credential.Name,
            Description = credential.Description,
            VerifiedStatus = credential.VerifiedStatus,
            VerifiedAt = credential.VerifiedAt,
            CheckedAt = credential.CheckedAt,
            CheckedStep = credential.CheckedStep,
            CheckedHttpStatus = credential.CheckedHttpStatus,
            ExpiresOn = credential.ExpiresOn,
            ReviewOn = credential.ReviewOn,
            Version = credential.Version,
            CreatedAt = credential.CreatedAt,
            OwnerName = credential.Owner!.Name,
            IsMine = credential.OwnerId == person.Id,
            KeyUid = credential.CurrentKeyUid,
            Fingerprint = key == null ? null : key.Fingerprint,
            LastFour = key == null ? null : key.LastFour,
            KeySetAt = key == null ? null : key.SetAt,
            Ciphertext = key == null ? null : key.Ciphertext,
            HasPendingKey = credential.PendingKeyUid != null,
            Sources = storage.Flows.Count(flow => flow.CredentialId == credential.Id && flow.Kind == FlowKind.Source),
            Destinations = storage.Flows.Count(flow => flow.CredentialId == credential.Id && flow.Kind == FlowKind.Destination),
        };

    public CredentialTileView ToView(SecretProtector protector) => new()
    {
        Id = Id,
        Name = Name,
        Description = Description,
        VerifiedStatus = VerifiedStatus,
        VerifiedAt = VerifiedAt,
        CheckedAt = CheckedAt,
        LastCheck = Verdict.StepFrom(CheckedStep) is { } step ? $"{Verdict.TitleOf(step, CheckedHttpStatus)} {Verdict.AdviceOf(step)}" : null,
        ExpiresOn = ExpiresOn,
        ReviewOn = ReviewOn,
        Version = Version,
        CreatedAt = CreatedAt,
        OwnerName = OwnerName,
        IsMine = IsMine,
        Fingerprint = Fingerprint,
        LastFour = LastFour,
        KeySetAt = KeySetAt,
        HasPendingKey = HasPendingKey,
        UsedBySources = Sources,
        UsedByDestinations = Destinations,
        CannotBeDecrypted = Ciphertext is not { } ciphertext || !protector.CanOpen(ciphertext, Uid, KeyUid),
    };
}
