using System.Diagnostics.CodeAnalysis;
using System.Net;
using Microsoft.Extensions.Options;
using ReSciCredentials.ReSci;
using Yarp.ReverseProxy.Forwarder;

namespace ReSciCredentials.Broker;

/// <summary>The connections to ReSci, and the one address that they lead to.</summary>
internal sealed class UpstreamClient : IDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly ForwarderRequestConfig _read;
    private readonly ForwarderRequestConfig _write;
    private readonly Dictionary<ReSciCall, Uri> _addresses;
    private readonly Uri _base;

    [SuppressMessage("Reliability", "CA2000", Justification = "The invoker owns its handler.")]
    public UpstreamClient(IOptions<ReSciOptions> resci, IOptions<BrokerOptions> options)
    {
        _base = resci.Value.BaseUri;
        Prefix = _base.AbsoluteUri;
        _addresses = ReSciCalls.All.ToDictionary<ReSciCall, ReSciCall, Uri>(call => call, call => new Uri(_base, call.Path), ReferenceEqualityComparer.Instance);
        _read = ConfigFor(options.Value.ReadTimeout);
        _write = ConfigFor(options.Value.WriteTimeout);
        _http = new HttpMessageInvoker(CreateHandler());
    }

    /// <summary>What the forwarder wants to be told; the address comes from <see cref="AddressOf"/>.</summary>
    public string Prefix { get; }

    /// <param name="query">Built anew, with its question mark; empty for none.</param>
    public Uri AddressOf(ReSciCall call, string? id, string query) =>
        id is null && query.Length == 0
            ? _addresses[call]
            : new Uri(_base, call.Path.Replace("{id}", id, StringComparison.Ordinal) + query);

    public ValueTask<ForwarderError> SendAsync(IHttpForwarder forwarder, HttpContext context, ReSciCall call, Passage passage) =>
        forwarder.SendAsync(context, Prefix, _http, call.IsWrite ? _write : _read, passage, CancellationToken.None);

    public void Dispose() => _http.Dispose();

    private static SocketsHttpHandler CreateHandler() => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        EnableMultipleHttp2Connections = true,
        MaxResponseHeadersLength = 32, // KB
        // What is left of an answer that is not passed on is not worth reading: it may never end.
        MaxResponseDrainSize = 0,
        // ReSci's address may change.
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    };

    /// <summary>No limit for the whole: it ends when no byte has moved for this long.</summary>
    private static ForwarderRequestConfig ConfigFor(TimeSpan standstill) => new()
    {
        ActivityTimeout = standstill,
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
    };
}
