using System.Net;
using Microsoft.AspNetCore.Http.Features;
using ReSciCredentials.ReSci;
using Yarp.ReverseProxy.Forwarder;

namespace ReSciCredentials.Broker;

/// <summary>
/// One call on its way through. Nothing of the request or the answer is taken over unless it stands here: what ReSci gets is built anew,
/// and what the client gets is looked through for the key.
/// </summary>
/// <param name="madeJob">Told the id of the job that the call made, before the client is; null when nobody wants to know.</param>
internal sealed class Passage(ReSciCall call, Uri address, OpenKey key, CountedUpload? upload, Func<string, Task>? madeJob) : HttpTransformer, IDisposable
{
    private static readonly string[] RequestHeaders = ["Accept", "Accept-Language", "If-None-Match", "Idempotency-Key"];

    private static readonly string[] ContentHeaders = ["Content-Type", "Content-Length", "Content-Encoding"];

    /// <summary>How the names of encodings begin in which ASCII stays what it is, so that the key can be found.</summary>
    private static readonly string[] PlainCharsets = ["utf-8", "utf8", "us-ascii", "ascii", "iso-8859-", "latin1", "windows-12"];

    private static readonly HashSet<string> AnswerHeaders = new(StringComparer.OrdinalIgnoreCase)
    {
        "Content-Language", "Content-Length", "Content-Type", "ETag", "Last-Modified", "Retry-After",
        "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-Id",
    };

    private GuardedBody? _body;

    /// <summary>What to answer in place of ReSci's answer.</summary>
    public BrokerError? Error { get; private set; }

    /// <summary>The client did not wait for the end.</summary>
    public bool ClientLeft { get; private set; }

    public long BytesIn => upload?.Passed ?? 0;

    public long BytesOut => _body?.Passed ?? 0;

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = address;
        var headers = httpContext.Request.Headers;
        if (!TryCopy(headers, RequestHeaders, proxyRequest.Headers)
            || (proxyRequest.Content is { } content && !TryCopy(headers, ContentHeaders, content.Headers)))
        {
            Error = BrokerError.BadHeader;
            // The forwarder does not send what is answered already.
            httpContext.Response.StatusCode = Error.Status;
            return ValueTask.CompletedTask;
        }

