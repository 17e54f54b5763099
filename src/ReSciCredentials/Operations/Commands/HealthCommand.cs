using System.CommandLine;

namespace ReSciCredentials.Operations.Commands;

/// <summary>Asking the server on this machine whether it is ready.</summary>
internal static class HealthCommand
{
    public static Command Make(CommandShell shell)
    {
        var health = new Command("health", "Ask the server on this machine whether it is ready; for container health checks.");
        health.SetAction((_, cancellationToken) => shell.WithBuiltServicesAsync(async services =>
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
            var address = new Uri(Addresses.Local(services), "/health/ready");
            try
            {
                using var answer = await http.GetAsync(address, cancellationToken);
                return answer.IsSuccessStatusCode ? shell.Say("ready") : shell.Refuse($"not ready ({(int)answer.StatusCode})");
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                return shell.Refuse($"no answer from {address}");
            }
        }));
        return health;
    }
}
