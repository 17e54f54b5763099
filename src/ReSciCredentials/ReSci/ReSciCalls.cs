using ReSciCredentials.Storage;

namespace ReSciCredentials.ReSci;

/// <summary>A call that the broker lets through. A path is built from here, never taken over from a request.</summary>
/// <param name="Name">How it is recorded and switched on; that of the endpoint in <see cref="ReSciEndpoints"/> where there is one.</param>
/// <param name="Kind">Whose tokens may make it: a source reads, a destination writes.</param>
/// <param name="Path">Relative to ReSci's base address; <c>{id}</c> stands for one segment of letters, digits, <c>-</c> and <c>_</c>.</param>
/// <param name="TakesQuery">Whether parameters may follow the path.</param>
/// <param name="IsAssumed">No source of ReSci's documents it: off until <c>Broker:AssumedCalls</c> names it.</param>
internal sealed record ReSciCall(string Name, FlowKind Kind, string Method, string Path, bool TakesQuery, bool IsAssumed)
{
    /// <summary>It makes an import job, whose id is in the answer.</summary>
    public bool MakesJob { get; init; }

    /// <summary>It writes users one by one; of new ones ReSci sends a welcome mail unless the write says otherwise.</summary>
    public bool WritesUsers { get; init; }

    /// <summary>A destination's token may make it too, for a job that it made itself: what one writes, one may follow.</summary>
    public bool FollowsOwnJob { get; init; }

    /// <summary>Whether a repeat could do something twice.</summary>
    public bool IsWrite => Kind is FlowKind.Destination;
}

/// <summary>Everything that the broker lets through.</summary>
internal static class ReSciCalls
{
    private const string Id = "{id}";

    /// <summary>In characters: what stands at <c>{id}</c> is no longer.</summary>
    public const int LongestId = 64;

    public static IReadOnlyList<ReSciCall> All { get; } =
    [
        new("list_import_jobs", FlowKind.Source, "GET", "v3/import_jobs", TakesQuery: true, IsAssumed: false),
        new("create_import_job", FlowKind.Destination, "POST", "v3/import_jobs", TakesQuery: false, IsAssumed: false) { MakesJob = true },
        new("get_import_job", FlowKind.Source, "GET", "v3/import_jobs/{id}", TakesQuery: false, IsAssumed: true) { FollowsOwnJob = true },
        // Known: users are made and updated with a field for welcome mails. Assumed: the path, and that the body is JSON.
        new("upsert_user", FlowKind.Destination, "POST", "v3/users", TakesQuery: false, IsAssumed: true) { WritesUsers = true },
        new("update_user", FlowKind.Destination, "PUT", "v3/users", TakesQuery: false, IsAssumed: true) { WritesUsers = true },
    ];

    /// <summary>The call with this method and path.</summary>
    /// <param name="path">Without the slash in front.</param>
    /// <param name="id">What stands at <c>{id}</c>; null when the path has none.</param>
    /// <param name="allow">The methods of the calls that have this path, for an Allow header; null when none has.</param>
    public static ReSciCall? Find(string method, ReadOnlySpan<char> path, out string? id, out string? allow)
    {
        (id, allow) = (null, null);
        foreach (var call in All)
        {
            if (!Matches(call.Path, path, out var found))
            {
                continue;
            }

            if (call.Method == method)
            {
                (id, allow) = (found, null);
                return call;
            }

            allow = allow is null ? call.Method : $"{allow}, {call.Method}";
        }

        return null;
    }

    /// <summary>Whether the text may stand at <c>{id}</c>.</summary>
    public static bool IsId(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > LongestId)
        {
            return false;
        }

        foreach (var character in text)
        {
            if (!char.IsAsciiLetterOrDigit(character) && character is not ('-' or '_'))
            {
                return false;
            }
        }

        return true;
    }

    private static bool Matches(string template, ReadOnlySpan<char> path, out string? id)
    {
        id = null;
        if (!template.EndsWith(Id, StringComparison.Ordinal))
        {
            return path.SequenceEqual(template);
        }

        var fixedPart = template.AsSpan(0, template.Length - Id.Length);
        if (!path.StartsWith(fixedPart) || !IsId(path[fixedPart.Length..]))
        {
            return false;
        }

        id = path[fixedPart.Length..].ToString();
        return true;
    }
}