        // The echo guard reads plain text only.
        proxyRequest.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        proxyRequest.Headers.TryAddWithoutValidation("Authorization", key.Authorization);
        return ValueTask.CompletedTask;
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return false;
        }

        // Free text from ReSci; the forwarder has taken it over already.
        httpContext.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = null;
        Error = ErrorIn(proxyResponse, httpContext.Request);
        if (Error is not null || !CopyHeaders(proxyResponse, httpContext.Response.Headers))
        {
            Error ??= BrokerError.Answer(call.IsWrite);
            return false;
        }

        _body = new GuardedBody(await proxyResponse.Content.ReadAsStreamAsync(cancellationToken), key.Spellings, httpContext.RequestAborted);
        proxyResponse.Content = new GuardedContent(proxyResponse.Content, _body);
        try
        {
            var makesJob = madeJob is not null && proxyResponse.IsSuccessStatusCode;
            await _body.BeginAsync(all: makesJob, cancellationToken);
            if (makesJob && MadeJobAnswer.IdIn(_body.Beginning) is { } job)
            {
                await madeJob!(job);
            }

            return true;
        }
        catch (KeyEchoedException)
        {
            Error = BrokerError.Answer(call.IsWrite);
            return false;
        }
    }

    public void Dispose() => _body?.Dispose();

    /// <summary>No trailers: they come when it is too late to look.</summary>
    public override ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>Says why there is no answer, or none that went through to its end.</summary>
    /// <param name="aborted">The connection to the client is gone. When an answer breaks off, it is the forwarder that cuts it.</param>
    public void Ended(ForwarderError error, Exception? cause, bool aborted)
    {
        // ReSci may answer before it has read everything, and not read on.
        if (error is ForwarderError.None || Error is not null || _body is { IsWhole: true })
        {
            return;
        }

        ClientLeft = error switch
        {
            ForwarderError.ResponseBodyClient => true,
            ForwarderError.ResponseBodyDestination => false,
            _ when _body is { StoodStill: true } => false,
            ForwarderError.ResponseBodyCanceled => true,
            _ => aborted,
        };
        if (!ClientLeft)
        {
            Error = ErrorOf(error, cause);
        }
    }

    /// <summary>False when one of them holds what HTTP has no meaning for.</summary>
    private static bool TryCopy(IHeaderDictionary source, string[] names, System.Net.Http.Headers.HttpHeaders target)
    {
        foreach (var name in names)
        {
            if (!source.TryGetValue(name, out var values))
            {
                continue;
            }

            foreach (var value in values)
            {
                if (value.AsSpan().ContainsAnyExceptInRange(' ', '~'))
                {
                    return false;
                }

                target.TryAddWithoutValidation(name, value);
            }
        }

        return true;
    }

    private BrokerError? ErrorIn(HttpResponseMessage answer, HttpRequest request) => answer.StatusCode switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => BrokerError.KeyRejected,
        HttpStatusCode.NotModified when request.Headers.IfNoneMatch.Count > 0 => null,
        >= HttpStatusCode.Ambiguous and < HttpStatusCode.BadRequest => BrokerError.Redirect(call.IsWrite),
        < HttpStatusCode.OK or > (HttpStatusCode)599 => BrokerError.Answer(call.IsWrite),
        _ => IsPlain(answer) ? null : BrokerError.Answer(call.IsWrite),
    };

    /// <summary>Whether a key in it would be seen.</summary>
    private static bool IsPlain(HttpResponseMessage answer)
    {
        var content = answer.Content.Headers.NonValidated;
        return Has(content, "Content-Encoding", static encoding => encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            && Has(answer.Headers.NonValidated, "Transfer-Encoding", static encoding => encoding.Equals("chunked", StringComparison.OrdinalIgnoreCase))
            && Has(content, "Content-Type", static type => IsPlainType(type));

        static bool Has(System.Net.Http.Headers.HttpHeadersNonValidated headers, string name, Func<string, bool> only)
        {
            if (headers.TryGetValues(name, out var values))
            {
                foreach (var value in values)
                {
                    if (!only(value))
                    {
                        return false;
                    }
                }
            }

            return true;
        }
    }

    private static bool IsPlainType(string type)
    {
        const string Parameter = "charset=";
        var at = type.IndexOf(Parameter, StringComparison.OrdinalIgnoreCase);
        return at < 0 || Array.Exists(
            PlainCharsets, name => type.AsSpan(at + Parameter.Length).TrimStart('"').StartsWith(name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>False when one of them holds the key.</summary>
    private bool CopyHeaders(HttpResponseMessage answer, IHeaderDictionary target)
    {
        return Copy(answer.Headers.NonValidated) && Copy(answer.Content.Headers.NonValidated);

        bool Copy(System.Net.Http.Headers.HttpHeadersNonValidated source)
        {
            foreach (var (name, values) in source)
            {
                // A header that would be left out anyway need not be looked at.
                if (!AnswerHeaders.Contains(name))
                {
                    continue;
                }

                var value = values.ToString();
                if (key.Spellings.IsIn(value))
                {
                    return false;
                }

                target[name] = value;
            }

            return true;
        }
    }

    private BrokerError ErrorOf(ForwarderError error, Exception? cause) => error switch
    {
        ForwarderError.RequestBodyClient => Find<UploadRefusedException>(cause)?.Error ?? BrokerError.BadBody,
        _ when _body is { StoodStill: true } => BrokerError.Timeout,
        ForwarderError.RequestBodyCanceled => BrokerError.Timeout,
        ForwarderError.RequestTimedOut => Find<TimeoutException>(cause) is null ? BrokerError.Timeout : BrokerError.Unreachable,
        ForwarderError.ResponseHeaders when Find<OperationCanceledException>(cause) is not null => BrokerError.Timeout,
        ForwarderError.RequestBodyDestination or ForwarderError.Request => Find<HttpRequestException>(cause)?.HttpRequestError switch
        {
            HttpRequestError.SecureConnectionError => BrokerError.Tls,
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.VersionNegotiationError
                or HttpRequestError.HttpProtocolError => BrokerError.Answer(call.IsWrite),
            _ => BrokerError.Unreachable,
        },
        _ => BrokerError.Answer(call.IsWrite),
    };

    /// <summary>Looks for a cause in all that the forwarder put around it.</summary>
    private static T? Find<T>(Exception? exception)
        where T : Exception => exception switch
        {
            null => null,
            T found => found,
            AggregateException several => several.InnerExceptions.Select(Find<T>).FirstOrDefault(found => found is not null),
            _ => Find<T>(exception.InnerException),
        };
}
