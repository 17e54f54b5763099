using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;

namespace ReSciSandbox;

/// <summary>How the sandbox behaves as a whole. Anything but <see cref="Normal"/> overrules the keys.</summary>
public enum SandboxMode
{
    Normal,

    /// <summary>Every connection is reset.</summary>
    Down,

    /// <summary>Every answer takes 30 seconds.</summary>
    Slow,

    /// <summary>Every answer is a web page with status 200, as from a proxy that wants a sign-in.</summary>
    Garbage,
}

/// <summary>A request as it arrived.</summary>
/// <param name="Authorization">The header's value, or null when there was none.</param>
public sealed record ReceivedRequest(string Method, string Path, string? Authorization)
{
    private long _bodyLength;

    /// <summary>Bytes of the body read so far.</summary>
    public long BodyLength => Interlocked.Read(ref _bodyLength);

    internal void AddBody(int bytes) => Interlocked.Add(ref _bodyLength, bytes);
}

/// <summary>Every request passes here first: it is noted, and meets the mode the sandbox is in.</summary>
internal sealed class SandboxTraffic
{
    private const int Kept = 1000;

    private readonly Lock _lock = new();
    private readonly Queue<ReceivedRequest> _received = [];
    private volatile SandboxMode _mode;

    public SandboxMode Mode
    {
        get => _mode;
        set => _mode = value;
    }

    /// <summary>The newest requests, oldest first.</summary>
    public IReadOnlyList<ReceivedRequest> Received
    {
        get
        {
            lock (_lock)
            {
                return [.. _received];
            }
        }
    }

    public async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        var authorization = request.Headers.Authorization;
        var received = new ReceivedRequest(request.Method, request.Path, authorization.Count == 0 ? null : authorization.ToString());
        Note(received);
        request.Body = new CountedBody(request.Body, received);

        switch (Mode)
        {
            case SandboxMode.Normal:
                await next(context);
                break;
            case SandboxMode.Down:
                Reset(context);
                break;
            case SandboxMode.Slow:
                await Behaviour.WaitAsync(context);
                await next(context);
                break;
            case SandboxMode.Garbage:
                await Behaviour.AnswerGarbageAsync(context);
                break;
        }
    }

    private static void Reset(HttpContext context)
    {
        // With no time to linger the client is sent RST, where Abort alone would close politely.
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        context.Abort();
    }

    private void Note(ReceivedRequest received)
    {
        lock (_lock)
        {
            if (_received.Count == Kept)
            {
                _received.Dequeue();
            }

            _received.Enqueue(received);
        }
    }
}
