using System.Text.Json;
using System.Text.Json.Serialization;
using ReSciCredentials.Access;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Credentials;

/// <summary>
/// Where the import page sends a file: once for a preview, and once more to import it. Nothing is kept between. The answer is a line of JSON for each row,
/// sent when the row is done, and a last line that says whether all were.
/// </summary>
internal static class ImportEndpoints
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void MapCredentialImport(this IEndpointRouteBuilder routes)
    {
        var import = routes.MapGroup("/credentials/import");

        import.MapPost("/preview", PreviewAsync).TakesFile();
        import.MapPost("/run", RunAsync).TakesFile();
    }

    private static Task PreviewAsync(HttpContext http, CurrentPerson current, CredentialImport import, CancellationToken cancellationToken) =>
        AnswerAsync(http, current, import.PreviewAsync, CancellationToken.None, cancellationToken);

    private static Task RunAsync(
        Guid id,
        bool? duplicates,
        bool? unverified,
        HttpContext http,
        CurrentPerson current,
        CredentialImport import,
        IHostApplicationLifetime lifetime,
        CancellationToken cancellationToken)
    {
        var wishes = new ImportWishes(id, duplicates ?? false, unverified ?? false);
        // A server that stops does not wait for it: what is left is imported when the file is sent again.
        return AnswerAsync(
            http, current, (person, file, gone) => import.RunAsync(person, file, wishes, gone), lifetime.ApplicationStopping, cancellationToken);
    }

    private static async Task AnswerAsync(
        HttpContext http,
        CurrentPerson current,
        Func<Person, CredentialFile, CancellationToken, IAsyncEnumerable<ImportedRow>> import,
        CancellationToken stopping,
        CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        using var file = await CredentialFile.ReadAsync(http.Request.Body, cancellationToken);
        if (file is null)
        {
            http.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return;
        }

        http.Response.ContentType = "application/x-ndjson";
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, stopping);
        var end = file.FindFault() is { } fault
            ? new Ending("faulty", fault)
            : await WriteRowsAsync(http.Response.Body, import(person, file, either.Token), current, stopping, cancellationToken);
        await WriteAsync(http.Response.Body, end, cancellationToken);
    }

    private static async Task<Ending> WriteRowsAsync(
        Stream body, IAsyncEnumerable<ImportedRow> rows, CurrentPerson current, CancellationToken stopping, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var row in rows.WithCancellation(cancellationToken))
            {
                await WriteAsync(body, row, cancellationToken);
                // Minutes may pass: who was signed out meanwhile imports nothing more.
                await current.GetAsync(cancellationToken);
            }

            return new Ending("done");
        }
        catch (SignedOutException)
        {
            return new Ending("ended");
        }
        catch (Exception exception) when (exception is ServerSealedException or WritesRefusedException
            || (exception is OperationCanceledException && stopping.IsCancellationRequested))
        {
            return new Ending("unavailable");
        }
    }

    private static async Task WriteAsync<T>(Stream body, T line, CancellationToken cancellationToken)
    {
        await JsonSerializer.SerializeAsync(body, line, Json, cancellationToken);
        await body.WriteAsync("\n"u8.ToArray(), cancellationToken);
        await body.FlushAsync(cancellationToken);
    }

    /// <summary>The last line.</summary>
    /// <param name="End">Whether all rows were gone through, or why not.</param>
    private sealed record Ending(string End, string? Text = null);
}
