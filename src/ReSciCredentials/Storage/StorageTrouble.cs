using System.Data.Common;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace ReSciCredentials.Storage;

/// <summary>
/// Whether the disk under the database is in trouble, as what is sent to it tells. Whoever meets it gets the exception as ever;
/// this is for all others, who are to know before they try.
/// </summary>
internal sealed partial class StorageTrouble(ILogger<StorageTrouble> logger) : DbCommandInterceptor, IDbTransactionInterceptor, ISaveChangesInterceptor
{
    private readonly Lock _lock = new();

    /// <summary>It began or ended. Raised on the thread that met it: a listener must return at once.</summary>
    public event Action? Changed;

    /// <summary>Null while all is well.</summary>
    public StorageFault? Fault { get; private set; }

    public override void CommandFailed(DbCommand command, CommandErrorEventData eventData) => Meet(eventData.Exception);

    public override Task CommandFailedAsync(DbCommand command, CommandErrorEventData eventData, CancellationToken cancellationToken = default)
    {
        Meet(eventData.Exception);
        return Task.CompletedTask;
    }

    public void TransactionFailed(DbTransaction transaction, TransactionErrorEventData eventData) => Meet(eventData.Exception);

    public Task TransactionFailedAsync(
        DbTransaction transaction, TransactionErrorEventData eventData, CancellationToken cancellationToken = default)
    {
        Meet(eventData.Exception);
        return Task.CompletedTask;
    }

    public void SaveChangesFailed(DbContextErrorEventData eventData) => Meet(eventData.Exception);

    public Task SaveChangesFailedAsync(DbContextErrorEventData eventData, CancellationToken cancellationToken = default)
    {
        Meet(eventData.Exception);
        return Task.CompletedTask;
    }

    /// <summary>
    /// Takes note of an exception that ended something. EF tells no interceptor of a transaction that could not begin, which is how a
    /// read-only disk shows; so those who catch last, such as the pipeline of a request, bring it here.
    /// </summary>
    /// <returns>The fault of the disk that it tells of; null when it tells of something else.</returns>
    public StorageFault? Meet(Exception exception)
    {
        if (StorageFaults.Of(exception) is not { } fault)
        {
            return null;
        }

        lock (_lock)
        {
            if (Fault == fault || Fault is StorageFault.Damaged)
            {
                return fault;
            }

            Fault = fault;
        }

        LogBegun(fault);
        Changed?.Invoke();
        return fault;
    }

    /// <summary>The disk takes changes again. A damaged file does not heal by that: it is put back by a restart on a backup.</summary>
    internal void NoteWritten()
    {
        lock (_lock)
        {
            if (Fault is null or StorageFault.Damaged)
            {
                return;
            }

            Fault = null;
        }

        LogOver();
        Changed?.Invoke();
    }

    [LoggerMessage(LogLevel.Critical, "The disk under the database is in trouble ({Fault}): changes are refused until it is mended; the server goes on by itself then")]
    private partial void LogBegun(StorageFault fault);

    [LoggerMessage(LogLevel.Information, "The database can be written again")]
    private partial void LogOver();
}
