using System.Globalization;
using ReSciCredentials.Access;
using ReSciCredentials.Tests.Harness;

namespace ReSciCredentials.Tests.Nexla;

/// <summary>What an operation of the API needs to be there: a credential with a key before its present one, and what the operation is about, shared and with an access token where that can be.</summary>
internal sealed record ApiThings(IReadOnlyDictionary<string, int> Ids, int Token)
{
    public static async Task<ApiThings> MakeAsync(NexlaServer nexla, OpenApiOperation operation, Person owner, Person colleague)
    {
        var program = nexla.Program;
        object NewKey(bool promote) => new { credentials = new { api_key = NexlaServer.NewKey() }, promote };
        var id = SdkModels.IdOf(await nexla.AddCredentialAsync());
        await program.CallAsync("POST", $"/data_credentials/{id}/pending_key", NewKey(promote: true));
        // While one waits, no other can be entered.
        if (operation.Path.Contains("/pending_key/", StringComparison.Ordinal) || operation is { Method: "DELETE", Path: "/data_credentials/{id}/pending_key" })
        {
            await program.CallAsync("POST", $"/data_credentials/{id}/pending_key", NewKey(promote: false));
        }

        var ids = new Dictionary<string, int>(StringComparer.Ordinal) { ["data_credentials"] = id, ["orgs"] = 1, ["users"] = owner.Id };
        var collection = operation.Collection;
        var token = 0;
        if (collection is "data_sources" or "data_sinks")
        {
            var used = SdkModels.IdOf(await nexla.AddCredentialAsync("Used"));
            ids[collection] = SdkModels.IdOf(collection == "data_sources" ? await nexla.AddSourceAsync(used) : await nexla.AddSinkAsync(used));
            token = SdkModels.IdOf(await program.CallAsync("POST", $"/{collection}/{ids[collection]}/access_tokens", new { name = "Nightly" }));
        }

        if (operation.Path.Contains("{id}", StringComparison.Ordinal) && collection.StartsWith("data_", StringComparison.Ordinal))
        {
            await program.CallAsync(
                "PUT", $"/{collection}/{ids[collection]}/accessors", new { accessors = new[] { new { email = colleague.Email, access_role = "collaborator" } } });
        }

        return new ApiThings(ids, token);
    }

    /// <summary>Behind the API's base, with ids in the place of parameters.</summary>
    public string AddressOf(OpenApiOperation operation) => operation.Path
        .Replace("{id}", Text(Ids.GetValueOrDefault(operation.Collection)), StringComparison.Ordinal)
        .Replace("{token}", Text(Token), StringComparison.Ordinal);

    public static string Text(int id) => id.ToString(CultureInfo.InvariantCulture);
}
