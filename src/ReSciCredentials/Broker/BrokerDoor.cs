using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using ReSciCredentials.Access;
using ReSciCredentials.ReSci;
using ReSciCredentials.Secrets;
using ReSciCredentials.Storage;
using Yarp.ReverseProxy.Forwarder;

namespace ReSciCredentials.Broker;

/// <summary>
/// Everything under <c>/resci/</c>: checks the token and what it may do, puts the real key in its place, and lets the call through. It stands before pages,
/// cookies and sessions, which have nothing to do with it.
/// </summary>
internal sealed partial class BrokerDoor
{
    private static readonly OwnContentPolicy Sandbox = new("default-src 'none'; frame-ancestors 'none'; sandbox");

    private readonly TokenTable _tokens;
    private readonly OpenKeys _keys;
    private readonly WrongTokens _wrongTokens;
    private readonly Usage _usage;
    private readonly Alarms _alarms;
    private readonly MadeJobs _jobs;
    private readonly BrokerMetrics _metrics;
    private readonly UpstreamClient _upstream;
    private readonly IHttpForwarder _forwarder;
    private readonly ServerSeal _seal;
    private readonly TimeProvider _time;
    private readonly BrokerOptions _options;
    private readonly ILogger<BrokerDoor> _logger;
    private readonly CancellationToken _stopping;
    private int _inFlight;

    /// <param name="next">Not called: nothing else is under this path.</param>
    public BrokerDoor(
        RequestDelegate next,
        TokenTable tokens,
        OpenKeys keys,
        WrongTokens wrongTokens,
        Usage usage,
        Alarms alarms,
        MadeJobs jobs,
        BrokerMetrics metrics,
        UpstreamClient upstream,
        IHttpForwarder forwarder,
        ServerSeal seal,
        TimeProvider time,
        IOptions<BrokerOptions> options,
        IHostApplicationLifetime lifetime,
        ILogger<BrokerDoor> logger)
    {
        _ = next;
        (_tokens, _keys, _wrongTokens, _usage, _alarms, _jobs, _metrics) = (tokens, keys, wrongTokens, usage, alarms, jobs, metrics);
        (_upstream, _forwarder, _seal, _time, _logger) = (upstream, forwarder, seal, time, logger);
        _options = options.Value;
        _stopping = lifetime.ApplicationStopping;
    }

    public async Task InvokeAsync(HttpContext context)
    {
        context.Features.Set(Sandbox);
        var arrived = _time.GetTimestamp();
        var error = _seal.Reason is not null ? BrokerError.Sealed
            : _stopping.IsCancellationRequested ? BrokerError.Draining
            : null;
        if (error is not null)
        {
            await RefuseAsync(context, error, 1);
            return;
        }

        _metrics.Entered();
        try
        {
            await LetInAsync(context, arrived);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for an answer.
        }
        catch (Exception exception)
        {
            // Nobody else answers under this path, and no answer may look like ReSci's.
            LogFailed(exception);
            await FailAsync(context, BrokerError.Internal);
        }
        finally
        {
            _metrics.Left();
        }
    }

