using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>
/// Fifty thousand generated requests over raw connections, each answered with generated headers: nothing but what stands in the templates and lists gets through, either way.
/// </summary>
public sealed partial class WhateverClientsAndReSciSend
{
    private const int Cases = 50_000;
    private const int Connections = 8;

    private static readonly string[] Methods = ["GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "CONNECT", "ODD"];

    private static readonly string[] Paths =
    [
        "/resci/v3/import_jobs", "/resci/v3/import_jobs", "/resci/v3/import_jobs", "/resci/v3/import_jobs/7", "/resci/v3/import_jobs/", "/resci//v3/import_jobs", "/resci/v3/users",
        "/resci/v3/import%5Fjobs", "/resci/v3/%2e%2e/v3/import_jobs", "/resci/../resci/v3/import_jobs", "/resci/v3/import_jobs%2f7", "/resci/v3\\import_jobs", "/resci/v3/import_jobs;x",
        "/RESCI/v3/import_jobs", "/%72esci/v3/import_jobs", "/resci", "/resci/", "http://elsewhere/resci/v3/import_jobs", "/resci/v3/import_jobs%00", "/resci/v3/import_jobs/%2e%2e/users",
    ];

    private static readonly string[] Queries = ["", "", "", "?", "?page=2", "?page=2&per=50", "?_method=DELETE", "?a=%252f", "?a=%0d%0aX: y", "?a=b;c", "?a[b]=c", "?=x", "?a=%e2%82%ac", "?q=a+b", "?a=b#c"];

    private static readonly string[] RequestHeaders =
    [
        "Accept: application/json", "Accept-Language: de", "Content-Type: text/plain", "If-None-Match: \"1\"", "Idempotency-Key: k", "Cookie: a=b", "Origin: https://evil.example", "X-Forwarded-For: 192.0.2.1",
        "X-Forwarded-Host: evil.example", "X-Original-URL: /admin", "X-HTTP-Method-Override: DELETE", "Connection: Accept, close-me", "Upgrade: websocket", "Connection: upgrade", "TE: trailers", "Via: 1.1 x",
        "Proxy-Authorization: Basic x", "Range: bytes=0-1", "Accept-Encoding: gzip", "User-Agent: x", "Expect: 100-continue", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Authorization: ApiKey other", "Host: evil.example", "Content-Encoding: gzip", "Keep-Alive: 5", "Accept: \u00e9",
    ];

    private static readonly (string Name, string Value)[] AnswerHeaders =
    [
        ("ETag", "\"1\""), ("Last-Modified", "Tue, 01 Jan 2030 00:00:00 GMT"), ("Retry-After", "3"), ("X-Request-Id", "r"), ("X-RateLimit-Remaining", "7"), ("Content-Language", "de"), ("Set-Cookie", "a=b"), ("Server", "x"),
        ("Location", "/x"), ("Content-Security-Policy", "default-src *"), ("Clear-Site-Data", "*"), ("Access-Control-Allow-Origin", "*"), ("Strict-Transport-Security", "max-age=1"), ("WWW-Authenticate", "Basic"),
        ("X-Broker-Error", "x"), ("Link", "</x>"), ("Refresh", "0"), ("X-Frame-Options", "ALLOWALL"), ("Alt-Svc", "h2=\":1\""), ("Via", "x"), ("Trailer", "X"), ("Upgrade", "h2c"), ("Cache-Control", "public"),
    ];

    private static readonly string[] GoOut = ["Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Encoding", "Content-Length", "Content-Type", "Host", "Idempotency-Key", "If-None-Match"];

    private static readonly string[] ComeBack =
    [
        "Allow", "Cache-Control", "Connection", "Content-Language", "Content-Length", "Content-Security-Policy", "Content-Type", "Cross-Origin-Resource-Policy", "Date", "ETag", "Last-Modified", "Retry-After",
        "WWW-Authenticate", "X-Broker-Error", "X-Content-Type-Options", "X-RateLimit-Remaining", "X-Request-Id",
    ];

    [Fact]
    public async Task Nothing_else_gets_through_either_way()
    {
        await using var host = await BrokerHost.StartAsync(settings: ["--Broker:WrongTokensPerMinute=10000"]);
        host.Upstream.Answer = context =>
        {
            var random = new Random(host.Upstream.Arrived.Count);
            context.Response.ContentLength = 2;
            foreach (var (name, value) in random.GetItems(AnswerHeaders, random.Next(4)))
            {
                context.Response.Headers[name] = value;
            }

            return context.Response.WriteAsync("{}");
        };

        var answers = await Task.WhenAll(Enumerable.Range(0, Connections).Select(connection => Task.Run(() => RunAsync(host, connection))));

        // Else nothing was looked at.
        Assert.InRange(answers.Sum(), Cases / 2, Cases);
        Assert.InRange(host.Upstream.Arrived.Count, Cases / 100, Cases / 2);
        foreach (var arrived in host.Upstream.Arrived)
        {
            Assert.True(arrived.Method is "GET" or "POST", arrived.Method);
            Assert.Matches(arrived.Method == "GET" ? ReadTarget() : WriteTarget(), arrived.Target);
            Assert.Empty(arrived.Headers.Keys.Except(GoOut, StringComparer.OrdinalIgnoreCase));
            Assert.Equal($"ApiKey {host.Key}", arrived.Headers["Authorization"]);
            Assert.Equal("identity", arrived.Headers["Accept-Encoding"]);
            Assert.Equal(host.Upstream.Address.Authority, arrived.Headers["Host"]);
        }
    }

    /// <returns>How many answers there were.</returns>
    private static async Task<int> RunAsync(BrokerHost host, int seed)
    {
        var random = new Random(seed);
        var (answers, socket) = (0, await RawClient.ConnectAsync(host.Server.Address));
        try
        {
            for (var round = 0; round < Cases / Connections; round++)
            {
                var answer = await AskAsync(socket, Request(host, random));
                answers += answer.Length > 0 ? 1 : 0;
                var head = answer.Split("\r\n\r\n")[0].Split("\r\n");
                var names = head.Skip(1).Where(line => line.Length > 0).Select(line => line[..line.IndexOf(':', StringComparison.Ordinal)]).ToArray();
                Assert.Empty(names.Except(ComeBack, StringComparer.OrdinalIgnoreCase));
                Assert.True(names.Length == names.Distinct(StringComparer.OrdinalIgnoreCase).Count(), answer);
                Assert.DoesNotContain(host.Key, answer, StringComparison.OrdinalIgnoreCase);
                if (answer.Length == 0 || Array.Exists(head, line => line.Equals("Connection: close", StringComparison.OrdinalIgnoreCase)))
                {
                    socket.Dispose();
                    socket = await RawClient.ConnectAsync(host.Server.Address);
                }
            }

            return answers;
        }
        finally
        {
            socket.Dispose();
        }
    }

    private static async Task<string> AskAsync(RawClient socket, string request)
    {
        try
        {
            return await socket.SendAsync(request);
        }
        catch (IOException)
        {
            // Kestrel cuts off what is no HTTP.
            return "";
        }
    }

    private static string Request(BrokerHost host, Random random)
    {
        var method = Methods[random.Next(Methods.Length)];
        var headers = random.GetItems(RequestHeaders, random.Next(5)).Distinct();
        var token = method == "POST" ? host.WriteToken : host.ReadToken;
        var length = method == "POST" ? "Content-Length: 2\r\n" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{method} {Paths[random.Next(Paths.Length)]}{Queries[random.Next(Queries.Length)]} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {(random.Next(2) == 0 ? "ApiKey" : "Bearer")} {token}\r\n{string.Concat(headers.Select(header => header + "\r\n"))}{length}\r\n{(length.Length > 0 ? "xx" : "")}");
    }

    [GeneratedRegex(@"^/v3/import_jobs(\?[A-Za-z][A-Za-z0-9_.\-%]*=[^&#;\s]*(&[A-Za-z][A-Za-z0-9_.\-%]*=[^&#;\s]*)*)?$")]
    private static partial Regex ReadTarget();

    [GeneratedRegex("^/v3/import_jobs$")]
    private static partial Regex WriteTarget();
}
