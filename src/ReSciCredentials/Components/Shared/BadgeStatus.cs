namespace ReSciCredentials.Components.Shared;

/// <summary>What a <see cref="StatusBadge"/> can say: of a credential the last verdict, of a source, destination or access token whether it works.</summary>
public enum BadgeStatus
{
    Verified,
    Failed,
    Unverified,
    Active,
    Paused,
    Init,
    Expired,
    Revoked,
    Refused,
}
