using System.Net.Mime;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ReSciCredentials.Broker;

/// <summary>
/// An answer of our own in place of ReSci's. Clients such as target-resci repeat a 5xx up to eight times and give up at once on a 4xx,
/// so the status says whether repeating can help, and on writes whether it is safe.
/// </summary>
/// <param name="Code">The header <c>X-Broker-Error</c>: nobody takes the answer for ReSci's.</param>
internal sealed record BrokerError(int Status, string Code, string Message)
{
    public const string Header = "X-Broker-Error";

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private byte[]? _body;

    /// <summary>One text for unknown, expired and revoked: whoever tries tokens learns nothing.</summary>
    public static BrokerError TokenInvalid { get; } = new(
        401, "token_invalid", "This access token is not valid. Make a new one on the page of the source or destination and put it where the API key was.");

    public static BrokerError NotAllowed { get; } = new(403, "not_allowed", "This access token may not do this: a source's token reads, a destination's writes.");

    public static BrokerError AddressNotAllowed { get; } = new(403, "not_allowed", "This access token may not be used from this network address.");

    public static BrokerError ImportTypeNotAllowed { get; } = new(403, "not_allowed", "This access token may not send this import_type.");

    public static BrokerError StreamNotAllowed { get; } = new(403, "not_allowed", "This access token may not send this stream.");

    public static BrokerError UsersNotAllowed { get; } = new(
        403, "not_allowed", "This access token is limited to import types or streams and writes no users one by one.");

    public static BrokerError WelcomeMailNotAllowed { get; } = new(
        403, "not_allowed", $"This access token may not let ReSci send welcome mails: every user needs \"{WelcomeMails.Field}\": false.");

    public static BrokerError UsersUnsupported { get; } = new(
        415,
        "unsupported_body",
        $"This access token may not let ReSci send welcome mails, and so the broker must be able to look into what it writes: send a JSON object, or an array of them, of at most 1 MB, in plain application/json, with \"{WelcomeMails.Field}\": false once in each.");

    public static BrokerError NotShared { get; } = new(
        403, "not_allowed", "The credential is no longer shared with the owner of this source or destination. Share it again, or choose another credential on its page.");

    public static BrokerError NoCredential { get; } = new(
        403, "not_allowed", "The source or destination of this access token has no credential yet. Choose one on its page.");

    public static BrokerError Paused { get; } = new(403, "paused", "The source or destination of this access token is paused. Activate it on its page.");

    public static BrokerError BadPath { get; } = new(
        400, "bad_path", "The address holds something that no address of ReSci's needs: escapes, dots, double slashes, or parameters where there are none.");

    public static BrokerError NoSuchEndpoint { get; } = new(404, "no_such_endpoint", "The broker passes on no such address of ReSci's.");

    public static BrokerError CallIsOff { get; } = new(
        404, "no_such_endpoint", "ReSci does not document this call, so it is switched off. Whoever runs the server can switch it on with Broker:AssumedCalls.");

    /// <summary>One text for a job that others made and one that was never made: whoever tries ids learns nothing.</summary>
    public static BrokerError NoSuchJob { get; } = new(404, "no_such_job", "There is no import job with this id that was made with this access token.");

    public static BrokerError MethodNotAllowed { get; } = new(405, "method_not_allowed", "This address is not used with this method.");

    public static BrokerError RateLimited { get; } = new(429, "rate_limited", "Too many calls. Wait as long as Retry-After says.");

    public static BrokerError UnsupportedBody { get; } = new(
        415, "unsupported_body", "This call takes no body, or this access token is limited and cannot look into it: send plain multipart/form-data with import_type as its first part.");

    public static BrokerError BadBody { get; } = new(400, "bad_body", "The body of the call broke off or is malformed.");

    public static BrokerError BadHeader { get; } = new(400, "bad_header", "A header of the call holds something that is not plain text.");

    public static BrokerError KeyRejected { get; } = new(
        424, "upstream_key_rejected", "ReSci refused the stored API key. Whoever owns the credential must replace it; repeating does not help.");

    public static BrokerError Undecryptable { get; } = new(
        424, "undecryptable", "The stored API key does not open. Whoever owns the credential must replace it; repeating does not help.");

    public static BrokerError Unreachable { get; } = new(502, "upstream_unreachable", "ReSci could not be reached. Try again later.");

    public static BrokerError Tls { get; } = new(502, "upstream_tls", "The secure connection to ReSci failed. Try again later.");

    public static BrokerError Timeout { get; } = new(504, "upstream_timeout", "ReSci gave no answer in time. A write may have arrived all the same.");

    public static BrokerError Busy { get; } = new(503, "busy", "Too many calls at the same time. Try again in a moment.");

    public static BrokerError Sealed { get; } = new(503, "sealed", "The server is sealed and cannot open its keys. Whoever runs it must put the recovery key back.");

    public static BrokerError Draining { get; } = new(503, "draining", "The server is stopping. Try again in a moment.");

    public static BrokerError AuditUnavailable { get; } = new(503, "audit_unavailable", "The call could not be recorded, so it was not made. Try again later.");

    public static BrokerError Internal { get; } = new(500, "internal", "The broker failed. What happened is in the server's log.");

    /// <summary>Of a read ReSci may be asked again; a write must never be repeated by itself.</summary>
    public static BrokerError Redirect(bool write) => write ? RedirectOfWrite : RedirectOfRead;

    public static BrokerError Answer(bool write) => write ? AnswerOfWrite : AnswerOfRead;

    private static BrokerError RedirectOfRead { get; } = new(502, "upstream_redirect", "ReSci pointed to another address, which is never followed.");

    private static BrokerError RedirectOfWrite { get; } =
        new(424, "upstream_redirect", "ReSci pointed to another address, which is never followed. Look at ReSci whether the data arrived before sending them again.");

    private static BrokerError AnswerOfRead { get; } = new(502, "upstream_answer", "ReSci's answer could not be passed on.");

    private static BrokerError AnswerOfWrite { get; } =
        new(424, "upstream_answer", "ReSci's answer could not be passed on. Look at ReSci whether the data arrived before sending them again.");

    /// <param name="retryAfter">In seconds; null for none.</param>
    public Task WriteAsync(HttpContext context, int? retryAfter)
    {
        var response = context.Response;
        response.StatusCode = Status;
        response.Headers[Header] = Code;
        if (retryAfter is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (Status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "ApiKey";
        }

        _body ??= JsonSerializer.SerializeToUtf8Bytes(new { message = Message }, Json);
        response.ContentType = MediaTypeNames.Application.Json;
        response.ContentLength = _body.Length;
        // Not cancelled when the client leaves: this ends by itself, and throws for nobody.
        return response.Body.WriteAsync(_body, CancellationToken.None).AsTask();
    }
}
