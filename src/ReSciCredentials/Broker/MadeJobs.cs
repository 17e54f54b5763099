using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using ReSciCredentials.ReSci;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Broker;

/// <summary>
/// Which import jobs were made with which token. ReSci's key may read all of them; a destination's token reads those that it made, and those made with a token
/// in whose place it came.
/// </summary>
internal sealed partial class MadeJobs(
    IDbContextFactory<StorageContext> contexts, TimeProvider time, IOptions<BrokerOptions> options, ILogger<MadeJobs> logger)
{
    /// <summary>For each token; who asks for older ones has waited long enough.</summary>
    public const int MostKept = 1000;

    /// <summary>More rotations than this lie further back than anybody waits for a job.</summary>
    private const int MostRotations = 20;

    /// <summary>Whether anybody may ask for a job: otherwise nothing is remembered.</summary>
    public bool AreRemembered { get; } = ReSciCalls.All.Any(call => call.FollowsOwnJob && options.Value.AssumedCalls.Contains(call.Name));

    /// <summary>
    /// Written before the answer goes to the client, who may ask for the job at once. The job is made, whatever happens here: an answer is never lost to it.
    /// </summary>
    public async Task RememberAsync(int token, string job)
    {
        try
        {
            // Not cancelled when the client leaves: it will come back and ask.
            await using var storage = await contexts.CreateDbContextAsync(CancellationToken.None);
            storage.BrokerJobs.Add(new BrokerJob { TokenId = token, JobId = job, At = time.GetUtcNow() });
            await storage.SaveChangesAsync(CancellationToken.None);
            var tooOld = await storage.BrokerJobs.Where(row => row.TokenId == token)
                .OrderByDescending(row => row.Id).Skip(MostKept).Select(row => (long?)row.Id).FirstOrDefaultAsync(CancellationToken.None);
            if (tooOld is not null)
            {
                await storage.BrokerJobs.Where(row => row.TokenId == token && row.Id <= tooOld).ExecuteDeleteAsync(CancellationToken.None);
            }
        }
        catch (DbUpdateException exception) when (exception.IsUniqueViolation())
        {
            // A repeat with the same Idempotency-Key is answered with the same job.
        }
        catch (Exception exception)
        {
            LogNotRemembered(exception, token);
        }
    }

    /// <summary>Whether it was made with this token or one that it replaced.</summary>
    public async Task<bool> WasMadeByAsync(int token, string job, CancellationToken cancellationToken)
    {
        await using var storage = await contexts.CreateDbContextAsync(cancellationToken);
        HashSet<int> line = [token];
        for (var (newest, rotations) = (new[] { token }, 0); newest.Length > 0 && rotations < MostRotations; rotations++)
        {
            if (await storage.BrokerJobs.AnyAsync(row => newest.Contains(row.TokenId) && row.JobId == job, cancellationToken))
            {
                return true;
            }

            newest = await storage.AccessTokens.Where(row => newest.Contains(row.ReplacedById ?? 0)).Select(row => row.Id).ToArrayAsync(cancellationToken);
            // A database that was edited may go in a circle.
            newest = Array.FindAll(newest, line.Add);
        }

        return false;
    }

    [LoggerMessage(LogLevel.Error, "A job made with access token {Token} could not be remembered; the token cannot ask for its state")]
    private partial void LogNotRemembered(Exception exception, int token);
}