    private async Task LetInAsync(HttpContext context, long arrived)
    {
        if (await FindAsync(context) is not { } entry)
        {
            await RefuseStrangerAsync(context);
            return;
        }

        // Who goes on with a token that is over is told so a few times, and recorded, and then is like any stranger: the records of others must not be pushed out.
        if (entry.IsOver(_time.GetUtcNow()) && !_wrongTokens.TryTake(context.Connection.RemoteIpAddress, _options.WrongTokensPerMinute, out var wait))
        {
            await RefuseAsync(context, BrokerError.RateLimited, SecondsOf(wait));
            return;
        }

        var record = new BrokerCall
        {
            TokenId = entry.TokenId,
            FlowId = entry.FlowId,
            // Without a credential the call is refused below.
            CredentialId = entry.CredentialId ?? 0,
            At = _time.GetUtcNow(),
            Method = KnownMethod(context.Request.Method),
        };
        var (refusal, retryAfter) = (default(BrokerError), default(int?));
        try
        {
            if (Interlocked.Increment(ref _inFlight) > _options.CallsAtOnce)
            {
                (refusal, retryAfter) = (BrokerError.Busy, 1);
            }
            else if (!entry.State.TryEnter(_options.CallsAtOncePerToken))
            {
                (refusal, retryAfter) = (BrokerError.Busy, 1);
            }
            else
            {
                try
                {
                    (refusal, retryAfter) = Judge(context, entry, record, out var call, out var id, out var address);
                    if (refusal is null && call!.Kind != entry.Kind && !await _jobs.WasMadeByAsync(entry.TokenId, id!, context.RequestAborted))
                    {
                        refusal = BrokerError.NoSuchJob;
                    }

                    if (refusal is null)
                    {
                        await PassAsync(context, entry, record, call!, address!, arrived);
                    }
                }
                finally
                {
                    entry.State.Leave();
                }
            }

            if (refusal is not null)
            {
                record.Code = refusal.Code;
                await RefuseAsync(context, refusal, retryAfter);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            record.Status = BrokerCall.ClientLeft;
        }
        catch (Exception exception) when (exception is ServerSealedException or WritesRefusedException)
        {
            await FailAsync(context, record, BrokerError.Sealed);
        }
        catch (Exception)
        {
            record.Code = BrokerError.Internal.Code;
            // The answer is given outside, the record must know it here.
            record.Status = BrokerError.Internal.Status;
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
            record.Status = record.Status == BrokerCall.UnderWay ? context.Response.StatusCode : record.Status;
            var duration = _time.GetElapsedTime(arrived);
            record.Duration = (int)Math.Min(duration.TotalMilliseconds, int.MaxValue);
            _usage.End(record);
            if (record.KeyUid is not null)
            {
                _metrics.Ended(record.Endpoint!, record.Status, duration);
            }
        }
    }

    /// <summary>Whether the call may be made, from what is known in memory.</summary>
    private (BrokerError? Refusal, int? RetryAfter) Judge(
        HttpContext context, TokenEntry entry, BrokerCall record, out ReSciCall? call, out string? id, out Uri? address)
    {
        (call, id, address) = (null, null, null);
        var request = context.Request;
        var now = _time.GetUtcNow();
        if (entry.IsOver(now))
        {
            _alarms.TokenRefused(entry, entry.IsRevoked ? TokenFault.Revoked : TokenFault.Expired, Client.Of(context));
            return (BrokerError.TokenInvalid, null);
        }

        if (!entry.Allows(context.Connection.RemoteIpAddress))
        {
            _alarms.TokenRefused(entry, TokenFault.Address, Client.Of(context));
            return (BrokerError.AddressNotAllowed, null);
        }

        if (!entry.MayUseCredential)
        {
            return (entry.CredentialId is null ? BrokerError.NoCredential : BrokerError.NotShared, null);
        }

        if (entry.IsPaused)
        {
            return (BrokerError.Paused, null);
        }

        if (!RequestTarget.TryRead(context.Features.Get<IHttpRequestFeature>()!.RawTarget, out var path, out var query)
            || RequestTarget.Rebuild(query) is not { } rebuilt)
        {
            return (BrokerError.BadPath, null);
        }

        call = ReSciCalls.Find(request.Method, path, out id, out var allow);
        if (call is null)
        {
            context.Response.Headers.Allow = allow;
            return (allow is null ? BrokerError.NoSuchEndpoint : BrokerError.MethodNotAllowed, null);
        }

        record.Endpoint = call.Name;
        var perMinute = entry.RequestsPerMinute ?? _options.RequestsPerMinute;
        if (call.IsAssumed && !_options.AssumedCalls.Contains(call.Name))
        {
            return (BrokerError.CallIsOff, null);
        }

        // Of a call that follows a job, the job is looked for by whoever asked: it may take the database.
        if (call.Kind != entry.Kind && !call.FollowsOwnJob)
        {
            return (BrokerError.NotAllowed, null);
        }

        if (call.WritesUsers && (entry.ImportTypes ?? entry.Streams) is not null)
        {
            return (BrokerError.UsersNotAllowed, null);
        }

        if (rebuilt.Length > 0 && !call.TakesQuery)
        {
            return (BrokerError.BadPath, null);
        }

        if (!call.IsWrite && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true })
        {
            return (BrokerError.UnsupportedBody, null);
        }

        if (perMinute > 0 && !entry.State.Rate.TryTake(perMinute, now.UtcTicks, out var wait))
        {
            return (BrokerError.RateLimited, SecondsOf(wait));
        }

        address = _upstream.AddressOf(call, id, rebuilt);
        return (null, null);
    }

