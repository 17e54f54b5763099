using ReSciCredentials.Api;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>The parameter <c>access_role</c> of lists: the least role in which the caller wants to see what is listed. Left out it is what they own.</summary>
internal static class RoleQuery
{
    public static AccessRole Read(HttpRequest request, out ApiError? fault)
    {
        fault = null;
        if (request.Text("access_role") is not { } text)
        {
            return AccessRole.Owner;
        }

        if (AccessRoleNames.Parse(text) is { } role)
        {
            return role;
        }

        fault = ApiError.Invalid("access_role", "Say owner, admin, operator or collaborator.");
        return AccessRole.Owner;
    }
}
