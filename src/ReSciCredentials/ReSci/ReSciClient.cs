using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Options;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;

namespace ReSciCredentials.ReSci;

/// <summary>
/// Asks ReSci about a key. Whatever ReSci does comes back as a verdict; nothing is repeated, followed, kept or logged of what it sends.
/// </summary>
internal sealed partial class ReSciClient(HttpClient http, IOptions<ReSciOptions> options, TimeProvider time, ILogger<ReSciClient> logger)
{
    private const int MostBytes = 64 * 1024;

    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromDays(1);

    /// <summary>Tests a key with a call that reads and changes nothing.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up. A time limit is a verdict, not an exception.</exception>
    public async Task<Verdict> ProbeAsync(Secret key, CancellationToken cancellationToken) =>
        (await GetAsync(key, options.Value.ProbePath, cancellationToken)).Verdict;

    /// <summary>Reads a few records from the endpoint of a source, to look at.</summary>
    /// <exception cref="ArgumentException">The endpoint is one of a destination.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<SampleResult> FetchSampleAsync(Secret key, ReSciEndpoint endpoint, CancellationToken cancellationToken)
    {
        if (endpoint.Kind is not FlowKind.Source)
        {
            throw new ArgumentException($"{endpoint.Name} writes data; there is nothing to sample.", nameof(endpoint));
        }

        var (verdict, body, answer) = await GetAsync(key, endpoint.Path, cancellationToken);
        return new SampleResult(verdict, answer is null ? null : Sample.From(body, answer, new Redaction(key.Reveal())));
    }

    /// <summary>Asks without a key whether ReSci answers at all, whatever it says.</summary>
    /// <returns>The step that failed; null when there was an answer.</returns>
    /// <exception cref="OperationCanceledException">The caller gave up.</exception>
    public async Task<VerdictStep?> ReachAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(options.Value.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            using var response = await http.GetAsync(new Uri("", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, either.Token);
            return null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return StepOf(exception);
        }
    }

    private async Task<Answer> GetAsync(Secret key, string path, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        using var deadline = new CancellationTokenSource(options.Value.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.TryAddWithoutValidation("Authorization", "ApiKey " + Encoding.ASCII.GetString(key.Reveal()));
        request.Headers.TryAddWithoutValidation("Accept", "application/json");

        Answer result;
        int? status = null;
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            status = (int)response.StatusCode;
            result = await JudgeAsync(response, either.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // The exception ends here: its text may carry a value.
            result = new Answer(new Verdict(StepOf(exception), status, default));
        }

        var verdict = result.Verdict with { Latency = time.GetElapsedTime(started) };
        LogVerdict(verdict.Outcome, verdict.Step, verdict.HttpStatus, (long)verdict.Latency.TotalMilliseconds);
        return result with { Verdict = verdict };
    }

    private async Task<Answer> JudgeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (!response.IsSuccessStatusCode)
        {
            return new Answer(new Verdict(StepOf(status), status, default, RetryAfterOf(response)));
        }

        var buffer = new byte[MostBytes];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        var json = JsonAnswer.Read(buffer.AsSpan(0, length), ended: length < buffer.Length);
        return json is null
            ? new Answer(new Verdict(VerdictStep.OddAnswer, status, default))
            : new Answer(
                new Verdict(VerdictStep.Accepted, status, default, Records: json.Whole ? json.Records.Count : null),
                buffer.AsMemory(0, length),
                json);
    }

    private static VerdictStep StepOf(int status) => status switch
    {
        >= 300 and < 400 => VerdictStep.Redirect,
        401 => VerdictStep.Refused,
        403 => VerdictStep.NotAllowed,
        404 or 405 => VerdictStep.WrongAddress,
        408 => VerdictStep.Timeout,
        429 => VerdictStep.RateLimited,
        >= 500 and < 600 => VerdictStep.ServerError,
        _ => VerdictStep.UnexpectedStatus,
    };

    private static VerdictStep StepOf(Exception exception) => exception switch
    {
        OperationCanceledException => VerdictStep.Timeout,
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => VerdictStep.Address,
        // .NET calls it a failed connection when the name server cannot be reached; to a person the address was not found.
        HttpRequestException { InnerException: SocketException { SocketErrorCode: SocketError.TryAgain or SocketError.NoRecovery } } =>
            VerdictStep.Address,
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => VerdictStep.Tls,
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded }
            or HttpIOException { HttpRequestError: HttpRequestError.InvalidResponse } => VerdictStep.OddAnswer,
        _ => VerdictStep.Connection,
    };

    private TimeSpan? RetryAfterOf(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter is { } header ? header.Delta ?? (header.Date - time.GetUtcNow()) : null;
        return asked is not { } wait || wait < TimeSpan.Zero ? null : wait < LongestRetryAfter ? wait : LongestRetryAfter;
    }

    [LoggerMessage(LogLevel.Information, "ReSci was asked about a key: {Outcome} ({Step}), HTTP status {HttpStatus}, {Milliseconds} ms")]
    private partial void LogVerdict(VerdictOutcome outcome, VerdictStep step, int? httpStatus, long milliseconds);

    /// <summary>A verdict, and, when ReSci accepted the key, what it sent.</summary>
    private readonly record struct Answer(Verdict Verdict, ReadOnlyMemory<byte> Body = default, JsonAnswer? Json = null);
}
