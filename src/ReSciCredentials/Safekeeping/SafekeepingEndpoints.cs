using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Access;
using ReSciCredentials.Credentials;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Safekeeping;

/// <summary>The forms of the page. They are posted, not sent through the circuit: a typed recovery sheet must not enter one.</summary>
internal static class SafekeepingEndpoints
{
    public const string Page = "/settings/safekeeping";

    public static void MapSafekeeping(this IEndpointRouteBuilder routes)
    {
        var forms = routes.MapGroup(Page).WithMetadata(new RequireAntiforgeryTokenAttribute()).AddEndpointFilter(RecentSignIn.Required);

        forms.MapPost("/backup", BackUpAsync);
        forms.MapPost("/drill", DrillAsync);
        forms.MapPost("/sheet", CheckSheetAsync).TakesKeys();
    }

    private static Task<Results<RedirectHttpResult, NotFound>> BackUpAsync(CurrentPerson current, ServerCare care, CancellationToken cancellationToken) =>
        OrderAsync(JobKind.Backup, current, care, cancellationToken);

    private static Task<Results<RedirectHttpResult, NotFound>> DrillAsync(CurrentPerson current, ServerCare care, CancellationToken cancellationToken) =>
        OrderAsync(JobKind.Drill, current, care, cancellationToken);

    private static async Task<Results<RedirectHttpResult, NotFound>> OrderAsync(
        JobKind kind, CurrentPerson current, ServerCare care, CancellationToken cancellationToken) =>
        await care.OrderAsync(await current.GetAsync(cancellationToken), kind, cancellationToken)
            ? TypedResults.LocalRedirect($"{Page}#jobs")
            : TypedResults.NotFound();

    // The form is bound whole: binding a field would put a value that does not parse into a log message.
    private static async Task<Results<RedirectHttpResult, NotFound>> CheckSheetAsync(
        IFormCollection form, CurrentPerson current, ServerCare care, CancellationToken cancellationToken) =>
        care.CheckSheet(await current.GetAsync(cancellationToken), form["sheet"].ToString()) is { } outcome
            ? TypedResults.LocalRedirect($"{Page}?sheet={Word(outcome)}#sheet")
            : TypedResults.NotFound();

    private static string Word(SheetOutcome outcome) => outcome switch
    {
        SheetOutcome.Right => "right",
        SheetOutcome.Other => "other",
        SheetOutcome.Wrong { Group: { } group } => string.Create(CultureInfo.InvariantCulture, $"{group}"),
        SheetOutcome.Wrong => "count",
        _ => throw new UnreachableException(),
    };
}
