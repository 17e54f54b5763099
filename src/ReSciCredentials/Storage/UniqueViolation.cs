using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;

namespace ReSciCredentials.Storage;

internal static class UniqueViolation
{
    // SQLITE_CONSTRAINT_UNIQUE: https://sqlite.org/rescode.html#constraint_unique
    private const int ExtendedErrorCode = 2067;

    /// <summary>Whether a row was refused because one like it is there: of two requests at once, the other came first.</summary>
    public static bool IsUniqueViolation(this DbUpdateException exception) =>
        exception.InnerException is SqliteException { SqliteExtendedErrorCode: ExtendedErrorCode };
}