    private async Task PassAsync(HttpContext context, TokenEntry entry, BrokerCall record, ReSciCall call, Uri address, long arrived)
    {
        OpenKey key;
        try
        {
            key = _keys.Enter(entry.CredentialUid, entry.KeyUid, entry.Ciphertext ?? throw new UnreadableSecretException());
        }
        catch (UnreadableSecretException)
        {
            await FailAsync(context, record, BrokerError.Undecryptable);
            return;
        }

        CountedUpload? upload = null;
        try
        {
            LiftLimits(context);
            upload = call.IsWrite ? await OpenUploadAsync(context, entry, call) : null;
            record.KeyUid = entry.KeyUid;
            await _usage.BeginAsync(record);

            using var passage = new Passage(
                call, address, key, upload, call.MakesJob && _jobs.AreRemembered ? job => _jobs.RememberAsync(entry.TokenId, job) : null);
            _metrics.Sent(_time.GetElapsedTime(arrived));
            var error = await _upstream.SendAsync(_forwarder, context, call, passage);
            passage.Ended(error, context.Features.Get<IForwarderErrorFeature>()?.Exception, context.RequestAborted.IsCancellationRequested);
            await EndAsync(context, entry, record, passage);
        }
        catch (UploadRefusedException refused)
        {
            await FailAsync(context, record, refused.Error);
        }
        catch (UsageUnavailableException)
        {
            record.KeyUid = null;
            await FailAsync(context, record, BrokerError.AuditUnavailable);
        }
        finally
        {
            _keys.Leave(entry.KeyUid, key);
            if (upload is not null)
            {
                await upload.DisposeAsync();
            }
        }
    }

    private async Task EndAsync(HttpContext context, TokenEntry entry, BrokerCall record, Passage passage)
    {
        (record.BytesIn, record.BytesOut) = (passage.BytesIn, passage.BytesOut);
        if (passage.ClientLeft)
        {
            record.Status = BrokerCall.ClientLeft;
            return;
        }

        if (passage.Error is not { } error)
        {
            return;
        }

        if (error == BrokerError.KeyRejected)
        {
            _alarms.KeyRefused(entry, Client.Of(context));
        }

        await FailAsync(context, record, error);
    }

    private async Task<CountedUpload> OpenUploadAsync(HttpContext context, TokenEntry entry, ReSciCall call)
    {
        if (call.WritesUsers && entry.NoWelcomeMails)
        {
            return Replace(new CountedUpload(await InTimeAsync(context, patience => WelcomeMails.ReadAsync(context.Request, patience))));
        }

        if (entry.ImportTypes is null && entry.Streams is null)
        {
            return Replace(new CountedUpload(context.Request.Body));
        }

        var boundary = LimitedUpload.BoundaryOf(context.Request.Headers) ?? throw new UploadRefusedException(BrokerError.UnsupportedBody);
        var limited = new LimitedUpload(context.Request.Body, boundary, entry.ImportTypes, entry.Streams);
        Replace(limited);
        return await InTimeAsync(
            context,
            async patience =>
            {
                await limited.BeginAsync(patience);
                return limited;
            });

        CountedUpload Replace(CountedUpload upload)
        {
            context.Request.Body = upload;
            return upload;
        }
    }

