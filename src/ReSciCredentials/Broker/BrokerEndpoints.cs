using System.Diagnostics;
using System.Globalization;
using System.Net.Mime;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>What the pages about tokens need beside their circuit: the answer that shows a token once, and exports.</summary>
internal static class BrokerEndpoints
{
    /// <summary>In bytes: a hundred lines of addresses, import types and streams each.</summary>
    private const long FormLimit = 256 * 1024;

    /// <summary>As for the overlay: parts of a multipart form would be spooled to disk.</summary>
    private const string FormType = MediaTypeNames.Application.FormUrlEncoded;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static void MapBroker(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/access-tokens").WithMetadata(new RequestSizeLimitMetadata(FormLimit));
        // Whoever finds an open browser must not get away with a token.
        tokens.MapPost("/make", MakeAsync).Accepts<IFormCollection>(FormType).AddEndpointFilter(RecentSignIn.Required);
        tokens.MapPost("/rotate", RotateAsync).Accepts<IFormCollection>(FormType).AddEndpointFilter(RecentSignIn.Required);

        var usage = routes.MapGroup("/usage");
        usage.MapGet("/{flow:int}.csv", ExportCsvAsync);
        usage.MapGet("/{flow:int}.jsonl", ExportJsonLinesAsync);
    }

    private static async Task<Ok<TokenAnswer>> MakeAsync(
        IFormCollection form,
        HttpContext context,
        CurrentPerson current,
        AccessTokens tokens,
        IOptions<ServerOptions> server,
        CancellationToken cancellationToken)
    {
        var input = new NewAccessToken(
            form["kind"] == "destination" ? FlowKind.Destination : FlowKind.Source,
            Number(form["flow"]),
            form["name"],
            form["expires"],
            form["importTypes"],
            form["streams"],
            form["addresses"],
            form["rate"],
            OperationIn(form),
            NoWelcomeMails: form["noWelcomeMails"].Count > 0);
        return Answer(await tokens.CreateAsync(await current.GetAsync(cancellationToken), input, cancellationToken), context, server.Value);
    }

    private static async Task<Ok<TokenAnswer>> RotateAsync(
        IFormCollection form,
        HttpContext context,
        CurrentPerson current,
        AccessTokens tokens,
        IOptions<ServerOptions> server,
        CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        var overlap = TimeSpan.FromHours(Number(form["overlap"]));
        return Answer(await tokens.RotateAsync(person, Number(form["token"]), overlap, OperationIn(form), cancellationToken), context, server.Value);
    }

    private static async Task ExportCsvAsync(
        int flow, int? token, HttpContext context, CurrentPerson current, UsageReader usage, CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        Offer(context, MediaTypeNames.Text.Csv, $"usage-{flow}.csv");
        await using var writer = new StreamWriter(context.Response.Body, new UTF8Encoding(false), bufferSize: 16 * 1024, leaveOpen: true);
        await writer.WriteAsync("at,token_id,token,method,endpoint,status,code,bytes_in,bytes_out,milliseconds\r\n");
        await foreach (var call in usage.ExportAsync(person, flow, token, cancellationToken))
        {
            await writer.WriteAsync(string.Create(
                CultureInfo.InvariantCulture,
                $"{call.At.UtcDateTime:O},{call.TokenId},{Quoted(call.Token)},{call.Method},{call.Endpoint},{call.Status},{call.Code},{call.BytesIn},{call.BytesOut},{call.Duration}\r\n"));
        }
    }

    private static async Task ExportJsonLinesAsync(
        int flow, int? token, HttpContext context, CurrentPerson current, UsageReader usage, CancellationToken cancellationToken)
    {
        var person = await current.GetAsync(cancellationToken);
        Offer(context, "application/jsonl", $"usage-{flow}.jsonl");
        await foreach (var call in usage.ExportAsync(person, flow, token, cancellationToken))
        {
            await JsonSerializer.SerializeAsync(
                context.Response.Body,
                new
                {
                    call.At,
                    call.TokenId,
                    call.Token,
                    call.Method,
                    call.Endpoint,
                    call.Status,
                    call.Code,
                    call.BytesIn,
                    call.BytesOut,
                    Milliseconds = call.Duration,
                },
                Json,
                cancellationToken);
            await context.Response.Body.WriteAsync("\n"u8.ToArray(), cancellationToken);
        }
    }

    private static void Offer(HttpContext context, string type, string fileName)
    {
        context.Response.ContentType = $"{type}; charset=utf-8";
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{fileName}\"";
    }

    /// <summary>A name that begins like a formula would be one in a spreadsheet.</summary>
    private static string Quoted(string text)
    {
        var harmless = text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' ? "'" + text : text;
        return $"\"{harmless.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private static int Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    // Without an operation a repeat cannot be told from a second wish: each then counts.
    private static Guid OperationIn(IFormCollection form) => Guid.TryParse(form["operation"], out var operation) ? operation : Guid.NewGuid();

    private static Ok<TokenAnswer> Answer(TokenOutcome outcome, HttpContext context, ServerOptions server)
    {
        // SecurityHeaders says so for every answer; of this one it must be said whatever becomes of that.
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(outcome switch
        {
            TokenOutcome.Made made => new TokenAnswer(
                "made",
                made.Id,
                made.Name,
                made.Token,
                Snippets.For(server.Origin ?? new Uri($"{context.Request.Scheme}://{context.Request.Host.ToUriComponent()}/"), made.Kind, made.Token)),
            TokenOutcome.MadeBefore before => new TokenAnswer("madeBefore", before.Id, before.Name),
            TokenOutcome.Invalid invalid => new TokenAnswer("invalid", Errors: invalid.Errors),
            TokenOutcome.NotFound => new TokenAnswer("gone"),
            TokenOutcome.Forbidden => new TokenAnswer("forbidden"),
            _ => throw new UnreachableException(),
        });
    }

    private sealed record RequestSizeLimitMetadata(long? MaxRequestBodySize) : IRequestSizeLimitMetadata;

    /// <summary>What the dialog's script reads.</summary>
    internal sealed record TokenAnswer(
        string Outcome,
        int? Id = null,
        string? Name = null,
        string? Token = null,
        IReadOnlyList<Snippet>? Snippets = null,
        IReadOnlyDictionary<string, string>? Errors = null);
}
