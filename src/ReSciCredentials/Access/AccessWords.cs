using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>What roles are called on screen, and what they mean.</summary>
internal static class AccessWords
{
    /// <summary>Said where a role turned out not to be enough: the button was pressed on an old page.</summary>
    public const string Forbidden = "Your role does not allow this. Ask an admin or the owner.";

    /// <summary>Those that can be given, the least first.</summary>
    public static IReadOnlyList<AccessRole> Given { get; } = [AccessRole.Collaborator, AccessRole.Operator, AccessRole.Admin];

    public static string ToTitle(this AccessRole role) => role switch
    {
        AccessRole.Collaborator => "Collaborator",
        AccessRole.Operator => "Operator",
        AccessRole.Admin => "Admin",
        AccessRole.Owner => "Owner",
    };

    /// <summary>What the role may do, as the rest of a sentence.</summary>
    public static string ToMeaning(this AccessRole role, SharedItem item) => (role, item.Flow) switch
    {
        (AccessRole.Collaborator, null) => "sees it and uses it in sources and destinations of their own",
        (AccessRole.Collaborator, _) => "sees it and how it is used",
        (AccessRole.Operator, null) => "uses it, tests it and reads samples with it",
        (AccessRole.Operator, _) => "sees it, activates and pauses it",
        (AccessRole.Admin, null) => "uses, tests and changes it, replaces its key, copies, deletes and shares it",
        (AccessRole.Admin, _) => "activates, pauses and changes it, makes its access tokens and shares it",
        (AccessRole.Owner, _) => "may do all of this, and cannot be removed",
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
