using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ReSciCredentials.Broker;
using ReSciCredentials.Credentials;
using ReSciCredentials.Flows;
using ReSciCredentials.Storage;
using ReSciCredentials.Tests.Harness;
using ReSciCredentials.Tests.Operations;

namespace ReSciCredentials.Tests.Brokering;

/// <summary>It is offered with TLS only. The server is a process of its own, because whom it trusts is settled at its start.</summary>
public sealed class WhenReSciOffersHttp2 : IDisposable
{
    private const string Key = "live-key-4f1c9a8b7d6e5f4a";

    private readonly TestDirectory _directory = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Calls_go_out_by_it_with_the_real_key()
    {
        using var certificate = MakeCertificate();
        var trusted = Path.Combine(_directory.Path, "trusted.pem");
        await File.WriteAllTextAsync(trusted, certificate.ExportCertificatePem(), Cancellation);
        var arrived = new ConcurrentQueue<string>();
        await using var resci = await StartReSciAsync(certificate, arrived);
        var port = new Uri(resci.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()).Port;
        var token = await MakeTokenAsync();
        using var server = Executable.Start(
            [.. _directory.Settings, $"--ReSci:BaseAddress=https://localhost:{port}/", "--ReSci:AllowedHosts:0=localhost", "--Checks:Enabled=false"], trusted: trusted);
        try
        {
            using var http = new HttpClient { BaseAddress = await KillRound.AddressAsync(server) };
            using var request = new HttpRequestMessage(HttpMethod.Get, BrokerHost.Jobs);
            request.Headers.TryAddWithoutValidation("Authorization", $"ApiKey {token}");

            using var answer = await http.SendAsync(request, Cancellation);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal($"HTTP/2 GET /v3/import_jobs ApiKey {Key}", Assert.Single(arrived));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync(Cancellation);
        }
    }

    private async Task<string> MakeTokenAsync()
    {
        await using var server = await TestServer.StartWithOwnerAsync(_directory);
        (await server.SignInAsync()).Dispose();
        var owner = await server.OwnerAsync();
        var credential = Assert.IsType<SaveOutcome.Saved>(await server.Service<CredentialVault>().SaveAsync(
            owner, new NewCredential("Production", null, Key, Guid.NewGuid(), Unverified: true, Same: true), Cancellation));
        var source = Assert.IsType<FlowOutcome.Done>(await server.Service<FlowService>().CreateAsync(
            owner, new NewFlow(FlowKind.Source, "Orders", null, "list_import_jobs", credential.Id, Guid.NewGuid()), Cancellation));
        return Assert.IsType<TokenOutcome.Made>(await server.Service<AccessTokens>().CreateAsync(
            owner, new NewAccessToken(FlowKind.Source, source.Id, "Nightly", null, null, null, null, null, Guid.NewGuid()), Cancellation)).Token;
    }

    private static async Task<WebApplication> StartReSciAsync(X509Certificate2 certificate, ConcurrentQueue<string> arrived)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var app = builder.Build();
        app.Run(context =>
        {
            var request = context.Request;
            arrived.Enqueue($"{request.Protocol} {request.Method} {request.Path} {request.Headers.Authorization}");
            return context.Response.WriteAsync("{}");
        });
        await app.StartAsync(Cancellation);
        return app;
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
