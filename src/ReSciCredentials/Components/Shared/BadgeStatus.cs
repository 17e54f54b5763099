namespace ReSciCredentials.Components.Shared;

/// <summary>What a <see cref="StatusBadge"/> can say: of a credential the last verdict, of a source or destination whether it runs.</summary>
public enum BadgeStatus
{
    Verified,
    Failed,
    Unverified,
    Active,
    Paused,
}
