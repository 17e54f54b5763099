using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace ReSciSandbox;

/// <summary>An import job. Assumption: every field name; no source shows one.</summary>
internal sealed record ImportJob(
    int Id, string ImportType, string Status, IReadOnlyList<string> Streams, long Bytes, DateTimeOffset CreatedAt);

/// <summary>The import jobs of the sandbox's one site. Kept in memory, the newest thousand.</summary>
internal sealed class ImportJobs
{
    private const int PageSize = 10;
    private const int Kept = 1000;
    private const int Seeded = 37;
    private const int LongestImportType = 200;

    private static readonly string[][] SampleStreams = [["users"], ["users", "orders"], ["items", "categories"], ["orders", "order_items"]];

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly LinkedList<ImportJob> _newestFirst = [];
    private int _lastId = 48_200;

    public ImportJobs(TimeProvider time)
    {
        _time = time;
        var now = time.GetUtcNow();
        for (var i = 0; i < Seeded; i++)
        {
            var status = i % 9 == 4 ? "failed" : "completed";
            var bytes = 18_000 + (i * 7919 % 90_000);
            Add("singer_import_config", status, SampleStreams[i % SampleStreams.Length], bytes, now.AddHours(-8 * (Seeded - i)));
        }
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v3/import_jobs", ListAsync);
        routes.MapPost("/v3/import_jobs", CreateAsync);
        // Assumption: a single job can be read; a client must learn somehow that its import is done.
        routes.MapGet("/v3/import_jobs/{id:int}", ReadAsync);
    }

    /// <summary>Known: newest first, ten at a time. Assumption: the envelope, and <c>page</c> as the parameter.</summary>
    private Task ListAsync(HttpContext context)
    {
        if (!int.TryParse(context.Request.Query["page"].FirstOrDefault("1"), NumberStyles.None, CultureInfo.InvariantCulture, out var page)
            || page is < 1 or > Kept)
        {
            return Behaviour.AnswerAsync(context, StatusCodes.Status400BadRequest, "page must be a number from 1.");
        }

        ImportJob[] jobs;
        int total;
        lock (_lock)
        {
            jobs = [.. _newestFirst.Skip((page - 1) * PageSize).Take(PageSize)];
            total = _newestFirst.Count;
        }

        return context.Response.WriteAsJsonAsync(
            new { ImportJobs = jobs, Page = page, PerPage = PageSize, Total = total },
            Behaviour.Json,
            context.RequestAborted);
    }

    private Task ReadAsync(HttpContext context)
    {
        var id = int.Parse((string)context.Request.RouteValues["id"]!, CultureInfo.InvariantCulture);
        ImportJob? job;
        lock (_lock)
        {
            job = _newestFirst.FirstOrDefault(j => j.Id == id);
        }

        return job is null
            ? Behaviour.AnswerAsync(context, StatusCodes.Status404NotFound, "There is no such import job.")
            : context.Response.WriteAsJsonAsync(job, Behaviour.Json, context.RequestAborted);
    }

    /// <summary>
    /// Known: multipart, one file part a stream, and a text part <c>import_type</c> that is required.
    /// Assumption: 400 without it, and the answer's body.
    /// </summary>
    private async Task CreateAsync(HttpContext context)
    {
        var contentType = MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var parsed) ? parsed : null;
        var boundary = HeaderUtilities.RemoveQuotes(contentType?.Boundary ?? default);
        if (!"multipart/form-data".Equals(contentType?.MediaType.Value, StringComparison.OrdinalIgnoreCase) || !boundary.HasValue)
        {
            await Behaviour.AnswerAsync(context, StatusCodes.Status415UnsupportedMediaType, "Send multipart/form-data.");
            return;
        }

        string? importType = null;
        List<string> streams = [];
        long bytes = 0;
        try
        {
            var reader = new MultipartReader(boundary.Value, context.Request.Body);
            while (await reader.ReadNextSectionAsync(context.RequestAborted) is { } section)
            {
                var name = section.GetContentDispositionHeader()?.Name.Value?.Trim('"');
                if (name == "import_type")
                {
                    importType = await ReadTextAsync(section.Body, context.RequestAborted);
                }
                else
                {
                    streams.Add(name ?? "");
                    bytes += await CountAsync(section.Body, context.RequestAborted);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            await Behaviour.AnswerAsync(context, StatusCodes.Status400BadRequest, "The multipart body is malformed.");
            return;
        }

        if (string.IsNullOrWhiteSpace(importType))
        {
            await Behaviour.AnswerAsync(context, StatusCodes.Status400BadRequest, "import_type is required.");
            return;
        }

        var job = Add(importType, "queued", streams, bytes, _time.GetUtcNow());
        context.Response.StatusCode = StatusCodes.Status201Created;
        await context.Response.WriteAsJsonAsync(job, Behaviour.Json, context.RequestAborted);
    }

    private static async Task<string> ReadTextAsync(Stream part, CancellationToken cancellationToken)
    {
        var text = new char[LongestImportType];
        using var reader = new StreamReader(part, leaveOpen: true);
        return new string(text, 0, await reader.ReadBlockAsync(text.AsMemory(), cancellationToken));
    }

    private static async Task<long> CountAsync(Stream part, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        while (await part.ReadAsync(buffer, cancellationToken) is var read and > 0)
        {
            total += read;
        }

        return total;
    }

    private ImportJob Add(string importType, string status, IReadOnlyList<string> streams, long bytes, DateTimeOffset createdAt)
    {
        lock (_lock)
        {
            var job = new ImportJob(++_lastId, importType, status, streams, bytes, createdAt);
            _newestFirst.AddFirst(job);
            if (_newestFirst.Count > Kept)
            {
                _newestFirst.RemoveLast();
            }

            return job;
        }
    }
}
