using ReSciCredentials.Components.Shared;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

internal static class CredentialWords
{
    public static BadgeStatus ToBadge(this VerifiedStatus status) => status switch
    {
        VerifiedStatus.Verified => BadgeStatus.Verified,
        VerifiedStatus.Failed => BadgeStatus.Failed,
        VerifiedStatus.Unverified => BadgeStatus.Unverified,
    };
}
