using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using ReSciSandbox;

namespace ReSciCredentials.Tests.ReSci;

public sealed class TheSandbox : IAsyncLifetime
{
    private static readonly Uri Jobs = new("v3/import_jobs", UriKind.Relative);

    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private RunningSandbox _sandbox = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await Sandbox.StartAsync(0, TestContext.Current.CancellationToken);
        _client.BaseAddress = _sandbox.Address;
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _sandbox.DisposeAsync();
    }

    [Fact]
    public void Listens_on_loopback_only() => Assert.Equal("127.0.0.1", _sandbox.Address.Host);

    [Fact]
    public async Task Lists_ten_import_jobs_newest_first()
    {
        var times = await CreationTimesAsync("v3/import_jobs");

        Assert.Equal(10, times.Count);
        Assert.Equal(times.OrderDescending(), times);
    }

    [Fact]
    public async Task Goes_on_with_older_jobs_on_the_next_page()
    {
        var first = await CreationTimesAsync("v3/import_jobs?page=1");
        var second = await CreationTimesAsync("v3/import_jobs?page=2");

        Assert.True(second[0] < first[^1]);
    }

    [Fact]
    public async Task Shows_a_job_that_was_created()
    {
        using var form = Form(new StringContent("{}\n"), "singer_import_config");
        using var created = await SendAsync(HttpMethod.Post, Jobs, SandboxKeys.Accepted, form);
        var id = (await created.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetInt32();
        using var read = await SendAsync(HttpMethod.Get, new Uri($"v3/import_jobs/{id}", UriKind.Relative), SandboxKeys.Accepted);
        var job = await read.Content.ReadFromJsonAsync<JsonElement>();

        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        Assert.Equal("singer_import_config", job.GetProperty("import_type").GetString());
        Assert.Equal("users", job.GetProperty("streams")[0].GetString());
    }

    [Fact]
    public async Task Wants_an_import_type()
    {
        using var form = Form(new StringContent("{}\n"), importType: null);
        using var answer = await SendAsync(HttpMethod.Post, Jobs, SandboxKeys.Accepted, form);

        Assert.Equal((HttpStatusCode.BadRequest, "import_type is required."), (answer.StatusCode, await MessageOfAsync(answer)));
    }

    [Fact]
    public async Task Counts_an_upload_beyond_the_web_servers_default_limit()
    {
        const int Size = 40 * 1024 * 1024;
        using var form = Form(new ByteArrayContent(new byte[Size]), "singer_import_config");
        using var answer = await SendAsync(HttpMethod.Post, Jobs, SandboxKeys.Accepted, form);

        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        Assert.InRange(_sandbox.Received[^1].BodyLength, Size, Size + 1000);
    }

    [Theory]
    [InlineData(SandboxKeys.Accepted, HttpStatusCode.OK)]
    [InlineData(SandboxKeys.Refused, HttpStatusCode.Unauthorized)]
    [InlineData(SandboxKeys.NotAllowed, HttpStatusCode.Forbidden)]
    [InlineData(SandboxKeys.RateLimited, HttpStatusCode.TooManyRequests)]
    [InlineData(SandboxKeys.Failing, HttpStatusCode.InternalServerError)]
    [InlineData(SandboxKeys.Unavailable, HttpStatusCode.ServiceUnavailable)]
    [InlineData(SandboxKeys.Garbage, HttpStatusCode.OK)]
    [InlineData(SandboxKeys.Empty, HttpStatusCode.OK)]
    [InlineData(SandboxKeys.Redirect, HttpStatusCode.Found)]
    [InlineData("some-key-of-a-customer", HttpStatusCode.Unauthorized)]
    public async Task Decides_by_how_the_key_starts(string prefix, HttpStatusCode expected)
    {
        using var answer = await SendAsync(HttpMethod.Get, Jobs, prefix + "-1234567890abcd");

        Assert.Equal(expected, answer.StatusCode);
    }

    [Theory]
    [InlineData("apikey sandbox-accepted")]
    [InlineData("Bearer sandbox-accepted")]
    [InlineData("sandbox-accepted")]
    [InlineData("ApiKey  sandbox-accepted")]
    public async Task Takes_the_header_in_one_spelling_only(string authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Jobs);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var answer = await _client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Theory]
    [InlineData("v3/nothing")]
    [InlineData("v3/import_jobs/7")]
    public async Task Says_in_a_message_that_something_is_not_there(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, new Uri(path, UriKind.Relative), SandboxKeys.Accepted);

        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.False(string.IsNullOrEmpty(await MessageOfAsync(answer)));
    }

    [Fact]
    public async Task Notes_each_request()
    {
        using var answer = await SendAsync(HttpMethod.Get, Jobs, "sandbox-accepted-1234");

        Assert.Equal(
            ("GET", "/v3/import_jobs", "ApiKey sandbox-accepted-1234"),
            (_sandbox.Received[^1].Method, _sandbox.Received[^1].Path, _sandbox.Received[^1].Authorization));
    }

    [Fact]
    public async Task Can_be_turned_down_and_back()
    {
        _sandbox.Mode = SandboxMode.Down;
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(HttpMethod.Get, Jobs, SandboxKeys.Accepted));
        _sandbox.Mode = SandboxMode.Normal;
        using var answer = await SendAsync(HttpMethod.Get, Jobs, SandboxKeys.Accepted);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Says_so_when_its_port_is_taken() =>
        await Assert.ThrowsAsync<IOException>(() => Sandbox.StartAsync(_sandbox.Address.Port, TestContext.Current.CancellationToken));

    [Fact]
    public async Task Stops_listening_and_does_not_wait_for_slow_answers_when_it_is_disposed()
    {
        var slow = SendAsync(HttpMethod.Get, Jobs, SandboxKeys.Slow);
        using var answer = await SendAsync(HttpMethod.Get, Jobs, SandboxKeys.Accepted);
        await _sandbox.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(25));
        using var socket = new TcpClient();

        await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(_sandbox.Address.Host, _sandbox.Address.Port));
        await Task.WhenAny(slow);
    }

    private static MultipartFormDataContent Form(HttpContent users, string? importType)
    {
        users.Headers.ContentType = new MediaTypeHeaderValue("text/plain");
        var form = new MultipartFormDataContent { { users, "users", "users.jsonl" } };
        if (importType is not null)
        {
            form.Add(new StringContent(importType), "import_type");
        }

        return form;
    }

    private async Task<List<DateTimeOffset>> CreationTimesAsync(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, new Uri(path, UriKind.Relative), SandboxKeys.Accepted);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return [.. body.GetProperty("import_jobs").EnumerateArray().Select(job => job.GetProperty("created_at").GetDateTimeOffset())];
    }

    private static async Task<string?> MessageOfAsync(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("message").GetString();

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri path, string key, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("ApiKey", key);
        return await _client.SendAsync(request);
    }
}
