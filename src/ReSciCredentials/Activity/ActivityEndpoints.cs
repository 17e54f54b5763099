using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;
using ReSciCredentials.Access;

namespace ReSciCredentials.Activity;

internal static class ActivityEndpoints
{
    public static void MapActivity(this IEndpointRouteBuilder routes) =>
        // A form, not a link: it is written down that somebody took the entries away, and no foreign page may do that in their name.
        routes.MapPost("/activity/export", ExportAsync).WithMetadata(new RequireAntiforgeryTokenAttribute());

    private static async Task<Results<PushStreamHttpResult, BadRequest>> ExportAsync(
        IFormCollection form, CurrentPerson current, ActivityExport export, CancellationToken cancellationToken)
    {
        ActivityFormat? format = form["format"].ToString() switch
        {
            "jsonl" => ActivityFormat.JsonLines,
            "csv" => ActivityFormat.Csv,
            _ => null,
        };
        if (format is not { } chosen)
        {
            return TypedResults.BadRequest();
        }

        var person = await current.GetAsync(cancellationToken);
        var filter = ActivityFilter.Parse(name => form[name]);
        var begin = await export.BeginAsync(person, chosen, cancellationToken);
        return TypedResults.Stream(
            target => export.WriteAsync(person, filter, chosen, begin, target, cancellationToken),
            chosen is ActivityFormat.Csv ? "text/csv; charset=utf-8" : "application/jsonl; charset=utf-8",
            $"activity.{ActivityExport.NameOf(chosen)}");
    }
}
