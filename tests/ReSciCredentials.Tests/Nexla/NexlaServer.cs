using System.Text.Json;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>A server and programs that call it as Nexla's SDK does; tests that do not disturb each other share it.</summary>
public sealed class NexlaServer : IAsyncLifetime
{
    internal TestServer Server { get; private set; } = null!;

    /// <summary>Acts for the owner, with the widest scope.</summary>
    internal SdkProgram Program { get; private set; } = null!;

    public static string NewKey(string kind = "sandbox-accepted") => $"{kind}-{Guid.NewGuid():N}";

    public async ValueTask InitializeAsync()
    {
        Server = await TestServer.StartWithOwnerAsync(settings: [.. TestServer.LogsEverything, "--ServiceKeys:RequestsPerMinute=100000", "--ServiceKeys:WrongKeysPerMinute=10000"]);
        Program = await Server.NewProgramAsync("admin");
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();

    /// <summary>A member, and a program of theirs.</summary>
    internal async Task<(Person Person, SdkProgram Program)> AddMemberAsync(string name)
    {
        var (person, _) = await Server.AddPersonAsync(name);
        return (person, new SdkProgram(Server.Address, await Server.MakeServiceKeyAsync("admin", owner: person.Email)));
    }

    /// <summary>Makes a credential in ReSci's own short form.</summary>
    internal async Task<JsonElement> AddCredentialAsync(string name = "Production", string? key = null, string query = "", SdkProgram? program = null) =>
        SdkModels.Credential(await (program ?? Program).CallAsync(
            "POST", $"/data_credentials{query}", new { name, credentials_type = "resci", credentials = new { api_key = key ?? NewKey() } }));

    internal async Task<JsonElement> AddSourceAsync(int credential, string name = "Orders", SdkProgram? program = null) =>
        SdkModels.Source(await (program ?? Program).CallAsync("POST", "/data_sources", new { name, source_type = "rest", data_credentials_id = credential }));

    internal async Task<JsonElement> AddSinkAsync(int credential, string name = "Users", SdkProgram? program = null) =>
        SdkModels.Sink(await (program ?? Program).CallAsync(
            "POST", "/data_sinks", new { name, sink_type = "rest", data_credentials_id = credential, data_set_id = 4711 }));

    internal static async Task<SdkException> RefusedAsync(Task<JsonElement> call, SdkError error)
    {
        var refused = await Assert.ThrowsAsync<SdkException>(() => call);
        Assert.Equal(error, refused.Error);
        return refused;
    }
}
