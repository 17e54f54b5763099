using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace ReSciCredentials.Storage;

/// <summary>For <c>dotnet ef migrations add</c>: the model alone, without a server.</summary>
internal sealed class StorageDesign : IDesignTimeDbContextFactory<StorageContext>
{
    public StorageContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<StorageContext>().UseSqlite("Data Source=design.db").Options);
}
