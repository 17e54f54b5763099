using System.Diagnostics;
using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ReSciCredentials.Access;

/// <summary>What the page of service keys needs beside its circuit: the answer that shows a key once.</summary>
internal static class ServiceKeyEndpoints
{
    /// <summary>Parts of a multipart form would be spooled to disk.</summary>
    private const string FormType = MediaTypeNames.Application.FormUrlEncoded;

    public static void MapServiceKeys(this IEndpointRouteBuilder routes)
    {
        var keys = routes.MapGroup("/service-keys").AddEndpointFilter(RecentSignIn.Required);
        keys.MapPost("/make", MakeAsync).Accepts<IFormCollection>(FormType);
        keys.MapPost("/rotate", RotateAsync).Accepts<IFormCollection>(FormType);
    }

    private static async Task<Ok<ServiceKeyAnswer>> MakeAsync(
        IFormCollection form, HttpContext context, Person person, ServiceKeys keys, CancellationToken cancellationToken) =>
        Answer(
            await keys.CreateAsync(person, new NewServiceKey(form["name"], form["expires"], form["scope"], OperationIn(form)), cancellationToken),
            context);

    private static async Task<Ok<ServiceKeyAnswer>> RotateAsync(
        IFormCollection form, HttpContext context, Person person, ServiceKeys keys, CancellationToken cancellationToken) =>
        Answer(
            await keys.RotateAsync(person, Number(form["key"]), TimeSpan.FromHours(Number(form["overlap"])), OperationIn(form), cancellationToken),
            context);

    private static int Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    // Without an operation a repeat cannot be told from a second wish: each then counts.
    private static Guid OperationIn(IFormCollection form) => Guid.TryParse(form["operation"], out var operation) ? operation : Guid.NewGuid();

    private static Ok<ServiceKeyAnswer> Answer(ServiceKeyOutcome outcome, HttpContext context)
    {
        // SecurityHeaders says so for every answer; of this one it must be said whatever becomes of that.
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(outcome switch
        {
            ServiceKeyOutcome.Made made => new ServiceKeyAnswer("made", made.Id, made.Name, made.Key),
            ServiceKeyOutcome.MadeBefore before => new ServiceKeyAnswer("madeBefore", before.Id, before.Name),
            ServiceKeyOutcome.Invalid invalid => new ServiceKeyAnswer("invalid", Errors: invalid.Errors),
            ServiceKeyOutcome.NotFound => new ServiceKeyAnswer("gone"),
            _ => throw new UnreachableException(),
        });
    }

    /// <summary>What the dialog's script reads.</summary>
    internal sealed record ServiceKeyAnswer(
        string Outcome, int? Id = null, string? Name = null, string? Token = null, IReadOnlyDictionary<string, string>? Errors = null)
    {
        // Somebody will print this one day.
        public override string ToString() => nameof(ServiceKeyAnswer);
    }
}