    /// <summary>What must be looked into before ReSci is called has to come: nobody else looks after that.</summary>
    private async Task<T> InTimeAsync<T>(HttpContext context, Func<CancellationToken, Task<T>> look)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        patience.CancelAfter(_options.WriteTimeout);
        try
        {
            return await look(patience.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            throw new UploadRefusedException(BrokerError.BadBody);
        }
    }

    /// <summary>Uploads have any size and take any time, as long as they move: the forwarder looks after that.</summary>
    private static void LiftLimits(HttpContext context)
    {
        LiftSizeLimit(context);
        var features = context.Features;
        if (features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request)
        {
            request.MinDataRate = null;
        }

        if (features.Get<IHttpMinResponseDataRateFeature>() is { } response)
        {
            response.MinDataRate = null;
        }

        // The forwarder would open a tunnel.
        context.Request.Headers.Upgrade = default;
    }

    /// <summary>Null for whoever has no token of ours, and for strangers who have tried too often: the database is not asked for them.</summary>
    private ValueTask<TokenEntry?> FindAsync(HttpContext context)
    {
        if (!TokenText.TryRead(context.Request.Headers.Authorization, out var text))
        {
            return default;
        }

        var hash = TokenHash.Of(text);
        return _tokens.Knows(hash) || (TokenText.Format.IsWellFormed(text) && _wrongTokens.MayTry(context.Connection.RemoteIpAddress, _options.WrongTokensPerMinute))
            ? _tokens.FindAsync(hash, context.RequestAborted)
            : default;
    }

    private Task RefuseStrangerAsync(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        if (TokenText.TryRead(context.Request.Headers.Authorization, out var text) && TokenText.Format.IsWellFormed(text))
        {
            _alarms.ForeignToken(ref _wrongTokens.SenderAt(address).Alarms, Client.Of(context));
        }

        return _wrongTokens.TryTake(address, _options.WrongTokensPerMinute, out var wait)
            ? RefuseAsync(context, BrokerError.TokenInvalid, null)
            : RefuseAsync(context, BrokerError.RateLimited, SecondsOf(wait));
    }

    private Task FailAsync(HttpContext context, BrokerCall record, BrokerError error)
    {
        record.Code = error.Code;
        return FailAsync(context, error);
    }

    private Task FailAsync(HttpContext context, BrokerError error)
    {
        if (context.Response.HasStarted)
        {
            // A part of an answer must not be taken for a whole one.
            context.Abort();
            _metrics.Refused(error.Code);
            return Task.CompletedTask;
        }

        return RefuseAsync(context, error, error.Status == StatusCodes.Status503ServiceUnavailable ? 1 : null);
    }

    private Task RefuseAsync(HttpContext context, BrokerError error, int? retryAfter)
    {
        _metrics.Refused(error.Code);
        // Most clients read the answer when they have sent everything. Kestrel reads on for a few seconds and so lets them, but cuts the connection at once when
        // the body is longer than it may be.
        LiftSizeLimit(context);
        var allow = context.Response.Headers.Allow;
        context.Response.Clear();
        context.Response.Headers.Allow = allow;
        return error.WriteAsync(context, retryAfter);
    }

    private static void LiftSizeLimit(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }
    }

    private static int SecondsOf(TimeSpan wait) => (int)Math.Ceiling(wait.TotalSeconds);

    /// <summary>A method is free text of the client's; only those that the table knows are worth keeping.</summary>
    private static string KnownMethod(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsPost(method) || HttpMethods.IsPut(method) || HttpMethods.IsDelete(method)
        || HttpMethods.IsPatch(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method)
            ? method.ToUpperInvariant()
            : "OTHER";

    [LoggerMessage(LogLevel.Error, "A brokered call failed")]
    private partial void LogFailed(Exception exception);
}
