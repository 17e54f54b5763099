using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Storage;

/// <summary>Writing is refused for now: the server is sealed. Nothing was changed.</summary>
public sealed class WritesRefusedException() : Exception("The server is sealed: nothing is written until the right recovery key is back.");

/// <summary>While shut, no change reaches the database, whoever asks: a circuit that is still open, a background task, a request under way.</summary>
internal sealed class WriteGuard : DbCommandInterceptor, ISaveChangesInterceptor
{
    private volatile bool _shut;

    public bool IsShut
    {
        get => _shut;
        set => _shut = value;
    }

    public InterceptionResult<int> SavingChanges(DbContextEventData eventData, InterceptionResult<int> result) => Check(result);

    public ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Check(result));

    public override InterceptionResult<int> NonQueryExecuting(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result) => Check(result);

    public override ValueTask<InterceptionResult<int>> NonQueryExecutingAsync(
        DbCommand command, CommandEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(Check(result));

    private InterceptionResult<int> Check(InterceptionResult<int> result) => _shut ? throw new WritesRefusedException() : result;
}
